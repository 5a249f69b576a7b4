"""Passwords, certificates and rights: against a Kafka that asks for them."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # imported there, not named in __all__
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
)

from streamgmm import settings
from streamgmm.broker.interface import GroupOffsets
from streamgmm.broker.kafka import Kafka
from streamgmm.broker.kafka_connection import connection
from streamgmm.errors import BrokerError, BrokerUnavailable, SettingsError
from tests.broker.traffic import create, everything, publish, records, values
from tests.kafka.server import KafkaServer

Grant = Callable[..., Awaitable[None]]

LOGIN = "org.apache.kafka.common.security.plain.PlainLoginModule required"
PROPERTIES = {
    "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:SASL_PLAINTEXT",
    "sasl.enabled.mechanisms": "PLAIN",
    "sasl.mechanism.inter.broker.protocol": "PLAIN",
    "listener.name.plaintext.plain.sasl.jaas.config": (
        f'{LOGIN} username="admin" password="admin-secret" user_admin="admin-secret" '
        'user_guest="guest-secret" user_clerk="clerk-secret";'
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


@pytest.fixture
async def grant(guarded: KafkaServer, name: str) -> Grant:
    """Gives the clerk a right to a topic, transactional id or group. Some it has: all but those of the tests."""
    admin = AdminClient({"bootstrap.servers": guarded.bootstrap, "log_level": 0, **CLIENT})

    async def granting(kind: ResourceType, named: str, operation: AclOperation) -> None:
        right = (kind, named, ResourcePatternType.LITERAL, "User:clerk", "*", operation, AclPermissionType.ALLOW)
        for future in admin.create_acls([AclBinding(*right)]).values():
            await asyncio.wrap_future(future)

    async with as_user(guarded, "admin", password="admin-secret") as broker:
        await create(broker, name)
    await granting(ResourceType.TRANSACTIONAL_ID, name, AclOperation.WRITE)
    await granting(ResourceType.TOPIC, f"{name}-other", AclOperation.WRITE)
    await granting(ResourceType.TOPIC, name, AclOperation.READ)
    await granting(ResourceType.TOPIC, name, AclOperation.DESCRIBE_CONFIGS)
    return granting


@pytest.mark.parametrize("transactional", [True, False])
async def test_a_missing_right_to_write_is_named(
    guarded: KafkaServer, grant: Grant, name: str, transactional: bool
) -> None:
    async with as_user(guarded, "clerk", password="clerk-secret") as clerk:
        writer = await clerk.writer(name if transactional else None)
        await writer.begin()
        await writer.send(name, 0, records("a"))
        with pytest.raises(BrokerError, match=f"{name}.*TopicAuthorizationFailed") as refused:
            await writer.commit()
        assert not isinstance(refused.value, BrokerUnavailable)


async def test_a_missing_right_to_a_group_is_named(guarded: KafkaServer, grant: Grant, name: str) -> None:
    group = GroupOffsets(f"{name}-group", name, {0: 1})
    await grant(ResourceType.TOPIC, name, AclOperation.WRITE)
    async with as_user(guarded, "clerk", password="clerk-secret") as clerk:
        writer = await clerk.writer(name)
        await writer.begin()
        await writer.send(name, 0, records("a"))
        with pytest.raises(BrokerError, match=f"GroupAuthorizationFailed.*{group.group}") as refused:
            await writer.commit(group)
        assert not isinstance(refused.value, BrokerUnavailable)
        await grant(ResourceType.GROUP, group.group, AclOperation.READ)
        writer = await clerk.writer(name)
        await writer.begin()
        await writer.send(name, 0, records("b"))
        await writer.commit(group)
        assert values((await everything(clerk, name))[0]) == ["b"]


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
