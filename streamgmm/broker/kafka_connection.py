"""How a Kafka cluster is reached, and what its errors are to the rest of the program.

aiokafka logs what it also raises, and repeats it at every retry while a broker is away: its logger is silenced here,
once, and everything that matters is raised.
"""

import asyncio
import contextlib
import logging
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from aiokafka import errors as kafka
from aiokafka.errors import KafkaError

from streamgmm.errors import BrokerError, BrokerUnavailable, SettingsError
from streamgmm.settings import Broker, Security

SCHEME = "kafka://"
REFUSALS = (  # trying again does not help: somebody has to grant a right
    kafka.TopicAuthorizationFailedError,
    kafka.GroupAuthorizationFailedError,
    kafka.ClusterAuthorizationFailedError,
    kafka.TransactionalIdAuthorizationFailed,
)

logging.getLogger("aiokafka").setLevel(logging.CRITICAL)


def connection(settings: Broker) -> dict[str, Any]:
    """aiokafka's arguments for a connection. Raises SettingsError where a certificate or password cannot be read."""
    security = settings.security
    return {
        "bootstrap_servers": settings.url.removeprefix(SCHEME),
        "client_id": "streamgmm",
        "request_timeout_ms": int(settings.request_timeout * 1000),
        "security_protocol": security.protocol,
        "ssl_context": ssl_context(security) if security.protocol.endswith("SSL") else None,
        "sasl_mechanism": security.sasl_mechanism,
        "sasl_plain_username": security.username or None,
        "sasl_plain_password": password(security) or None,
    }


def ssl_context(security: Security) -> ssl.SSLContext:
    """A client's context that checks the broker's certificate and name."""
    try:
        context = ssl.create_default_context(cafile=security.ca_file or None)
        if security.certificate_file:
            context.load_cert_chain(security.certificate_file, security.key_file or None)
    except OSError as error:  # ssl.SSLError is one
        raise SettingsError(
            f"broker.security: a certificate or key cannot be read ({error}); see ca_file, certificate_file, key_file"
        ) from error
    return context


def password(security: Security) -> str:
    """The SASL password, from `password_file` where that is set."""
    if not security.password_file:
        return security.password.get_secret_value()
    try:
        return Path(security.password_file).read_text(encoding="utf-8").rstrip("\r\n")
    except OSError as error:
        raise SettingsError(f"broker.security.password_file cannot be read: {error}") from error


def reason(error: BaseException) -> str:
    """An error in words: aiokafka's name for it, and what the broker's documentation says of it."""
    said = getattr(error, "description", None)
    text = str(error) or type(error).__name__
    return f"{text} ({said})" if said and said not in text else text


def broker_error(error: BaseException, what: str, address: str) -> BrokerError:
    """What went wrong while doing `what`: unavailable where trying again may help."""
    if isinstance(error, BrokerError):
        return error
    if isinstance(error, OSError) or getattr(error, "retriable", False):  # TimeoutError is an OSError
        return BrokerUnavailable(f"Kafka at {address} did not answer while {what}: {reason(error)}")
    return BrokerError(f"Kafka at {address} refused {what}: {reason(error)}")


@contextlib.asynccontextmanager
async def bounded(seconds: float, what: str, address: str) -> AsyncIterator[None]:
    """Raises BrokerUnavailable after `seconds`, and the body's errors as BrokerErrors that say what was being done."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError as error:
        raise BrokerUnavailable(f"Kafka at {address} did not answer within {seconds:g} s while {what}") from error
    except (KafkaError, OSError) as error:
        raise broker_error(error, what, address) from error
