"""Every kind of mistake, and what its author is told."""

from pathlib import Path

import pytest

from gateway.config import load_config
from gateway.errors import ConfigError
from tests.config.support import PASSWORD, complaint

# Each: the text of the file, the line at fault, the key, a part of what was expected, of what was found, the example.
MISTAKES = [
    ('[mqtt]\nport = "1883"', 2, "mqtt.port", "a port number from 1 to 65535", '"1883" (a text)', "port = 1883"),
    ("[mqtt]\nport = 0", 2, "mqtt.port", "from 1 to 65535", "0 (a number)", "port = 1883"),
    ("[mqtt]\nport = 65536", 2, "mqtt.port", "from 1 to 65535", "65536", "port = 1883"),
    ("[mqtt]\nport = 1883.0", 2, "mqtt.port", "a port number", "1883.0", "port = 1883"),
    ("[mqtt]\nport = true", 2, "mqtt.port", "a port number", "true (true or false)", "port = 1883"),
    ("[asterisk]\n\nport = 2024-01-01", 3, "asterisk.port", "a port number", "a date or time", "port = 5038"),
    ("[asterisk]\nport = 1" + 90 * "0", 2, "asterisk.port", "a port number", "a very large number", "port = 5038"),
    ('[mqtt]\ntls = "yes"', 2, "mqtt.tls", "true or false", '"yes" (a text)', "tls = true"),
    ("[mqtt]\nhost = 5", 2, "mqtt.host", "a host name", "5 (a number)", 'host = "127.0.0.1"'),
    ('[mqtt]\nhost = ""', 2, "mqtt.host", "a host name", '"" (a text)', 'host = "127.0.0.1"'),
    ('[mqtt]\nhost = "mqtt://b"', 2, "mqtt.host", "no mqtt://", '"mqtt://b"', 'host = "127.0.0.1"'),
    ("[mqtt]\nprefix = ''", 2, "mqtt.prefix", "a topic prefix", '""', 'prefix = "cti"'),
    ("[mqtt]\nprefix = '/cti'", 2, "mqtt.prefix", "no slash at either end", '"/cti"', 'prefix = "cti"'),
    ("[mqtt]\nprefix = 'cti/'", 2, "mqtt.prefix", "no slash at either end", '"cti/"', 'prefix = "cti"'),
    ("[mqtt]\nprefix = 'a+b'", 2, "mqtt.prefix", "no + or #", '"a+b"', 'prefix = "cti"'),
    ("[mqtt]\nprefix = '#'", 2, "mqtt.prefix", "no + or #", '"#"', 'prefix = "cti"'),
    ("[mqtt]\nprefix = '$SYS'", 2, "mqtt.prefix", "no $ in front", '"$SYS"', 'prefix = "cti"'),
    ('[mqtt]\nprefix = "a\\u0000b"', 2, "mqtt.prefix", "a topic prefix", '"a\\u0000b"', 'prefix = "cti"'),
    ("[mqtt]\nprotocol = '4'", 2, "mqtt.protocol", '"auto", "5" or "3.1.1"', '"4"', 'protocol = "auto"'),
    ("[mqtt]\ntls_ca_file = '/x'", 2, "mqtt.tls_ca_file", "no value here unless tls = true", '"/x"', "tls_ca_file = "),
    ("[mqtt]\ntls_cert_file = '/x'", 2, "mqtt.tls_cert_file", "unless tls = true", '"/x"', "tls_cert_file = "),
    (
        "[asterisk]\ntls_server_name = 'x'",
        2,
        "asterisk.tls_server_name",
        "unless tls = true",
        '"x"',
        "pbx1.example.net",
    ),
    ("[mqtt]\ntls = true\ntls_ca_file = '/no/such'", 3, "mqtt.tls_ca_file", "a readable file", "/no/such", "tls_ca"),
    ("[asterisk]\nusername = ''", 2, "asterisk.username", "not empty", '""', 'username = "cti-gateway"'),
    ("[asterisk]\nresync_interval = 0", 2, "asterisk.resync_interval", "more than 0", "0", "resync_interval = 60"),
    (
        "[asterisk]\nresync_interval = nan",
        2,
        "asterisk.resync_interval",
        "seconds",
        "nan (a number)",
        "resync_interval = 60",
    ),
    ("[asterisk.wrap_up]\na = 1\nb = -1", 3, "asterisk.wrap_up.b", "whole seconds", "-1", "wrap_up = { support = 15 }"),
    ("[asterisk.wrap_up]\n'b c' = 'x'", 2, 'asterisk.wrap_up."b c"', "whole seconds", '"x"', "{ support = 15 }"),
    ("[asterisk.wrap_up]\n'' = 1", 2, 'asterisk.wrap_up.""', "queues", '""', "{ support = 15 }"),
    ("[asterisk]\nwrap_up = 15", 2, "asterisk.wrap_up", "queues and their wrap-up", "15", "wrap_up = { support = 15 }"),
    ("[session]\nagent_identity = 'name'", 2, "session.agent_identity", '"member_name"', '"name"', '"member_name"'),
    (
        "[session]\ntime_to_answer = 1",
        2,
        "session.time_to_answer",
        '"queue" or "ring"',
        "1",
        'time_to_answer = "queue"',
    ),
    ("[session]\nstatistics_interval = -5", 2, "session.statistics_interval", "more than 0", "-5", "interval = 60"),
    (
        "[session]\nended_retention = 0.5",
        2,
        "session.ended_retention",
        "whole seconds",
        "0.5",
        "ended_retention = 3600",
    ),
    ("[session]\nrollover = '24:00'", 2, "session.rollover", '"HH:MM"', '"24:00"', 'rollover = "00:00"'),
    ("[session]\nrollover = 7", 2, "session.rollover", '"HH:MM"', "7", 'rollover = "00:00"'),
    (
        "[session]\nwrap_up_pause_reasons = ['a|b']",
        2,
        "session.wrap_up_pause_reasons[0]",
        "79 bytes",
        '"a|b"',
        '"acw"]',
    ),
    (f"[session]\nwrap_up_pause_reasons = ['{'é' * 40}']", 2, "pause_reasons[0]", "79 bytes", "é", '"acw"]'),
    ("[session]\nwrap_up_pause_reasons = 'acw'", 2, "session.wrap_up_pause_reasons", "a list", '"acw"', '"acw"]'),
    (
        "[home_assistant]\npause_reasons = ['a', 'a']",
        2,
        "home_assistant.pause_reasons",
        "each reason once",
        "",
        "lunch",
    ),
    ("[home_assistant]\npause_reasons = ['a ']", 2, "home_assistant.pause_reasons", "without a blank", "", "lunch"),
    (
        "[home_assistant]\npause_reasons = ['NONE']",
        2,
        "home_assistant.pause_reasons",
        "something else there",
        "",
        "lunch",
    ),
    ("[commands]\ntimeout = inf", 2, "commands.timeout", "seconds", "inf (a number)", "timeout = 5"),
    ("[commands]\nmax_in_flight = 0", 2, "commands.max_in_flight", "a whole number", "0", "max_in_flight = 100"),
    (
        "[commands]\nallow = [\n  'set',\n  'dial',\n]",
        2,
        "commands.allow[1]",
        '"create_session"',
        '"dial"',
        "allow = [",
    ),
    ("[commands]\naddresses = ['']", 2, "commands.addresses[0]", "patterns", '""', 'addresses = ["PJSIP/*"'),
    ("[commands]\ngroups = { a = 1 }", 2, "commands.groups", "a list of patterns", "a table", 'groups = ["*"]'),
    ("[store]\npath = ''", 2, "store.path", "the path of a file", '""', 'path = "/var/lib'),
    ("[store]\npath = ['x']", 2, "store.path", "the path of a file", "a list", 'path = "/var/lib'),
    ("[store]\nsynchronous = 'off'", 2, "store.synchronous", '"full" or "normal"', '"off"', 'synchronous = "full"'),
    ("[store]\nkeep_days = -1", 2, "store.keep_days", "from 0 to", "-1", "keep_days = 400"),
    ("[store]\noutbox_limit_mb = 0", 2, "store.outbox_limit_mb", "from 1 to", "0", "outbox_limit_mb = 512"),
    ("[http]\nlisten = '9810'", 2, "http.listen", '"host:port"', '"9810"', 'listen = "127.0.0.1:9810"'),
    ("[http]\nlisten = 'h:70000'", 2, "http.listen", '"host:port"', '"h:70000"', 'listen = "127.0.0.1:9810"'),
    ("[http]\nlisten = '::1:80'", 2, "http.listen", "in brackets", '"::1:80"', 'listen = "127.0.0.1:9810"'),
    ("node = ''", 1, "node", "not empty", '""', 'node = "pbx1"'),
    ("mqtt = 5", 1, "mqtt", "a table [mqtt]", "5", '[mqtt] host = "127.0.0.1"'),
    ("[[store]]\npath = 'x'", 1, "store", "a table [store]", "a list", "[store] path = "),
    ("\n[mqtt]\nhots = 'x'", 3, "mqtt.hots", "did you mean mqtt.host?", "an unknown key", 'host = "127.0.0.1"'),
    ("[mqtt]\nwrap_up = {}", 2, "mqtt.wrap_up", "did you mean asterisk.wrap_up?", "unknown", "wrap_up = {"),
    ("host = 'x'", 1, "host", "did you mean asterisk.host or mqtt.host?", "an unknown key", 'host = "127.0.0.1"'),
    ("[broker]\nhost = 'x'", 1, "broker", "known: node, asterisk, mqtt, ", "an unknown key", ""),
    ("'a\\n b' = 1", 1, '"a\\\\n b"', "known: node", "an unknown key", ""),
]


@pytest.mark.parametrize("mistake", MISTAKES, ids=[mistake[2] for mistake in MISTAKES])
def test_mistake_is_told_with_place_key_expectation_and_example(
    mistake: tuple[str, int, str, str, str, str], tmp_path: Path
) -> None:
    """Each mistake in the file is one line with file, line, key, what was expected, what was found, and an example."""
    text, line, key, expected, found, shown = mistake
    told = complaint(text, tmp_path)
    assert "\n" not in told
    assert told.startswith(f"{tmp_path}/gateway.toml:{line}: ")
    place, _, rest = told.partition(": expected ")
    expectation, _, rest = rest.partition(", found ")
    assert place.endswith(key)
    assert expected in expectation
    found_there, _, example_there = rest.partition("; example: ")
    assert found in found_there
    assert shown in example_there


def test_all_mistakes_are_told_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    """Who made five mistakes is told of five, in the order in which they stand."""
    told = complaint("nod = 1\n[mqtt]\nport = 'x'\nhots = 1\n[http]\nlisten = 1\n[asterisk]\ntls = 0", tmp_path)
    places = [line.removeprefix(f"{tmp_path}/gateway.toml:").split(": ")[:2] for line in told.splitlines()]
    assert places == [["1", "nod"], ["3", "mqtt.port"], ["4", "mqtt.hots"], ["6", "http.listen"], ["8", "asterisk.tls"]]


@pytest.mark.parametrize(
    ("variable", "text", "expected", "shown"),
    [
        ("CTI_GATEWAY__MQTT__PORT", "many", "a port number from 1 to 65535", "CTI_GATEWAY__MQTT__PORT=1883"),
        ("CTI_GATEWAY__MQTT__TLS", "perhaps", "true or false", "CTI_GATEWAY__MQTT__TLS=true"),
        ("CTI_GATEWAY__COMMANDS__ALLOW", "set", "a list as JSON", """CTI_GATEWAY__COMMANDS__ALLOW='["set", """),
        ("CTI_GATEWAY__COMMANDS__ALLOW", '["dial"]', '"create_session"', """CTI_GATEWAY__COMMANDS__ALLOW='["set", """),
        ("CTI_GATEWAY__ASTERISK__WRAP_UP", "15", "queues and their", """WRAP_UP='{"support": 15}'"""),
        ("CTI_GATEWAY__ASTERISK__WRAP_UP", "[" * 100_000, "a table as JSON", """WRAP_UP='{"support": 15}'"""),
        ("CTI_GATEWAY__ASTERISK__WRAP_UP__SUPPORT", "x", "queues and their", """WRAP_UP='{"support": 15}'"""),
        ("CTI_GATEWAY__MQTT", "{", "a table as JSON", "CTI_GATEWAY__MQTT__HOST=127.0.0.1"),
        ("CTI_GATEWAY__MQTT", '{"port": "1"}', "a port number", "CTI_GATEWAY__MQTT__PORT=1883"),
        ("CTI_GATEWAY__MQTT__HOTS", "x", "did you mean mqtt.host?", "CTI_GATEWAY__MQTT__HOST=127.0.0.1"),
        ("CTI_GATEWAY__HOST", "x", "did you mean asterisk.host or mqtt.host?", "CTI_GATEWAY__ASTERISK__HOST=127.0.0.1"),
        ("CTI_GATEWAY__NODE", "\udcff", "text without control characters", "CTI_GATEWAY__NODE=pbx1"),
    ],
)
def test_mistake_in_the_environment_is_told_by_the_variable(
    variable: str, text: str, expected: str, shown: str, tmp_path: Path
) -> None:
    """Each mistake in the environment names the variable and shows one that would do."""
    told = complaint("[mqtt]\nport = 1\n", tmp_path, **{variable: text})
    assert "\n" not in told
    assert told.startswith(f"{variable}: ")
    assert expected in told
    assert shown in told


@pytest.mark.parametrize(
    ("content", "line", "found"),
    [
        (b"a = 1\nb = hunter2\n", 2, "at column"),
        (b"a = 1\nb = 'open", 2, ""),
        (b"a = 1\na = 2\n", 2, ""),
        (b"a = 1\nb = '\xff'\n", 2, "the byte 0xff"),
    ],
)
def test_file_that_is_no_toml_is_told_with_its_line(content: bytes, line: int, found: str, tmp_path: Path) -> None:
    """A file that is no TOML, or no UTF-8, is refused with the line, and what stands there is not repeated."""
    path = tmp_path / "bad.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        load_config(path, PASSWORD)
    told = str(caught.value)
    assert told.startswith((f"{path}:{line}: expected ", f"{path}: expected TOML, found at the end"))
    assert found in told
    assert "hunter2" not in told


@pytest.mark.parametrize("name", ["missing.toml", ".", "nul\0.toml"])
def test_file_that_cannot_be_read_is_told(name: str, tmp_path: Path) -> None:
    """A file that is not there, or no file, is told by its path."""
    with pytest.raises(ConfigError, match=r"expected .*, found"):
        load_config(tmp_path / name, PASSWORD)


def test_nesting_without_reason_is_refused(tmp_path: Path) -> None:
    """A file nested so deeply that no parser takes it is refused, not crashed on."""
    assert "expected TOML" in complaint("a = " + "[" * 20_000, tmp_path)
    assert "expected TOML" in complaint("a = " + "9" * 20_000, tmp_path)
