"""One visit of the doctor to the lab, and what it found."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.clock import Clock, SystemClock
from gateway.config import GatewayConfig
from gateway.doctor.examine import Examination, Options
from gateway.doctor.findings import Finding, Verdict
from tests.lab import pbx
from tests.lab.asterisk import Asterisk

NOWHERE = Path("/nonexistent")


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that one visit found."""

    findings: tuple[Finding, ...]

    def problem(self, check: str) -> str:
        """Return what is said of the problem with *check*, and what to change; there must be one."""
        found = [each for each in self.findings if each.check == check and each.verdict is Verdict.PROBLEM]
        assert found, f"no problem with {check}: {self}"
        return f"{found[0].found} -> {found[0].change}"

    def verdict(self, check: str) -> Verdict:
        """Return how the last check of that name ended."""
        return [each.verdict for each in self.findings if each.check == check][-1]

    @property
    def problems(self) -> set[str]:
        """The checks that found a problem."""
        return {each.check for each in self.findings if each.verdict is Verdict.PROBLEM}

    def __str__(self) -> str:
        return "\n".join(f"{each.verdict}: {each.check}: {each.found} -> {each.change}" for each in self.findings)


def settings(
    pbx_: Asterisk | None, mqtt_port: int, directory: Path, *, user: pbx.AmiUser = pbx.GATEWAY, **changes: Any
) -> GatewayConfig:
    """Return the configuration of the lab's gateway; without an Asterisk nobody listens where one should."""
    ami: dict[str, Any] = {
        "host": "127.0.0.1",
        "port": 1 if pbx_ is None else pbx_.port,
        "username": user.name,
        "password": user.secret,
        "queue_log": directory / "queue_log" if pbx_ is None else pbx_.queue_log,
        "wrap_up": {queue.name: queue.wrapuptime for queue in pbx.QUEUES},
    }
    mqtt: dict[str, Any] = {"host": "127.0.0.1", "port": mqtt_port, "username": None}
    tables: dict[str, dict[str, Any]] = {
        "asterisk": ami,
        "mqtt": mqtt,
        "store": {"path": directory / "gateway.db"},
        "http": {"listen": ""},
    }
    for table, keys in changes.items():
        tables[table] = {**tables.get(table, {}), **keys}
    return GatewayConfig.model_validate({"node": "lab", **tables})


async def visit(
    config: GatewayConfig,
    etc: Path = NOWHERE,
    *,
    clock: Clock | None = None,
    listen: float = 0.2,
    service_user: str | None = None,
) -> Report:
    """Let the doctor look; *etc* is Asterisk's configuration, by default out of its reach."""
    examination = Examination(config, Options(etc, listen, service_user), clock or SystemClock())
    return Report(tuple([finding async for finding in examination.run()]))


def changed(manager: str, section: str, settings_: Mapping[str, str]) -> str:
    """Return the text of manager.conf with more settings at the end of a section, where the last one counts."""
    head, mark, rest = manager.partition(f"[{section}]\n")
    assert mark
    end = rest.find("\n[")
    lines = "".join(f"{key} = {value}\n" for key, value in settings_.items())
    return head + mark + (rest + lines if end < 0 else rest[: end + 1] + lines + rest[end + 1 :])
