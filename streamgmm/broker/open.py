"""Which broker a URL means: the one place that chooses."""

from streamgmm import settings
from streamgmm.broker.interface import Broker
from streamgmm.errors import SettingsError


def open_broker(broker: settings.Broker) -> Broker:
    """A broker that is not connected yet: `async with` does that.

    Raises SettingsError for a URL that names neither `kafka://host:port,...` nor `sqlite:///path`.
    """
    scheme, _, rest = broker.url.partition("://")
    if scheme == "sqlite" and rest.startswith("/") and rest not in {"/", "/:memory:"}:
        from streamgmm.broker.local_log import LocalLog  # noqa: PLC0415 - only the broker in use is loaded

        return LocalLog(broker.url, lock_timeout=broker.request_timeout)
    if scheme == "kafka" and rest:
        from streamgmm.broker.kafka import Kafka  # noqa: PLC0415

        return Kafka(broker)
    raise SettingsError(f"broker.url is kafka://host:port,... or sqlite:///path, not {broker.url!r}")
