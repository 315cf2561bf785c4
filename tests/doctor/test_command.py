"""The command itself: what it prints, and what its exit status means."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from gateway.cli import app
from tests.broker import Broker


def config(directory: Path, mqtt_port: int) -> Path:
    """Write a configuration with an Asterisk that is not there."""
    path = directory / "gateway.toml"
    path.write_text(
        '[asterisk]\nport = 1\npassword = "Zx9-very-secret"\nqueue_log = ""\n'
        f'[mqtt]\nport = {mqtt_port}\nusername = ""\n[store]\npath = "{directory}/gateway.db"\n'
    )
    return path


def test_a_problem_ends_with_1_and_says_what_to_change(broker: Broker, tmp_path: Path) -> None:
    """Each finding is a line with its verdict first, what to change stands below it, and secrets are not told."""
    result = CliRunner().invoke(app, ["doctor", "--config", str(config(tmp_path, broker.port))])
    assert result.exit_code == 1
    lines = result.output.splitlines()
    place = next(number for number, line in enumerate(lines) if line.startswith("PROBLEM      Asterisk: no link to"))
    assert lines[place + 1].startswith("             change: manager.conf [general]: enabled = yes")
    assert lines[-1].endswith("1 problems")
    assert "Zx9-very-secret" not in result.output
    assert "Traceback" not in result.output


def test_a_configuration_that_cannot_be_used_ends_with_2(tmp_path: Path) -> None:
    """Nothing is tried without a configuration."""
    result = CliRunner().invoke(app, ["doctor", "--config", str(tmp_path / "none.toml")])
    assert result.exit_code == 2


@pytest.mark.parametrize("listen", ["-1", "x"])
def test_nonsense_on_the_command_line_is_refused(listen: str) -> None:
    """A time to listen that is none is told before anything is tried."""
    assert CliRunner().invoke(app, ["doctor", "--listen", listen]).exit_code == 2
