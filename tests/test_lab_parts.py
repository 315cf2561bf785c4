"""Promises of the lab's smaller parts, which need neither Asterisk nor root."""

from pathlib import Path

import pytest

from tests.broker import Broker
from tests.lab import apt_sources, pbx, roots, view, wire
from tests.lab.subscriber import Subscriber

STANZA = """\
# a comment
Types: deb deb-src
URIs: http://mirror.example/debian/
Suites: bookworm bookworm-updates
Components: main
Signed-By:
 -----BEGIN-----
 .

Types: deb
URIs: http://security.example/debian-security
Suites: bookworm-security
Components: main

Types: deb
Enabled: no
URIs: http://off.example/debian
Suites: bookworm
Components: main
"""
ONE_LINE = """\
# deb http://commented.example/debian bookworm main
deb [arch=amd64 signed-by=/usr/share/keyrings/x.gpg] https://packages.example/sdk sdk-bookworm main
deb-src http://source.example/debian bookworm main
deb http://mirror.example/debian bookworm main contrib # a comment
deb http://mirror.example/debian-security bookworm-security main
"""


@pytest.mark.parametrize(("name", "text"), [("debian.sources", STANZA), ("debian.list", ONE_LINE)])
def test_the_mirror_comes_from_apt_in_either_form(tmp_path: Path, name: str, text: str) -> None:
    """Of all entries only the main archive of this release may be Debian's mirror."""
    folder = tmp_path / "sources.list.d"
    folder.mkdir()
    (folder / name).write_text(text)
    (folder / "third-party.list.disabled").write_text("deb http://no.example/debian bookworm main\n")
    assert apt_sources.mirrors(apt_sources.read_entries(tmp_path), "bookworm") == ["http://mirror.example/debian"]


def test_a_mirror_list_in_a_file_is_followed(tmp_path: Path) -> None:
    """``mirror+file:`` names a file of addresses; they count as the entry's own."""
    (tmp_path / "mirrors").write_text("# near\nhttp://near.example/debian\tpriority:1\n")
    entries = apt_sources.parse_one_line(f"deb mirror+file:{tmp_path}/mirrors bookworm main")
    assert apt_sources.mirrors(entries, "bookworm") == ["http://near.example/debian"]


def test_the_cache_can_be_put_anywhere() -> None:
    """The lab's own variable goes before the user's cache folder."""
    assert roots.cache_dir({"CTI_GATEWAY_LAB_CACHE": "/x", "XDG_CACHE_HOME": "/y"}) == Path("/x")
    assert roots.cache_dir({"XDG_CACHE_HOME": "/y"}) == Path("/y/cti-gateway/lab")


def test_a_line_of_queues_conf() -> None:
    """A static member has its state interface only where it is hinted."""
    assert pbx.EVA.line == "member => Local/a3@agents/n,0,Kovács Éva,hint:a3@agents"
    assert pbx.DAVE.line == "member => Local/a4@agents/n,0,Dave,"


def test_messages_are_read_whole() -> None:
    """Repeated headers are kept, and the time is exact to the microsecond."""
    message = wire.Message(wire.parse(b"Event: X\r\nTimestamp: 1795333812.949603\r\nOutput: a\r\nOutput: b"))
    assert (message["Output"], message.time) == ("a\nb", 1_795_333_812_949_603)


async def test_the_subscriber_keeps_what_comes(broker: Broker) -> None:
    """Retained and live messages come in order, with their topics below the base."""
    async with Subscriber(broker.port, "cti/lab") as first:
        await first.publish("bridge/state", "online", retain=True)
        await first.wait_for(lambda m: m.payload == b"online")
        async with Subscriber(broker.port, "cti/lab") as second:
            assert (await second.wait_for(lambda m: m.topic == "bridge/state")).retained
            await first.publish("session/g/a/x/event", "{}")
            assert view.is_event(await second.wait_for(lambda m: m.topic != "bridge/state"))


def test_an_event_is_one_readable_line() -> None:
    """Who, where, from which state to which and why stand on one line."""
    session = {
        "group": "first",
        "agent": "Anna",
        "address": "Local/a1@agents/n",
        "state": "NOT_READY",
        "reason": "lunch",
        "number_of_calls": 3,
        "total_talk_time": 12.0,
        "total_wrap_up_time": 2.0,
        "average_time_to_answer": 1.25,
        "acd_call_rate": 90.5,
    }
    line = view.event_line(
        {
            "event": "NOT_READY",
            "at": "2026-11-22T07:00:00.123Z",
            "cause": "asterisk",
            "seq": 7,
            "previous": {"state": "READY"},
            "session": session,
        }
    )
    assert "07:00:00.123" in line
    assert "Anna" in line
    assert "READY -> NOT_READY (lunch)" in line
    assert any("Anna" in row and "90.5" in row for row in view.table([session]))
