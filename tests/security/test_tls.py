"""Both links over TLS: only the right peer is spoken to, whatever is wrong with another one's certificate."""

import asyncio
import gc
import ssl
from pathlib import Path

import pytest

from gateway.ami.tls import tls_context
from gateway.clock import SystemClock
from gateway.doctor.link import AmiTarget, logged_in
from gateway.errors import AmiConnectionError, MqttConnectionError
from gateway.mqtt.interface import MqttSettings
from gateway.mqtt.probe import open_probe
from tests.ami.scripted_asterisk import ScriptedAsterisk
from tests.broker import Broker, free_port
from tests.e2e.running import running
from tests.lab import pbx
from tests.lab.asterisk import Asterisk
from tests.lab.driver import Driver
from tests.security.certificates import FAULTS, NAME, Files, issue

WORDS = {
    "unknown authority": "unable to get local issuer certificate",
    "other name": "not valid for '127.0.0.1'",
    "expired": "certificate has expired",
    "not yet valid": "certificate is not yet valid",
}


def context_of(files: Files) -> ssl.SSLContext:
    """Return a server's context."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.chain, files.key)
    return context


@pytest.mark.parametrize("fault", FAULTS)
async def test_an_asterisk_with_a_bad_certificate_is_told_nothing(tmp_path: Path, fault: str) -> None:
    """No name and no secret goes to a manager whose certificate is not the right one, and the reason is told."""
    files = issue(tmp_path, fault)
    async with ScriptedAsterisk(tls=context_of(files)) as asterisk:
        target = AmiTarget(
            "127.0.0.1", asterisk.port, asterisk.username, asterisk.secret, tls_context(str(files.trusted))
        )
        with pytest.raises(AmiConnectionError, match="certificate is not trusted") as caught:
            async with logged_in(target, SystemClock()):
                pass
        assert asterisk.actions == []
    assert WORDS[fault].lower() in str(caught.value).lower().replace("ip address mismatch, certificate is ", "")


# paho leaves the socket of a failed handshake to the garbage collector, which says so.
@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
@pytest.mark.parametrize("fault", FAULTS)
async def test_a_broker_with_a_bad_certificate_is_told_nothing(tmp_path: Path, fault: str) -> None:
    """No login goes to a broker whose certificate is not the right one, and the reason is told."""
    files = issue(tmp_path, fault)
    with Broker(tmp_path / "broker", tls=(files.chain, files.key)) as broker:
        settings = MqttSettings(
            *("127.0.0.1", broker.port, "tls", 0),
            username="somebody",
            password="a-secret",
            tls=tls_context(str(files.trusted)),
        )
        with pytest.raises(MqttConnectionError, match="certificate verify failed") as caught:
            await open_probe(settings)
        said = str(caught.value)
        del caught
        gc.collect()
        assert "somebody" not in broker.log
    assert WORDS[fault].lower() in said.lower().replace("ip address mismatch, certificate is ", "")
    assert "a-secret" not in said


def encrypted(version: str, files: Files, tmp_path: Path) -> tuple[Asterisk, int]:
    """Return an Asterisk whose manager speaks TLS too, not started yet, and the port for it."""
    asterisk = Asterisk(version, keep_logs=tmp_path / "asterisk")
    asterisk.prepare()
    etc, port = asterisk.home / "etc", free_port()
    (etc / "manager.pem").write_bytes(files.both.read_bytes())
    conf = etc / "manager.conf"
    inside = f"/{(etc / 'manager.pem').relative_to(asterisk.root)}"
    lines = f"[general]\ntlsenable = yes\ntlsbindaddr = 127.0.0.1:{port}\n"
    lines += f"tlscertfile = {inside}\ntlsprivatekey = {inside}\n"
    conf.write_text(conf.read_text().replace("[general]\n", lines, 1))
    return asterisk, port


async def listening(port: int) -> None:
    """Wait until somebody listens: a broker opens its listeners one after another, and tells nobody."""
    async with asyncio.timeout(60):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except ConnectionRefusedError:
                await asyncio.sleep(0.01)
            else:
                writer.close()
                await writer.wait_closed()
                return


@pytest.mark.lab
async def test_the_whole_gateway_runs_encrypted(asterisk_version: str, tmp_path: Path) -> None:
    """Between a real Asterisk and a real broker, each with a certificate of a private authority, a call is told."""
    files = issue(tmp_path / "certificates")
    asterisk, port = encrypted(asterisk_version, files, tmp_path)
    plain = free_port()
    broker = Broker(tmp_path / "broker", tls=(files.chain, files.key), settings=[f"listener {plain} 127.0.0.1"])
    authority = {"tls": True, "tls_ca_file": str(files.trusted)}
    async with asterisk:
        with broker:
            changes = {
                "asterisk": {"port": port, "tls_server_name": NAME, **authority},
                "mqtt": {"port": broker.port, **authority},
            }
            await listening(plain)
            broker.port = plain  # for the test's own subscriber, which speaks no TLS
            async with (
                running(asterisk, broker, tmp_path, wrap_up=pbx.wrap_up(), changes=changes) as gateway,
                Driver(asterisk) as driver,
            ):
                await driver.completed(await driver.answered(await driver.call("support", talk=0.6)))
                await gateway.subscriber.wait_for(lambda m: m.topic.startswith("call/support/"))
        for target_name, authority_file, words in (
            ("elsewhere.example", files.trusted, "not valid for 'elsewhere.example'"),
            (NAME, issue(tmp_path / "other").trusted, "issuer certificate"),
        ):
            secret = pbx.GATEWAY.secret
            context = tls_context(str(authority_file))
            with pytest.raises(AmiConnectionError, match=words):
                async with logged_in(
                    AmiTarget("127.0.0.1", port, pbx.GATEWAY.name, secret, context, target_name), SystemClock()
                ):
                    pass
