"""Passwords, certificates and rights: against a Kafka that asks for them."""

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from streamgmm import settings
from streamgmm.broker.kafka import Kafka
from streamgmm.broker.kafka_connection import connection
from streamgmm.errors import BrokerError, BrokerUnavailable, SettingsError
from tests.broker.traffic import create, everything, publish, values
from tests.kafka.server import KafkaServer

LOGIN = "org.apache.kafka.common.security.plain.PlainLoginModule required"
PROPERTIES = {
    "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:SASL_PLAINTEXT",
    "sasl.enabled.mechanisms": "PLAIN",
    "sasl.mechanism.inter.broker.protocol": "PLAIN",
    "listener.name.plaintext.plain.sasl.jaas.config": (
        f'{LOGIN} username="admin" password="admin-secret" user_admin="admin-secret" user_guest="guest-secret";'
    ),
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "super.users": "User:admin;User:ANONYMOUS",
}
CLIENT = {
    "security.protocol": "SASL_PLAINTEXT",
    "sasl.mechanism": "PLAIN",
    "sasl.username": "admin",
    "sasl.password": "admin-secret",
}


@pytest.fixture(scope="module")
def guarded() -> Iterator[KafkaServer]:
    with KafkaServer(properties=PROPERTIES, client=CLIENT) as server:
        yield server


def as_user(server: KafkaServer, name: str, **security: str) -> Kafka:
    access = settings.Security.model_validate({"protocol": "SASL_PLAINTEXT", "username": name, **security})
    return Kafka(settings.Broker(url=server.url, security=access, request_timeout=5))


async def test_a_password_from_a_file_lets_in(guarded: KafkaServer, tmp_path: Path, name: str) -> None:
    secret = tmp_path / "password"
    secret.write_text("admin-secret\n")
    async with as_user(guarded, "admin", password_file=str(secret)) as broker:
        await create(broker, name)
        await publish(broker, name, "a")
        assert values((await everything(broker, name))[0]) == ["a"]


async def test_a_wrong_password_is_refused_for_good(guarded: KafkaServer) -> None:
    with pytest.raises(BrokerError, match=r"refused connecting: .*Authentication") as refused:
        async with as_user(guarded, "admin", password="wrong"):
            pass
    assert not isinstance(refused.value, BrokerUnavailable)


async def test_a_user_without_rights_is_told_so(guarded: KafkaServer, name: str) -> None:
    async with as_user(guarded, "admin", password="admin-secret") as admin:
        await create(admin, name)
    async with as_user(guarded, "guest", password="guest-secret") as guest:
        for refused in (
            guest.topic(name),
            guest.reader(name),
            guest.offsets(name, "latest"),
            create(guest, f"{name}2"),
        ):
            with pytest.raises(BrokerError, match="AuthorizationFailed") as error:
                await refused
            assert not isinstance(error.value, BrokerUnavailable)
        for transactional_id in (None, name):
            with pytest.raises(BrokerError, match=r"opening a writer: .*AuthorizationFailed"):
                await guest.writer(transactional_id)


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    absent = str(tmp_path / "absent")
    for given in (
        {"protocol": "SASL_PLAINTEXT", "username": "me", "password_file": absent},
        {"protocol": "SSL", "ca_file": absent},
        {"protocol": "SSL", "certificate_file": absent, "key_file": absent},
    ):
        access = settings.Security.model_validate(given)
        with pytest.raises(SettingsError, match=list(given)[-1]):
            connection(settings.Broker(url="kafka://localhost:9092", security=access))


def test_tls_checks_the_broker() -> None:
    access = settings.Security(protocol="SSL")
    context = connection(settings.Broker(url="kafka://localhost:9092", security=access))["ssl_context"]
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
