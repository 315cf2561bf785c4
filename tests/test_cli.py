"""What the command line says and how it ends."""

import io
import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from gateway import __version__, logs
from gateway.cli import app
from gateway.cli.run import run_to_end
from gateway.errors import AmiAuthenticationError, ConfigError, MqttAuthenticationError

SECRET = "Zx9-very-secret-Qq7"


@pytest.fixture
def config_file(tmp_path: Path) -> Path:
    """A configuration that can be used."""
    path = tmp_path / "gateway.toml"
    path.write_text(
        f'node = "PBX/1"\n[asterisk]\nport = 15038\npassword = "{SECRET}"\n[mqtt]\nusername = ""\nprefix = "acme/cti"\n'
        f'[commands]\nallow = ["set"]\n[http]\nlisten = ""\n'
    )
    return path


@pytest.mark.parametrize("command", [[], ["run"], ["check"]])
def test_help_has_an_example(command: list[str]) -> None:
    """The help of each command ends with a command line to copy."""
    result = CliRunner().invoke(app, [*command, "--help"])
    assert result.exit_code == 0
    assert f"Example: cti-gateway {' '.join(command)}" in result.output


def test_version_is_that_of_the_package() -> None:
    """--version says the installed version and nothing else."""
    result = CliRunner().invoke(app, ["--version"])
    assert (result.exit_code, result.output) == (0, f"cti-gateway {__version__}\n")


def test_check_says_what_would_be_done(config_file: Path) -> None:
    """A configuration that can be used is summed up, without secrets, and the exit status is 0."""
    result = CliRunner().invoke(app, ["check", "--config", str(config_file)])
    assert result.exit_code == 0
    said = dict(line.split(maxsplit=1) for line in result.output.splitlines())
    assert said == {
        "ok:": str(config_file),
        "node": "PBX/1",
        "topics": "acme/cti/PBX%2F1/...",
        "Asterisk": "127.0.0.1 port 15038 as cti-gateway, not encrypted",
        "queue_log": "/var/log/asterisk/queue_log",
        "broker": "127.0.0.1 port 1883 anonymously, not encrypted, MQTT 5, else 3.1.1",
        "commands": "set",
        "store": "/var/lib/cti-gateway/gateway.db",
        "HTTP": "off",
    }


def test_check_reads_the_environment(config_file: Path) -> None:
    """The environment counts for check as it does for run."""
    environment = {"CTI_GATEWAY__NODE": "other", "CTI_GATEWAY__HTTP__LISTEN": "[::1]:80"}
    result = CliRunner().invoke(app, ["check", "--config", str(config_file)], env=environment)
    assert "acme/cti/other/..." in result.output
    assert "::1 port 80" in result.output


@pytest.mark.parametrize("command", ["run", "check"])
def test_bad_configuration_ends_with_2_and_one_line_a_mistake(command: str, config_file: Path) -> None:
    """A configuration that cannot be used exits with 2, before any connection, and says why on standard error alone."""
    config_file.write_text(config_file.read_text() + "port = 1\n[store]\nsynchronous = 'off'\n")
    result = CliRunner().invoke(app, [command, "--config", str(config_file)])
    assert result.exit_code == 2
    assert result.stdout == ""
    told = result.stderr.splitlines()
    assert told[0] == "cti-gateway: the configuration cannot be used:"
    assert [line.partition(": expected ")[0] for line in told[1:]] == [
        f"{config_file}:12: http.port",
        f"{config_file}:14: store.synchronous",
    ]
    assert SECRET not in result.stderr


def test_missing_file_ends_with_2(tmp_path: Path) -> None:
    """A configuration file that is not there is told by its path, even one that is no UTF-8."""
    for name in ("none.toml", "\udcff.toml"):
        result = CliRunner().invoke(app, ["check", "--config", str(tmp_path / name)])
        assert result.exit_code == 2
        assert "No such file" in result.stderr
        assert str(tmp_path) in result.stderr


def test_unknown_option_ends_with_2() -> None:
    """A mistyped option is not ignored."""
    result = CliRunner().invoke(app, ["check", "--confg", "x"])
    assert result.exit_code == 2
    assert "--confg" in result.stderr


@pytest.mark.parametrize(
    ("error", "status", "told"),
    [
        (None, 0, ""),
        (
            ConfigError("f:1: k: expected x, found y"),
            2,
            "the configuration cannot be used:\nf:1: k: expected x, found y",
        ),
        (AmiAuthenticationError("user 'x' at h:1"), 4, "Asterisk refused the login: user 'x' at h:1"),
        (MqttAuthenticationError("not authorised"), 5, "the broker refused the login: not authorised"),
    ],
)
def test_end_of_the_service_becomes_an_exit_status(
    error: Exception | None, status: int, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each way the service can end on purpose has its exit status and one clear message, no traceback."""

    async def service() -> None:
        if error is not None:
            raise error

    assert run_to_end(service()) == status
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == (f"cti-gateway: {told}\n" if told else "")


def test_mistake_in_the_gateway_keeps_its_traceback() -> None:
    """An exception that nobody meant is not dressed up as an orderly end."""

    async def service() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run_to_end(service())


def test_help_loads_neither_link() -> None:
    """What only the service needs is not loaded to print help."""
    script = (
        "import sys, gateway.cli; print([name for name in ('aiomqtt', 'panoramisk', 'paho') if name in sys.modules])"
    )
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert said.stdout == "[]\n"


def test_module_is_the_command() -> None:
    """``python -m gateway`` is cti-gateway."""
    said = subprocess.run([sys.executable, "-m", "gateway", "--version"], capture_output=True, text=True, check=True)
    assert said.stdout == f"cti-gateway {__version__}\n"


class Terminal(io.StringIO):
    """A stream that takes itself for a terminal."""

    def isatty(self) -> bool:
        """Say yes."""
        return True


@pytest.fixture
def _logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = before, level


def _logged(stream: io.StringIO, level: int, message: str, *arguments: Any) -> str:
    logs.configure(level, stream)
    logging.getLogger("gateway.ami.client").warning(message, *arguments)
    logging.getLogger("paho").info("of no interest")
    logging.getLogger("gateway").debug("a detail")
    return stream.getvalue()


@pytest.mark.usefixtures("_logging_as_before")
def test_log_lines_for_the_journal_have_no_time() -> None:
    """Away from a terminal a line is level, logger and message: the journal adds the time."""
    assert _logged(io.StringIO(), logging.INFO, "lost %s", "it") == "WARNING gateway.ami.client: lost it\n"


@pytest.mark.usefixtures("_logging_as_before")
def test_log_lines_for_a_terminal_begin_with_the_time() -> None:
    """On a terminal the time stands in front."""
    stamp, _, rest = _logged(Terminal(), logging.INFO, "lost").partition(" WARNING ")
    assert stamp[:2] == "20"
    assert rest == "gateway.ami.client: lost\n"


@pytest.mark.usefixtures("_logging_as_before")
def test_libraries_stay_quiet_when_the_gateway_is_verbose() -> None:
    """DEBUG is about the gateway's own doings."""
    assert _logged(io.StringIO(), logging.DEBUG, "x").splitlines()[-1] == "DEBUG gateway: a detail"


@pytest.mark.usefixtures("_logging_as_before")
def test_name_from_outside_cannot_forge_a_log_line() -> None:
    """Line ends and terminal controls in a message are shown, not obeyed."""
    line = _logged(io.StringIO(), logging.INFO, "queue %s", "a\nERROR gateway: b\x1b[31m")
    assert line == "WARNING gateway.ami.client: queue a\\nERROR gateway: b\\x1b[31m\n"
