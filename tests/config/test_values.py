"""What a configuration that is right amounts to."""

import socket
from datetime import time
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from gateway.config import AsteriskConfig, GatewayConfig, ListenAddress, MqttConfig, load_config
from gateway.config.keys import kind_at
from tests.config.support import PASSWORD, load


def test_everything_but_the_password_has_its_documented_default() -> None:
    """With nothing but Asterisk's password each key has the default that the documentation gives."""
    config = load_config(None, PASSWORD)
    assert config.model_dump(exclude={"asterisk": {"password"}}) == {
        "node": socket.gethostname(),
        "asterisk": {
            "host": "127.0.0.1",
            "port": 5038,
            "username": "cti-gateway",
            "password_file": None,
            "tls": False,
            "tls_ca_file": None,
            "tls_server_name": None,
            "queue_log": Path("/var/log/asterisk/queue_log"),
            "resync_interval": 60,
            "wrap_up": {},
        },
        "mqtt": {
            "host": "127.0.0.1",
            "port": 1883,
            "username": "cti-gateway",
            "password": None,
            "password_file": None,
            "tls": False,
            "tls_ca_file": None,
            "tls_cert_file": None,
            "tls_key_file": None,
            "prefix": "cti",
            "protocol": "auto",
            "publish_caller_id": True,
        },
        "session": {
            "agent_identity": "member_name",
            "time_to_answer": "queue",
            "statistics_interval": 60,
            "ended_retention": 3600,
            "rollover": None,
            "wrap_up_pause_reasons": ("wrapup", "wrap-up", "acw"),
            "unreachable_is_not_ready": True,
        },
        "commands": {
            "timeout": 5,
            "max_age": 10,
            "max_in_flight": 100,
            "max_per_second": 100,
            "allow": ("set", "create_session", "end_session", "measurement_period", "resync"),
            "addresses": ("PJSIP/*", "SIP/*", "IAX2/*", "DAHDI/*", "Agent/*"),
            "groups": ("*",),
            "reasons": ("*",),
        },
        "store": {
            "path": Path("/var/lib/cti-gateway/gateway.db"),
            "synchronous": "full",
            "outbox_limit_mb": 512,
            "keep_days": 400,
        },
        "http": {"listen": ("127.0.0.1", 9810)},
        "home_assistant": {
            "discovery": False,
            "prefix": "homeassistant",
            "queues": ("*",),
            "agents": ("*",),
            "pause_reasons": (),
        },
    }


def test_ports_follow_tls_unless_given(tmp_path: Path) -> None:
    """TLS moves the default ports, and a port that is given stays."""
    config = load("[asterisk]\ntls = true\n[mqtt]\ntls = true", tmp_path)
    assert (config.asterisk.port, config.mqtt.port) == (5039, 8883)
    config = load("[asterisk]\ntls = true\nport = 1\n[mqtt]\ntls = true\nport = 2", tmp_path)
    assert (config.asterisk.port, config.mqtt.port) == (1, 2)


def test_texts_with_a_meaning_become_values(tmp_path: Path) -> None:
    """Times of day, listening addresses, paths and tables arrive as values, and "" is none."""
    config = load(
        'session.rollover = "23:59"\nhttp.listen = "[::1]:80"\nasterisk.queue_log = ""\nmqtt.username = ""\n'
        "asterisk.wrap_up = { support = 15, 'Second Line' = 0 }",
        tmp_path,
    )
    assert config.session.rollover == time(23, 59)
    assert config.http.listen == ListenAddress("::1", 80)
    assert config.asterisk.queue_log is None
    assert config.mqtt.username is None
    assert config.asterisk.wrap_up == {"support": 15, "Second Line": 0}
    assert load('http.listen = ""', tmp_path).http.listen is None


def test_configuration_cannot_be_changed(tmp_path: Path) -> None:
    """A loaded configuration is frozen, each table of it too."""
    config = load("", tmp_path)
    with pytest.raises(ValidationError):
        config.mqtt.host = "elsewhere"


def test_environment_wins_over_the_file(tmp_path: Path) -> None:
    """A variable replaces the file's value and leaves its neighbours; text becomes what the key takes."""
    config = load(
        'node = "file"\n[mqtt]\nport = 1\nhost = "file"\n[asterisk.wrap_up]\na = 1\nb = 2\n',
        tmp_path,
        CTI_GATEWAY__NODE="123",
        CTI_GATEWAY__MQTT__PORT="18830",
        CTI_GATEWAY__MQTT__PUBLISH_CALLER_ID="no",
        CTI_GATEWAY__ASTERISK__WRAP_UP='{"b": 3}',
        CTI_GATEWAY__COMMANDS__ALLOW='["set"]',
        CTI_GATEWAY__COMMANDS__TIMEOUT="2.5",
        CTI_GATEWAY__SESSION='{"rollover": "00:00", "time_to_answer": "ring"}',
        CTI_GATEWAY__SESSION__TIME_TO_ANSWER="queue",
        cti_gateway__http__listen="",
    )
    assert config.node == "123"
    assert (config.mqtt.host, config.mqtt.port, config.mqtt.publish_caller_id) == ("file", 18830, False)
    assert config.asterisk.wrap_up == {"a": 1, "b": 3}
    assert config.commands.allow == ("set",)
    assert config.commands.timeout == 2.5
    assert (config.session.rollover, config.session.time_to_answer) == (time(0, 0), "queue")
    assert config.http.listen is None


def test_other_variables_mean_nothing(tmp_path: Path) -> None:
    """Variables without the prefix are not looked at."""
    assert load("", tmp_path, CTI_GATEWAY_NODE="x", NODE="y", MQTT="z").node == socket.gethostname()


def test_models_can_be_made_without_file_or_environment() -> None:
    """A tool or a test makes a configuration from values alone."""
    config = GatewayConfig(
        node="n", asterisk=AsteriskConfig(password=SecretStr("x"), tls=True), mqtt=MqttConfig(port=7)
    )
    assert (config.asterisk.port, config.mqtt.port) == (5039, 7)
    assert kind_at(("asterisk", "wrap_up", "any")) is int
