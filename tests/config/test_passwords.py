"""Where passwords come from, and that they stay there."""

import logging
from pathlib import Path

import pytest
from pydantic import SecretStr

from gateway.config import load_config
from gateway.config.keys import literal
from gateway.errors import ConfigError
from tests.config.support import PASSWORD, SECRET, complaint, load


def test_password_is_required_for_asterisk_alone() -> None:
    """Without a password for Asterisk there is nothing to log in with; a broker may do without."""
    with pytest.raises(ConfigError, match=r"asterisk\.password: expected a password.*PASSWORD_FILE="):
        load_config(None, {})
    assert load_config(None, PASSWORD).mqtt.password is None


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_password_file_is_read_without_its_newline(end: str, tmp_path: Path) -> None:
    """The end of the line is no part of a password, spaces are."""
    secret = tmp_path / "secret"
    secret.write_bytes(f" {SECRET} {end}".encode())
    config = load(f"mqtt.password_file = {literal(str(secret))}", tmp_path)
    assert config.mqtt.password == SecretStr(f" {SECRET} ")
    assert config.mqtt.password_file == secret


def test_credential_of_systemd_is_found(tmp_path: Path) -> None:
    """The credentials mqtt.password and asterisk.password are used where no password_file is given."""
    (tmp_path / "mqtt.password").write_text("from systemd\n")
    (tmp_path / "asterisk.password").write_text("from systemd too\n")
    (tmp_path / "mine").write_text("from a file\n")
    environ = {"CREDENTIALS_DIRECTORY": str(tmp_path)}
    config = load_config(None, environ)
    assert config.asterisk.password == SecretStr("from systemd too")
    assert config.mqtt.password == SecretStr("from systemd")
    config = load_config(None, environ | {"CTI_GATEWAY__MQTT__PASSWORD_FILE": str(tmp_path / "mine")})
    assert config.mqtt.password == SecretStr("from a file")
    (tmp_path / "mqtt.password").unlink()
    assert load_config(None, environ).mqtt.password is None


def test_two_passwords_for_one_login_are_a_mistake(tmp_path: Path) -> None:
    """A password beside a password_file or a credential is refused: nobody could tell which is meant."""
    (tmp_path / "mqtt.password").write_text("other\n")
    text = f'[mqtt]\npassword = "{SECRET}"\n'
    for told in (
        complaint(text + "password_file = '/x'", tmp_path),
        complaint(text, tmp_path, CREDENTIALS_DIRECTORY=str(tmp_path)),
    ):
        assert f"{tmp_path}/gateway.toml:2: mqtt.password: expected one password" in told
        assert SECRET not in told
    assert load(text + 'password_file = ""', tmp_path).mqtt.password == SecretStr(SECRET)
    text = f'[mqtt]\npassword = ""\npassword_file = {literal(str(tmp_path / "mqtt.password"))}'
    assert load(text, tmp_path).mqtt.password == SecretStr("other")


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (None, "No such file"),
        (b"", "nothing in it"),
        (b"\n", "nothing in it"),
        (SECRET.encode() + b"\nsecond", "control characters in it"),
        (SECRET.encode() + b"\xff", "not UTF-8"),
    ],
)
def test_password_file_that_holds_none_is_told(content: bytes | None, found: str, tmp_path: Path) -> None:
    """A password file that is missing, empty, of several lines or no text is told by its key and path alone."""
    path = tmp_path / "secret"
    if content is not None:
        path.write_bytes(content)
    told = complaint(f"[mqtt]\npassword_file = {literal(str(path))}", tmp_path)
    assert told.startswith(f"{tmp_path}/gateway.toml:2: mqtt.password_file: expected secret to be readable")
    assert found in told
    assert str(path) in told
    assert SECRET not in told


@pytest.mark.parametrize(
    "text",
    [
        f'[mqtt]\npassword = ["{SECRET}"]',
        f'[mqtt]\npassword = "{SECRET}\\n"',
        f'[mqtt]\npasword = "{SECRET}"',
        f'[mqtt]\npassword = {{ x = "{SECRET}" }}',
        f'mqtt = "{SECRET}@host"',
        f'[mqtt]\nhost = "user:{SECRET}@host"',
        f'password = "{SECRET}"',
        f"[mqtt]\npassword = {SECRET}",
        f'[mqtt]\npassword = "{SECRET}',
    ],
)
def test_misplaced_password_is_not_repeated(text: str, tmp_path: Path) -> None:
    """A password in the wrong form or place is told of, but not told."""
    told = complaint(text, tmp_path)
    assert "expected" in told
    assert SECRET not in told


def test_password_is_in_no_text_of_the_configuration(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """However a configuration is printed, dumped or logged, no password is in it."""
    config = load(f'[mqtt]\npassword = "{SECRET}"', tmp_path)
    logging.getLogger("test").warning("%s %r", config, config.mqtt)
    texts = [str(config), repr(config), repr(config.asterisk), config.model_dump_json(), caplog.text]
    assert not [text for text in texts if SECRET in text]
