"""SIGHUP: what a running gateway takes of its configuration, what it does not, and that it says which."""

import logging
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.config import GatewayConfig
from gateway.config.differences import changed_keys
from gateway.errors import ConfigError
from gateway.rereading import REREAD, Rereading
from gateway.systemd import Systemd
from tests.broker import Broker
from tests.service.live import Live, live, pbx

PASSWORD = "Zx9-very-secret-Qq7"
PLAIN: dict[str, dict[str, Any]] = {"asterisk": {"password": PASSWORD}, "commands": {"addresses": ["*"]}}
SET = "cti/pbx1/session/sales/Bob/PJSIP%2F1002/set"
SNAPSHOT = "session/sales/Bob/PJSIP%2F1002"


def config(**changes: dict[str, Any]) -> GatewayConfig:
    """A configuration in which some keys are others."""
    tables = {name: {**PLAIN.get(name, {}), **changes.get(name, {})} for name in {*PLAIN, *changes}}
    return GatewayConfig.model_validate(tables)


@pytest.fixture
async def gateway(broker: Broker) -> AsyncIterator[Live]:
    """A running gateway."""
    async with pbx() as asterisk, live(broker, asterisk) as running:
        yield running


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    """A Mosquitto."""
    with Broker(tmp_path / "broker") as running:
        yield running


def reread(gateway: Live, *found: GatewayConfig | ConfigError) -> None:
    """Let a gateway that runs with ``PLAIN`` read its configuration again, once for each that it finds."""
    reading = iter(found)

    def read() -> GatewayConfig:
        each = next(reading)
        if isinstance(each, ConfigError):
            raise each
        return each

    rereading = Rereading(gateway.gateway.tuning, config(), read, Systemd({}))
    for _ in found:
        rereading.reread()


async def test_the_policy_is_taken_at_once(gateway: Live) -> None:
    """A command that was allowed is forbidden after it, and allowed again after the next."""
    assert (await gateway.ask(SET, "NOT_READY"))["status"] == "ok"
    reread(gateway, config(commands={"groups": ["support"]}))
    assert (await gateway.ask(SET, "READY"))["code"] == "FORBIDDEN"
    reread(gateway, config(commands={"groups": ["support"]}), config())
    assert (await gateway.ask(SET, "READY"))["status"] == "ok"


async def test_wrap_up_is_taken_at_once_and_given_up_again(gateway: Live) -> None:
    """A queue's wrap-up that comes to be configured is that of its sessions, until it no longer is."""
    client = gateway.client

    async def limit(wanted: float | None, since: int) -> None:
        await client.wait_for(
            lambda m: m.topic == SNAPSHOT and bool(m.payload) and m.json["asterisk"]["wrap_up_limit"] == wanted,
            since=since,
        )

    since = len(client.messages)
    reread(gateway, config(asterisk={"wrap_up": {"SALES": 15}}))
    await limit(15.0, since)
    since = len(client.messages)
    reread(gateway, config(asterisk={"wrap_up": {"SALES": 15}}), config())
    await limit(None, since)


async def test_what_takes_a_restart_is_said_by_its_key_alone(gateway: Live, caplog: pytest.LogCaptureFixture) -> None:
    """Each key that cannot be taken has a line, again with each reading until the restart, and no value is told."""
    caplog.set_level(logging.INFO, "gateway.rereading")
    changed = config(asterisk={"password": f"{PASSWORD}2", "port": 7}, commands={"allow": ["set"]}, http={"listen": ""})
    reread(gateway, changed, changed)
    said = [record.getMessage() for record in caplog.records]
    restart = "has changed in the configuration: that takes a restart"
    lines = [f"{key} {restart}" for key in ("asterisk.password", "asterisk.port", "http.listen")]
    assert said == [
        *lines,
        "the configuration was read again: commands.allow",
        *lines,
        "the configuration was read again: nothing to take from it",
    ]
    assert PASSWORD not in caplog.text


async def test_a_mistake_changes_nothing(gateway: Live, caplog: pytest.LogCaptureFixture) -> None:
    """A configuration that cannot be used is told, a line for each mistake, and the gateway goes on as it was."""
    reread(gateway, ConfigError("one mistake\nanother"))
    said = [record.getMessage() for record in caplog.records if record.name == "gateway.rereading"]
    assert [line.rpartition(": ")[2] for line in said] == ["one mistake", "another"]
    assert (await gateway.ask(SET, "NOT_READY"))["status"] == "ok"


def test_every_key_is_looked_at() -> None:
    """A difference is found in whatever table it is, and what can be taken are keys that there are."""
    assert list(changed_keys(config(), config())) == []
    keys = {
        f"{table}.{name}"
        for table, field in GatewayConfig.model_fields.items()
        for name in getattr(field.annotation, "model_fields", {})
    }
    assert keys >= REREAD
    other = config(
        asterisk={"wrap_up": {"a": 1}, "resync_interval": 5},
        session={"statistics_interval": 5},
        commands={"allow": [], "groups": [], "addresses": [], "reasons": [], "max_in_flight": 1, "max_per_second": 1},
    )
    assert set(changed_keys(config(), other)) == REREAD
