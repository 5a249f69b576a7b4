"""The estimator's parameters as stepwise EM takes them, each within its bounds."""

from collections.abc import Mapping
from typing import Any

from streamgmm.mixture import covariance as covariances
from streamgmm.mixture.bounds import flag, integer, real
from streamgmm.mixture.learning import Learning
from streamgmm.mixture.step_size import ENDLESS, HalfLife, half_life


def learning(parameters: Mapping[str, Any]) -> Learning:
    """Of an estimator's attributes. Raises ValueError that names what is out of its bounds, its value and the bound."""
    batch_size = integer("batch_size", parameters["batch_size"], 1)
    return Learning(
        covariance=covariances.by_name(parameters["covariance_type"]),
        batch_size=batch_size,
        exponent=real("exponent", parameters["exponent"], 0.5, 1, above=True),
        delay=real("delay", parameters["delay"], 0),
        reg_relative=real("reg_relative", parameters["reg_relative"], 0),
        reg_covar=real("reg_covar", parameters["reg_covar"], 0),
        half_life=_half_life(parameters["half_life"], batch_size),
        averaging=flag("averaging", parameters["averaging"]),
    )


def _half_life(given: float | Mapping[str, Any] | None, batch_size: int) -> HalfLife:
    """None is none; a number counts vectors."""
    if given is None:
        return ENDLESS
    found: dict[str, Any] = dict(given) if isinstance(given, Mapping) else {"value": given, "unit": "records"}
    if found.keys() != {"value", "unit"}:
        raise ValueError(f"half_life is {given!r}; it must be a number of vectors, or a value and a unit")
    return half_life(real("half_life", found["value"], 0, above=True), found["unit"], batch_size)
