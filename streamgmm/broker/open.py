"""Which broker a URL means: the one place that chooses."""

from pathlib import Path

from streamgmm import settings
from streamgmm.broker.interface import Broker
from streamgmm.errors import SettingsError


def open_broker(broker: settings.Broker, *, create: bool = True) -> Broker:
    """A broker that is not connected yet: `async with` does that.

    Without `create` an embedded log whose file is not there is a BrokerError then, and no file is made. Raises
    SettingsError for a URL that names neither `kafka://host:port,...` nor `sqlite:///path`.
    """
    scheme, _, rest = broker.url.partition("://")
    if scheme == "sqlite" and rest.startswith("/") and rest not in {"/", "/:memory:"}:
        from streamgmm.broker.local_log import LocalLog  # noqa: PLC0415 - only the broker in use is loaded

        return LocalLog(broker.url, lock_timeout=broker.request_timeout, create=create)
    if scheme == "kafka" and rest:
        from streamgmm.broker.kafka import Kafka  # noqa: PLC0415

        return Kafka(broker)
    raise SettingsError(f"broker.url is kafka://host:port,... or sqlite:///path, not {broker.url!r}")


def absent_log(broker: settings.Broker) -> Path | None:
    """The file of an embedded log that opening would make; None where it is there, and for Kafka."""
    scheme, _, rest = broker.url.partition(":///")
    path = Path(rest).absolute()
    return path if scheme == "sqlite" and not path.exists() else None
