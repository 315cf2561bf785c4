"""The files an operator copies: that they are right, and stay so."""

import configparser
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from gateway.ami import translate
from gateway.config import GatewayConfig, load_config
from gateway.config.keys import is_table

ROOT = Path(__file__).parent.parent
EXAMPLE = ROOT / "config" / "gateway.example.toml"
UNIT = ROOT / "deploy" / "cti-gateway.service"
MANAGER = ROOT / "deploy" / "asterisk" / "manager.d" / "cti-gateway.conf"

#: Keys whose value in the example cannot be their default.
ILLUSTRATED = {"node", "asterisk.password_file", "mqtt.password_file", "asterisk.wrap_up", "asterisk.password"}


def keys_of(model: type[BaseModel], place: str = "") -> Iterator[str]:
    """Yield every key of the models, dotted."""
    for name, field in model.model_fields.items():
        kind: Any = field.annotation
        if is_table(kind):
            yield from keys_of(kind, f"{place}{name}.")
        else:
            yield f"{place}{name}"


def value_at(tables: Any, key: str) -> Any:
    """Return what stands at a dotted key, in nested tables or models."""
    for name in key.split("."):
        tables = tables[name] if isinstance(tables, dict) else getattr(tables, name)
    return tables


def example_with_all_keys(folder: Path) -> Path:
    """Write the example with its commented keys made real, and with passwords that can be read."""
    text = re.sub(r"(?m)^# (\w+ = )", r"\1", EXAMPLE.read_text(encoding="utf-8"))
    text = text.replace("/etc/cti-gateway/", f"{folder}/")
    for name in ("asterisk.password", "mqtt.password"):
        (folder / name).write_text("a long random text\n")
    path = folder / "gateway.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_example_is_a_configuration_as_it_stands(tmp_path: Path) -> None:
    """The example needs nothing but the two password files, and changes no default that it does not say."""
    text = EXAMPLE.read_text(encoding="utf-8").replace("/etc/cti-gateway/", f"{tmp_path}/")
    (tmp_path / "asterisk.password").write_text("one\n")
    (tmp_path / "mqtt.password").write_text("other\n")
    (tmp_path / "gateway.toml").write_text(text, encoding="utf-8")
    config = load_config(tmp_path / "gateway.toml", {})
    plain = load_config(None, {"CTI_GATEWAY__ASTERISK__PASSWORD": "one", "CTI_GATEWAY__MQTT__PASSWORD": "other"})
    unset = {"asterisk": {"password_file"}, "mqtt": {"password_file"}}
    assert config.model_dump(exclude=unset) == plain.model_dump(exclude=unset)


@pytest.mark.parametrize("key", list(keys_of(GatewayConfig)))
def test_example_has_every_key_with_its_default(key: str, tmp_path: Path) -> None:
    """Each key stands in the example, with the default as its value where it has one."""
    path = example_with_all_keys(tmp_path)
    value_at(tomllib.loads(path.read_text(encoding="utf-8")), key)
    if key not in ILLUSTRATED:
        plain = load_config(None, {"CTI_GATEWAY__ASTERISK__PASSWORD": "x"})
        shown = value_at(load_config(path, {"CTI_GATEWAY__MQTT__PASSWORD_FILE": ""}), key)
        assert shown == value_at(plain, key)


def unit_settings() -> dict[str, list[str]]:
    """Return the unit's settings; one may be given more than once."""
    lines = [line for line in UNIT.read_text().splitlines() if "=" in line and not line.startswith("#")]
    names = [line.partition("=")[0] for line in lines]
    return {name: [line.partition("=")[2] for line in lines if line.startswith(f"{name}=")] for name in names}


def test_unit_runs_what_is_installed_where_the_documents_say() -> None:
    """The unit starts the command with the default configuration and gives the store's folder to the service."""
    unit = unit_settings()
    assert unit["ExecStart"] == ["/opt/cti-gateway/bin/cti-gateway run --config /etc/cti-gateway/gateway.toml"]
    plain = load_config(None, {"CTI_GATEWAY__ASTERISK__PASSWORD": "x"})
    assert plain.store.path.parent == Path("/var/lib") / unit["StateDirectory"][0]


def test_unit_does_not_restart_what_a_restart_cannot_mend() -> None:
    """Configuration, store and refused logins end the service for good, everything else restarts it."""
    unit = unit_settings()
    assert unit["RestartPreventExitStatus"] == ["2 3 4 5"]
    assert unit["Restart"] == ["on-failure"]


def manager_conf() -> tuple[dict[str, str], list[str]]:
    """Return the user's settings and its event filters."""
    text = re.sub(r"(?m)^\s*;.*$", "", MANAGER.read_text())
    filters = re.findall(r"(?m)^eventfilter = (.*)$", text)
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    assert "[general](+)" in text  # adds to the section of manager.conf, where a second one would replace it
    parser.read_string(text.replace("](+)", "]"))
    assert parser["general"]["timestampevents"] == "yes"
    return dict(parser["cti-gateway"]), filters


def test_ami_user_has_the_rights_that_are_needed_and_no_more() -> None:
    """The user reads queue, call and system events, may pause and log in members, and can change nothing else."""
    user, _ = manager_conf()
    assert user["read"] == "agent,call,system"
    assert user["write"] == "agent,reporting"
    assert user["writetimeout"] == "5000"


def test_ami_user_has_no_secret_that_everybody_knows() -> None:
    """The sample gives no secret, so that no machine runs with a published one."""
    user, _ = manager_conf()
    assert "secret" not in user


def test_event_filters_pass_all_that_the_gateway_reads() -> None:
    """No event that the gateway understands is kept back by the sample, and floods of others are."""
    _, filters = manager_conf()

    def passes(name: str) -> bool:
        return any(re.search(pattern, f"Event: {name}\r\nPrivilege: agent,all\r\n\r\n") for pattern in filters)

    wanted = set(translate.EVENTS) | {"FullyBooted", "Shutdown", "Reload"}
    assert {name for name in wanted if not passes(name)} == set()
    assert not any(passes(name) for name in ("VarSet", "Newexten", "RTCPSent", "DeviceStateChange", "NewCallerid"))
