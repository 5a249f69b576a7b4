"""Every setting, declared once: name, default, bounds, unit and help; a file for each section.

A section checks what holds between its own settings, `Settings` what holds between sections. `source` reads values
from file, environment and command line; `problems` says in words what is wrong with them; `table` writes the
settings out as a table and as the commented `config/streamgmm.yaml`, and tests hold the README and that file
against it.
"""

from streamgmm.settings.broker import Broker, Security
from streamgmm.settings.delivery import Delivery
from streamgmm.settings.drift import Drift
from streamgmm.settings.features import Feature, Features, Standardise
from streamgmm.settings.http import Http
from streamgmm.settings.input import Input
from streamgmm.settings.learning import HalfLife, Learning
from streamgmm.settings.log import Log
from streamgmm.settings.model import Model
from streamgmm.settings.output import Output
from streamgmm.settings.section import Section, is_topic_name, seconds
from streamgmm.settings.settings import Settings

__all__ = [
    "Broker",
    "Delivery",
    "Drift",
    "Feature",
    "Features",
    "HalfLife",
    "Http",
    "Input",
    "Learning",
    "Log",
    "Model",
    "Output",
    "Section",
    "Security",
    "Settings",
    "Standardise",
    "is_topic_name",
    "seconds",
]
