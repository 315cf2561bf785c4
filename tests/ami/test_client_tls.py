"""What the link promises over TLS: only the right Asterisk is spoken to, and what is wrong is said in one line."""

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trustme

from gateway.ami.tls import tls_context
from gateway.errors import ConfigError
from tests.ami.link import RecordingListener, linked, running
from tests.ami.scripted_asterisk import ScriptedAsterisk


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """A throw-away certificate authority."""
    return trustme.CA()


@pytest.fixture
def ca_file(authority: trustme.CA, tmp_path: Path) -> str:
    """Its certificate in a file."""
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)


@pytest.fixture
async def asterisk(authority: trustme.CA) -> AsyncIterator[ScriptedAsterisk]:
    """A scripted Asterisk that speaks TLS as ``pbx.example`` and ``127.0.0.1``."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("pbx.example", "127.0.0.1").configure_cert(context)
    async with ScriptedAsterisk(tls=context) as server:
        yield server


@pytest.fixture
def listener() -> RecordingListener:
    """A listener that writes down what it is told."""
    return RecordingListener()


async def test_a_known_authority_is_trusted(
    asterisk: ScriptedAsterisk, listener: RecordingListener, ca_file: str
) -> None:
    """Over TLS with the configured authority everything works as without."""
    async with linked(asterisk, listener, tls=tls_context(ca_file), ping_interval=0.02) as client:
        await client.action("QueueStatus", as_list=True)
        await listener.until("pong", 2)
        asterisk.close_sessions()
        await listener.until("connected", 2)


async def test_the_name_in_the_certificate_may_be_given(
    asterisk: ScriptedAsterisk, listener: RecordingListener, ca_file: str
) -> None:
    """Where the server is reached under another name, the one to expect can be set."""
    async with linked(asterisk, listener, tls=tls_context(ca_file), tls_server_name="pbx.example"):
        assert listener.words[0] == "connected"


async def test_an_unknown_authority_is_refused_in_one_line(
    asterisk: ScriptedAsterisk, listener: RecordingListener, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A certificate of another authority is not spoken to; it is said in one line, and tried again."""
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(str(other))
    with caplog.at_level(logging.DEBUG, logger="gateway"):
        async with running(asterisk, listener, tls=tls_context(str(other))):
            reasons = await listener.until("unreachable", 2)
    assert reasons[0].startswith("the server's certificate is not trusted: ")
    assert "\n" not in reasons[0]
    assert asterisk.actions == []
    assert all(record.exc_info is None for record in caplog.records if record.name.startswith("gateway"))


async def test_a_certificate_for_another_name_is_refused(
    asterisk: ScriptedAsterisk, listener: RecordingListener, ca_file: str
) -> None:
    """A certificate of the right authority for another server is not enough."""
    async with running(asterisk, listener, tls=tls_context(ca_file), tls_server_name="elsewhere.example"):
        (reason, *_) = await listener.until("unreachable")
        assert "not valid for 'elsewhere.example'" in reason
        assert asterisk.actions == []


async def test_a_server_without_tls_is_told_nothing(listener: RecordingListener, ca_file: str) -> None:
    """If TLS is asked for and the server speaks plain text, the link is not made."""
    async with ScriptedAsterisk() as plain, running(plain, listener, tls=tls_context(ca_file)):
        (reason, *_) = await listener.until("unreachable")
        assert reason.startswith("TLS failed: ")
        assert plain.actions == []


async def test_a_tls_server_is_not_greeted_in_plain_text(
    asterisk: ScriptedAsterisk, listener: RecordingListener
) -> None:
    """A client that is not told of TLS sees no greeting, and says nothing."""
    async with running(asterisk, listener, connect_timeout=0.5):
        (reason, *_) = await listener.until("unreachable")
        assert reason == "connected, but no Asterisk greeted within 0.5 s"
        assert asterisk.actions == []


def test_an_authority_that_cannot_be_read_is_a_configuration_error(tmp_path: Path) -> None:
    """A missing file and one without certificates are told apart, each with the file's name."""
    empty = tmp_path / "empty.pem"
    empty.write_text("nothing")
    with pytest.raises(ConfigError, match=r"missing.pem: cannot be read: No such file"):
        tls_context(str(tmp_path / "missing.pem"))
    with pytest.raises(ConfigError, match=r"empty.pem: expected certificates in PEM form"):
        tls_context(str(empty))


def test_without_a_file_the_systems_authorities_are_trusted() -> None:
    """No file means the system's own, and names are checked in any case."""
    context = tls_context(None)
    assert context.check_hostname
    assert context.verify_mode is ssl.CERT_REQUIRED


async def test_no_handshake_is_waited_for_for_ever(listener: RecordingListener, ca_file: str) -> None:
    """A server that takes the connection and never begins TLS is given up in time."""

    async def silent(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await done.wait()
        writer.close()

    done = asyncio.Event()
    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    stand_in = ScriptedAsterisk(port=server.sockets[0].getsockname()[1])
    async with running(stand_in, listener, tls=tls_context(ca_file), connect_timeout=0.5):
        (reason, *_) = await listener.until("unreachable")
        assert reason == "no connection within 0.5 s"
    done.set()
    server.close()
