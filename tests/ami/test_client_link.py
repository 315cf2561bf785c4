"""What the link to Asterisk promises about itself: how it comes, how it is watched, how it ends and comes back."""

import asyncio
import copy
import logging
import pickle
import re
import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import pytest

from gateway.ami.action import OutgoingAction
from gateway.ami.client import AmiClient, AmiSettings, Pong
from gateway.ami.connection import TURN, AmiConnection
from gateway.ami.framing import AmiDecoder
from gateway.ami.message import AmiMessage, Arrival
from gateway.clock import SystemClock
from gateway.errors import AmiAuthenticationError, AmiConnectionError, AmiProtocolError, AmiTimeoutError
from tests.ami.link import RecordingListener, linked, pending, running, settings_for
from tests.ami.scripted_asterisk import ReceivedAction, ScriptedAsterisk, Session


@pytest.fixture
async def asterisk() -> AsyncIterator[ScriptedAsterisk]:
    """A scripted Asterisk."""
    async with ScriptedAsterisk() as server:
        yield server


@pytest.fixture
def listener() -> RecordingListener:
    """A listener that writes down what it is told."""
    return RecordingListener()


def no_answer(_session: Session, _action: ReceivedAction) -> None:
    """What a test answers an action with that is to stay open."""


@contextmanager
def threaded_server(greeting: bytes) -> Iterator[int]:
    """A server of its own thread that greets at once, as a separate process does; gives its port."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    connection.sendall(greeting)
                    threads.append(connection)

        threads: list[socket.socket] = []
        thread = threading.Thread(target=serve, name="greeter")
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()
            for connection in threads:
                connection.close()


# Greeting and login


async def test_the_login_is_md5_and_the_secret_stays_at_home(
    asterisk: ScriptedAsterisk, listener: RecordingListener
) -> None:
    """A login by challenge never shows the secret, and asks for all events."""
    async with linked(asterisk, listener):
        assert listener.told[0] == ("connected", "Asterisk Call Manager/11.0.0")
        assert asterisk.secret.encode() not in asterisk.session.received
        challenge, login = asterisk.actions[:2]
        assert challenge.get("AuthType") == login.get("AuthType") == "MD5"
        assert re.fullmatch("[0-9a-f]{32}", login.get("Key"))
        assert login.get("Events") == "on"


async def test_the_link_is_told_before_anything_on_it(asterisk: ScriptedAsterisk, listener: RecordingListener) -> None:
    """What comes in the same read as the accepted login is handed on behind the news of it, and nothing before."""

    def accept(session: Session, action: ReceivedAction) -> None:
        session.logged_in = True
        early, late = asterisk.event_bytes("Early", []), asterisk.event_bytes("Late", [])
        accepted = f"Response: Success\r\nActionID: {action.action_id}\r\n\r\n".encode()
        session.send(early + accepted + late)

    asterisk.on("Login", accept)
    async with linked(asterisk, listener):
        await listener.until_event("Late")
        assert listener.words == ["connected", "message"]


async def test_plain_login_where_there_is_no_challenge(
    asterisk: ScriptedAsterisk, listener: RecordingListener, caplog: pytest.LogCaptureFixture
) -> None:
    """A server without the MD5 challenge gets the plain login, and the log says so without the secret."""
    asterisk.challenge = False
    with caplog.at_level(logging.DEBUG):
        async with linked(asterisk, listener):
            (login,) = asterisk.named("Login")
    assert login.get("Secret") == asterisk.secret
    assert "the secret is sent as it is" in caplog.text
    assert asterisk.secret not in caplog.text


@pytest.mark.parametrize("greeting", [b"SSH-2.0-OpenSSH_9.2\r\n", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\0" * 1000])
async def test_a_stranger_is_told_nothing(listener: RecordingListener, greeting: bytes) -> None:
    """A peer that does not greet as Asterisk does gets not one byte, and so never the secret."""
    async with ScriptedAsterisk(greeting=greeting) as stranger, running(stranger, listener):
        reasons = await listener.until("unreachable", 2)
        assert "not an Asterisk manager" in reasons[0]
        assert not any(session.received for session in stranger.sessions)
        assert "connected" not in listener.words


async def test_a_silent_stranger_is_told_nothing(listener: RecordingListener) -> None:
    """A peer that says nothing gets nothing, and is given up in time."""
    async with ScriptedAsterisk(greeting=None) as stranger, running(stranger, listener, connect_timeout=0.5):
        reasons = await listener.until("unreachable", 2)
        assert reasons[0] == "connected, but no Asterisk greeted within 0.5 s"
        assert not any(session.received for session in stranger.sessions)


async def test_a_greeting_that_is_there_at_once_is_seen() -> None:
    """A greeting that comes with the connection, before anything of ours has run, is never lost."""
    with threaded_server(b"Asterisk Call Manager/9.0.0\r\nEvent: FullyBooted\r\n\r\n") as port:
        for _ in range(20):
            events: list[AmiMessage] = []
            connection = AmiConnection(
                clock=SystemClock(), wanted=None, on_event=events.append, on_lost=lambda _reason: None
            )
            assert await connection.connect("127.0.0.1", port) == "Asterisk Call Manager/9.0.0"
            assert [event.event for event in events] == ["FullyBooted"]
            connection.close()


async def test_a_refused_login_ends_the_run(asterisk: ScriptedAsterisk, listener: RecordingListener) -> None:
    """With credentials that were never good, a refusal is an error of its own and nothing is tried again."""
    client = AmiClient(settings_for(asterisk, secret="wrong"), listener, clock=SystemClock())
    with pytest.raises(AmiAuthenticationError, match="Authentication failed"):
        await client.run()
    assert len(asterisk.sessions) == 1
    assert listener.words == ["unreachable"]
    assert not client.connected


@pytest.mark.parametrize("words", ["Authentication failed", "Login Already In Use", "Permission denied"])
async def test_a_refusal_is_told_in_asterisks_words(
    asterisk: ScriptedAsterisk, listener: RecordingListener, words: str
) -> None:
    """Whatever Asterisk says against the login is what the operator reads."""
    asterisk.refusal = words
    client = AmiClient(settings_for(asterisk), listener, clock=SystemClock())
    with pytest.raises(AmiAuthenticationError, match=f"Asterisk refused the login of 'gateway': {words}"):
        await client.run()


async def test_a_refusal_in_answer_to_the_challenge_is_no_call_for_the_plain_login(
    asterisk: ScriptedAsterisk, listener: RecordingListener
) -> None:
    """If Asterisk says "not you" already to the challenge, the secret is not sent."""
    asterisk.on("Challenge", lambda session, action: session.refuse(action, "Login Already In Use"))
    client = AmiClient(settings_for(asterisk), listener, clock=SystemClock())
    with pytest.raises(AmiAuthenticationError, match="Login Already In Use"):
        await client.run()
    assert asterisk.named("Login") == []


async def test_good_credentials_wait_out_a_refusal(asterisk: ScriptedAsterisk, listener: RecordingListener) -> None:
    """Once a login has succeeded, a refusal is waited out at the slow pace and not at that of a lost link."""
    async with linked(asterisk, listener, backoff_initial=0.0, login_retry=0.2) as client:
        asterisk.refusal = "Authentication failed"
        asterisk.close_sessions()
        start = time.monotonic()
        await listener.until("unreachable", 2)
        assert time.monotonic() - start >= 0.2
        asterisk.refusal = None
        await listener.until("connected", 2)
        assert client.connected


async def test_credentials_known_to_be_good_wait_out_the_first_refusal(
    asterisk: ScriptedAsterisk, listener: RecordingListener
) -> None:
    """Credentials that were good in an earlier life of the process do not end the run."""
    asterisk.refusal = "Authentication failed"
    async with running(asterisk, listener, login_ever_succeeded=True):
        await listener.until("unreachable", 2)
        asterisk.refusal = None
        await listener.until("connected")


async def test_an_asterisk_going_down_refuses_nobody(asterisk: ScriptedAsterisk, listener: RecordingListener) -> None:
    """An Asterisk that answers all with "shutting down" is waited for: that is no verdict on the credentials."""
    asterisk.on("Challenge", lambda session, action: session.refuse(action, "Asterisk is shutting down"))
    async with running(asterisk, listener):
        reasons = await listener.until("unreachable", 2)
        assert reasons[0] == "Asterisk is shutting down"
        assert asterisk.named("Login") == []
        asterisk.default("Challenge")
        asterisk.on("Login", lambda session, action: session.refuse(action, "Asterisk is shutting down"))
        await asterisk.received("Login")
        await listener.until("unreachable", len(listener.all("unreachable")) + 1)
        asterisk.default("Login")
        await listener.until("connected")


async def test_a_close_before_the_answer_to_login_is_a_lost_link(
    asterisk: ScriptedAsterisk, listener: RecordingListener
) -> None:
    """A connection that ends before the verdict is tried again, and is not taken for a refusal."""
    asterisk.on("Login", lambda session, _action: session.close())
    async with running(asterisk, listener):
        reasons = await listener.until("unreachable")
        assert reasons[0] == "Login: Asterisk closed the connection"
        asterisk.default("Login")
        await listener.until("connected")


async def test_a_login_without_an_answer_is_given_up(asterisk: ScriptedAsterisk, listener: RecordingListener) -> None:
    """A login whose answer never comes is ended in time and tried again."""
    asterisk.on("Login", no_answer)
    async with running(asterisk, listener, action_timeout=0.5):
        reasons = await listener.until("unreachable")
        assert reasons[0] == "Login: no complete answer within 0.5 s"
        asterisk.default("Login")
        await listener.until("connected")


# Coming back


async def test_the_first_connection_may_fail(asterisk: ScriptedAsterisk, listener: RecordingListener) -> None:
    """An Asterisk that is not there yet is told each time and tried again until it is."""
    asterisk.stop_listening()
    async with running(asterisk, listener):
        reasons = await listener.until("unreachable", 3)
        assert set(reasons) == {"connection refused"}
        await asterisk.listen()
        await listener.until("connected")


async def test_the_log_has_one_warning_per_failure_and_one_recovery(
    asterisk: ScriptedAsterisk, listener: RecordingListener, caplog: pytest.LogCaptureFixture
) -> None:
    """The first failed attempt is a warning, its repeats are for debugging, and the recovery is told."""
    asterisk.stop_listening()
    with caplog.at_level(logging.DEBUG, logger="gateway"):
        async with running(asterisk, listener):
            await listener.until("unreachable", 4)
            await asterisk.listen()
            await listener.until("connected")
            asterisk.close_sessions()
            await listener.until("connected", 2)
    levels = [record.levelname for record in caplog.records if record.name == "gateway.ami.client"]
    assert levels[:2] == ["WARNING", "DEBUG"]
    assert levels[-4:] == ["INFO", "WARNING", "INFO", "INFO"]  # connected, lost, connected, closed by the gateway
    assert all(record.exc_info is None for record in caplog.records)


async def test_a_lost_link_is_told_once_and_comes_back(asterisk: ScriptedAsterisk, listener: RecordingListener) -> None:
    """For each link there is one word of its beginning and one of its end, with when Asterisk last spoke."""
    async with linked(asterisk, listener):
        await listener.until_event("FullyBooted")
        last = listener.all("message")[-1].arrival
        asterisk.close_sessions()
        await listener.until("connected", 2)
        asterisk.abort_sessions()
        await listener.until("connected", 3)
    assert [word for word in listener.words if word != "message"] == ["connected", "disconnected"] * 3
    reason, last_contact = listener.all("disconnected")[0]
    assert reason == "Asterisk closed the connection"
    assert last_contact == last
    assert listener.all("disconnected")[2][0] == "closed by the gateway"


async def test_a_cut_in_mid_event_loses_only_that_event(
    asterisk: ScriptedAsterisk, listener: RecordingListener
) -> None:
    """Half an event at the end of a link is neither told nor glued to the next link's first bytes."""
    async with linked(asterisk, listener, ping_interval=60):
        whole = asterisk.event_bytes("Whole", [])
        asterisk.send(whole + whole[:-4])
        await listener.until_event("Whole")
        asterisk.close_sessions()
        await listener.until("connected", 2)
        await asterisk.logged_in(2)
        asterisk.send_event("After")
        await listener.until_event("After")
    assert listener.events == ["FullyBooted", "Whole", "FullyBooted", "After"]


async def test_shutdown_is_an_event_and_then_one_loss(asterisk: ScriptedAsterisk, listener: RecordingListener) -> None:
    """Asterisk's Shutdown is handed on, and the end of the link is told when the link does end, once."""
    async with linked(asterisk, listener, ping_interval=60) as client:
        await listener.until_event("FullyBooted")
        asterisk.send_event("Shutdown", Shutdown="Cleanly", Restart="True")
        asterisk.send_event("LastWords")
        await listener.until_event("LastWords")
        assert client.connected
        asterisk.close_sessions()
        await listener.until("connected", 2)
    assert listener.words[:5] == ["connected", "message", "message", "message", "disconnected"]
    assert len(listener.all("disconnected")) == 2


async def test_whoever_stops_while_it_waits_to_come_back_stays_away(
    asterisk: ScriptedAsterisk, listener: RecordingListener
) -> None:
    """A client that is stopped between two attempts makes no further one."""
    async with linked(asterisk, listener, backoff_initial=0.05) as client:
        asterisk.close_sessions()
        await listener.until("disconnected")
    await asyncio.sleep(0.2)  # three times the longest delay: only time shows that nothing comes
    assert len(asterisk.sessions) == 1
    assert not client.connected
    assert not [task for task in asyncio.all_tasks() if task.get_name() == "ami.run"]


async def test_stopping_ends_the_link_and_fails_what_is_open(
    asterisk: ScriptedAsterisk, listener: RecordingListener
) -> None:
    """When the client is stopped Asterisk's side is closed, and open actions do not hang."""
    asterisk.on("QueuePause", no_answer)
    async with linked(asterisk, listener) as client:
        open_action = asyncio.create_task(client.action("QueuePause"), name="action")
        await asterisk.received("QueuePause")
    with pytest.raises(AmiConnectionError, match="QueuePause: closed by the gateway"):
        await open_action
    await asterisk.until(lambda: asterisk.session.closed, "the end of the connection")


class JumpingClock:
    """A clock whose monotonic time jumps ahead by ``step`` microseconds at each reading."""

    def __init__(self) -> None:
        self.step = 0
        self._steady = 0

    def now(self) -> Arrival:
        """The next time."""
        self._steady += self.step
        return Arrival(1_795_333_716_000_000, self._steady)


@pytest.mark.parametrize(("step", "bound"), [(0, 0.04), (5_000_000, 0.02)])
async def test_only_a_good_link_shortens_the_next_delay(
    asterisk: ScriptedAsterisk, listener: RecordingListener, step: int, bound: float
) -> None:
    """A link that stood for seconds is followed by the shortest delay; one that broke at once by a longer one."""
    clock = JumpingClock()
    settings = settings_for(asterisk, backoff_initial=0.01, backoff_max=10, ping_interval=60)
    client = AmiClient(settings, listener, clock=clock, random=lambda: 0.5)
    task = asyncio.create_task(client.run(), name="ami.run")
    await listener.until("connected")
    asterisk.close_sessions()
    await listener.until("connected", 2)
    clock.step = step
    await asterisk.logged_in(2)
    asterisk.send_event("Sign")
    await listener.until_event("Sign")
    asterisk.close_sessions()
    await listener.until("connected", 3)
    assert client._backoff._bound == bound
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_a_host_name_that_cannot_be_is_an_ordinary_failure(
    asterisk: ScriptedAsterisk, listener: RecordingListener
) -> None:
    """A name no look-up can be made for is told like any failed attempt, and does not end the run."""
    async with running(asterisk, listener, host="x" * 64 + ".example"):
        reasons = await listener.until("unreachable", 2)
        assert "label" in reasons[0]


# Watching


async def test_pings_are_answered_and_told(asterisk: ScriptedAsterisk, listener: RecordingListener) -> None:
    """Each Ping's answer is told with both ends' clocks, microseconds exactly as Asterisk wrote them."""
    asterisk.now = lambda: 1_795_333_716.25
    before = time.monotonic_ns() // 1000
    async with linked(asterisk, listener, ping_interval=0.02) as client:
        pongs: list[Pong] = await listener.until("pong", 3)
        extra = await client.ping()
        assert extra in listener.all("pong")
        assert pending(client) == 0
    for pong in pongs:
        assert before <= pong.sent_steady <= pong.received_steady
        assert pong.timestamp == 1_795_333_716_250_000


@pytest.mark.parametrize(
    ("stamp", "timestamp"),
    [("1795333716.211055", 1_795_333_716_211_055), ("17.5", 17_500_000), ("17", 17_000_000), ("", None), ("x.y", None)],
)
async def test_a_pong_without_a_good_stamp_is_a_pong(
    asterisk: ScriptedAsterisk, listener: RecordingListener, stamp: str, timestamp: int | None
) -> None:
    """A stamp that cannot be read is None, and the sign of life counts."""
    asterisk.on("Ping", lambda session, action: session.respond(action, "", ("Ping", "Pong"), ("Timestamp", stamp)))
    async with linked(asterisk, listener) as client:
        assert (await client.ping()).timestamp == timestamp


async def test_pongs_take_their_place_among_the_events(asterisk: ScriptedAsterisk, listener: RecordingListener) -> None:
    """A Pong is told between the events it came between."""

    def between(session: Session, action: ReceivedAction) -> None:
        asterisk.send_event("Before")
        session.respond(action, "", ("Ping", "Pong"))
        asterisk.send_event("After")

    asterisk.on("Ping", between)
    async with linked(asterisk, listener, ping_interval=60, wanted=frozenset({"Before", "After"})) as client:
        await client.ping()
        await listener.until_event("After")
    assert listener.words == ["connected", "message", "pong", "message", "disconnected"]


async def test_a_silent_peer_is_noticed(asterisk: ScriptedAsterisk, listener: RecordingListener) -> None:
    """A peer that has stopped answering is cut off after one unanswered Ping, and what waited for it fails."""
    async with linked(asterisk, listener, ping_interval=0.05, ping_timeout=0.1, action_timeout=0.1) as client:
        await listener.until("pong")
        asterisk.silent = True
        with pytest.raises((AmiTimeoutError, AmiConnectionError)):
            await client.action("CoreStatus")
        reason, last_contact = (await listener.until("disconnected"))[0]
        assert reason == "no answer to Ping"
        assert last_contact == Arrival(last_contact.wall, listener.all("pong")[-1].received_steady)
        asterisk.silent = False
        await listener.until("connected", 2)


async def test_events_are_no_answer_to_a_ping(asterisk: ScriptedAsterisk, listener: RecordingListener) -> None:
    """A peer that still talks but no longer listens is cut off too: commands would go nowhere."""
    asterisk.on("Ping", no_answer)
    async with linked(asterisk, listener, ping_interval=0.02, ping_timeout=0.2):
        await asterisk.logged_in()
        chatter = asyncio.create_task(_chatter(asterisk), name="chatter")
        (reason, _), *_ = await listener.until("disconnected")
        assert reason == "no answer to Ping"
        chatter.cancel()


async def _chatter(asterisk: ScriptedAsterisk) -> None:
    while True:
        asterisk.send_event("VarSet")
        await asyncio.sleep(0.01)


async def test_a_ping_behind_a_long_action_has_its_time(
    asterisk: ScriptedAsterisk, listener: RecordingListener
) -> None:
    """Asterisk answers in order, so while it works at an action that was given longer, a Ping is not overdue."""
    finish = asyncio.Event()

    async def slow(session: Session, action: ReceivedAction) -> None:
        await finish.wait()
        session.respond(action)

    asterisk.on("QueueReload", slow)
    async with linked(asterisk, listener, ping_interval=0.02, ping_timeout=0.05) as client:
        task = asyncio.create_task(client.action("QueueReload", timeout=5), name="action")
        await asterisk.received("QueueReload")
        pongs = len(listener.all("pong"))
        await asyncio.sleep(0.2)  # longer than interval and time-out together
        finish.set()
        await task
        await listener.until("pong", pongs + 2)
    assert len(listener.all("disconnected")) == 1


async def test_an_error_is_an_answer_to_a_ping(asterisk: ScriptedAsterisk, listener: RecordingListener) -> None:
    """An Asterisk that answers Ping with an error, as it does going down, is alive; its link is left alone."""
    asterisk.on("Ping", lambda session, action: session.refuse(action, "Asterisk is shutting down"))
    async with linked(asterisk, listener, ping_interval=0.01) as client:
        await asterisk.received("Ping", 5)
        assert client.connected
        assert len(asterisk.sessions) == 1
    assert "pong" not in listener.words


async def test_a_gateway_that_was_held_up_does_not_blame_asterisk(
    asterisk: ScriptedAsterisk, listener: RecordingListener
) -> None:
    """An answer that lay in the socket while this process stood still counts, though its time was over."""

    def answer_and_stand_still(session: Session, action: ReceivedAction) -> None:
        session.respond(action, "", ("Ping", "Pong"))
        time.sleep(0.3)  # the whole loop is to stand still

    asterisk.on("Ping", answer_and_stand_still)
    async with linked(asterisk, listener, ping_interval=60, ping_timeout=0.1) as client:
        for _ in range(3):
            await client.ping()
        assert client.connected


async def test_the_socket_is_set_up_for_small_messages_and_dead_peers(
    asterisk: ScriptedAsterisk, listener: RecordingListener
) -> None:
    """Actions are not held back to be bundled, and the kernel too looks for a peer that is gone."""
    async with linked(asterisk, listener) as client:
        assert client._connection is not None
        sock = client._connection.protocol.transport.get_extra_info("socket")
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)


# Events


async def test_a_fault_in_the_listener_costs_nothing_else(
    asterisk: ScriptedAsterisk, listener: RecordingListener, caplog: pytest.LogCaptureFixture
) -> None:
    """If the listener raises at one event, the others of the same read are handed on and the link stays."""

    def fail(message: AmiMessage) -> None:
        if message.event == "Bad":
            raise ZeroDivisionError

    listener.on_message = fail
    async with linked(asterisk, listener, ping_interval=60) as client:
        await listener.until_event("FullyBooted")
        names = ["A", "Bad", "B", "Bad", "C"]
        asterisk.send(b"".join(asterisk.event_bytes(name, []) for name in names))
        await listener.until_event("C")
        assert client.connected
    assert listener.events == ["FullyBooted", *names]
    assert [record.exc_info is not None for record in caplog.records if record.levelname == "ERROR"] == [True, True]


async def test_a_listener_that_fails_at_everything_does_not_stop_the_client(
    asterisk: ScriptedAsterisk, caplog: pytest.LogCaptureFixture
) -> None:
    """Faults at the news of a link's beginning, end or failure leave the client at work."""

    class Failing(RecordingListener):
        def write(self, word: str, what: object) -> None:
            super().write(word, what)
            raise ZeroDivisionError

    listener = Failing()
    async with linked(asterisk, listener, ping_interval=0.01):
        await listener.until("pong")
        asterisk.stop_listening()
        asterisk.close_sessions()
        await listener.until("unreachable")
        await asterisk.listen()
        await listener.until("connected", 2)
    assert "ZeroDivisionError" in caplog.text


async def test_many_events_keep_their_order_and_make_no_tasks(
    asterisk: ScriptedAsterisk, listener: RecordingListener
) -> None:
    """Twenty thousand events are handed on in wire order, one after another, with no task made for any."""
    tasks = set()
    listener.on_message = lambda _: tasks.add(len(asyncio.all_tasks()))
    async with linked(asterisk, listener, ping_interval=60, wanted=frozenset({"E"})):
        await asterisk.logged_in()
        for number in range(20_000):
            asterisk.send_event("E", Number=number)
        await listener.until("message", 20_000)
    assert [message.fields["number"] for message in listener.all("message")] == [str(n) for n in range(20_000)]
    assert len(tasks) == 1


async def test_a_character_split_over_two_reads_is_whole(
    asterisk: ScriptedAsterisk, listener: RecordingListener
) -> None:
    """A name whose letter is cut in two by TCP arrives as it was."""
    raw = asterisk.event_bytes("QueueMemberAdded", [("MemberName", "Kovács")])
    cut = raw.index("á".encode()) + 1
    async with linked(asterisk, listener, ping_interval=60) as client:
        await listener.until_event("FullyBooted")
        asterisk.send(raw[:cut])
        assert client._connection is not None
        decoder = client._connection.protocol._decoder
        while bytes(decoder._buffer) != raw[:cut]:  # noqa: ASYNC110  # nothing tells that half an event was read
            await asyncio.sleep(0)
        asterisk.send(raw[cut:])
        await listener.until_event("QueueMemberAdded")
    assert listener.all("message")[-1].fields["membername"] == "Kovács"


async def test_only_wanted_events_are_handed_on(asterisk: ScriptedAsterisk, listener: RecordingListener) -> None:
    """What is not on the list of wanted names is not handed on; answers are not concerned."""
    async with linked(asterisk, listener, wanted=frozenset({"Hangup"})) as client:
        await asterisk.logged_in()
        for name in ("VarSet", "Hangup", "Newexten", "Hangup"):
            asterisk.send_event(name)
        await client.action("QueueStatus", as_list=True)
    assert listener.events == ["Hangup", "Hangup"]


async def test_events_with_a_strangers_action_id_are_handed_on(
    asterisk: ScriptedAsterisk, listener: RecordingListener
) -> None:
    """An event that bears the ActionID of another client's action is an event like others."""
    async with linked(asterisk, listener, ping_interval=60):
        await asterisk.logged_in()
        asterisk.send_event("OriginateResponse", ActionID="someone-else")
        await listener.until_event("OriginateResponse")


async def test_nothing_is_told_after_the_end(asterisk: ScriptedAsterisk, listener: RecordingListener) -> None:
    """If the link is ended at one event, the events behind it in the same read are not told any more."""
    async with linked(asterisk, listener, ping_interval=60) as client:
        await listener.until_event("FullyBooted")

        def end(message: AmiMessage) -> None:
            if message.event == "Last":
                assert client._connection is not None
                client._connection.drop("enough")

        listener.on_message = end
        asterisk.send(b"".join(asterisk.event_bytes(name, []) for name in ("First", "Last", "Never")))
        await listener.until("connected", 2)
    assert listener.words[:5] == ["connected", "message", "message", "message", "disconnected"]
    assert "Never" not in listener.events


async def test_an_ended_connection_takes_no_action() -> None:
    """An action for a connection that has ended fails at once."""
    with threaded_server(b"Asterisk Call Manager/9.0.0\r\n") as port:
        connection = AmiConnection(clock=SystemClock(), wanted=None, on_event=lambda _: None, on_lost=lambda _: None)
        await connection.connect("127.0.0.1", port)
        connection.close()
        with pytest.raises(AmiConnectionError, match="Ping: not connected"):
            await connection.request(OutgoingAction("Ping"), 5)


async def test_what_came_before_a_bad_message_is_told(
    asterisk: ScriptedAsterisk, listener: RecordingListener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An event in the same read as bytes that end the link is told before the end."""
    monkeypatch.setattr("gateway.ami.connection.AmiDecoder", partial(AmiDecoder, max_message_size=300))
    async with linked(asterisk, listener, ping_interval=60):
        await listener.until_event("FullyBooted")
        asterisk.send(asterisk.event_bytes("Good", []) + b"x" * 400)
        (reason, _), *_ = await listener.until("disconnected")
        assert "longer than 300 bytes" in reason
    assert listener.events[:2] == ["FullyBooted", "Good"]


async def test_a_message_beyond_all_bounds_ends_the_link(
    asterisk: ScriptedAsterisk, listener: RecordingListener
) -> None:
    """A stream that cannot be AMI any more is given up and begun anew."""
    async with linked(asterisk, listener, ping_interval=60, ping_timeout=30):
        await asterisk.logged_in()
        asterisk.send(b"x" * (17 * 1024 * 1024))
        (reason, _), *_ = await listener.until("disconnected")
        assert "longer than" in reason
        await listener.until("connected", 2)


def test_messages_can_be_copied_and_misspelling_is_an_error() -> None:
    """A message survives copying and pickling, and an attribute it does not have is an error."""
    message = AmiMessage({"event": "X", "a": "1"}, Arrival(1, 2), repeated={"a": ["1", "2"]})
    for twin in (copy.copy(message), copy.deepcopy(message), pickle.loads(pickle.dumps(message))):
        assert (twin.fields, twin.arrival, twin.repeated) == (message.fields, message.arrival, message.repeated)
    assert not hasattr(message, "evnet")


def test_settings_keep_the_secret_to_themselves() -> None:
    """The secret is in no text made of the settings."""
    assert "s3cret" not in repr(AmiSettings("h", 5038, "u", "s3cret"))


def test_the_librarys_call_manager_is_not_used() -> None:
    """The library's call manager keeps every call for ever; nothing here touches it."""
    sources = Path(__file__).parents[2].joinpath("gateway").rglob("*.py")
    assert not [path for path in sources if "CallManager" in path.read_text(encoding="utf-8")]


async def test_a_protocol_error_is_a_connection_error() -> None:
    """Whoever waits for a greeting from a stranger gets the error that says so."""
    with threaded_server(b"220 smtp ready\r\n") as port:
        lost: list[AmiConnectionError] = []
        connection = AmiConnection(clock=SystemClock(), wanted=None, on_event=lambda _: None, on_lost=lost.append)
        with pytest.raises(AmiProtocolError):
            await connection.connect("127.0.0.1", port)
        assert [type(reason) for reason in lost] == [AmiProtocolError]


async def test_many_messages_are_handed_on_in_turns(asterisk: ScriptedAsterisk, listener: RecordingListener) -> None:
    """What comes at once does not keep the loop from its other work, and is told whole and in order."""
    async with linked(asterisk, listener):
        steps: list[int] = []

        def ask_for_a_step(_message: AmiMessage) -> None:
            asyncio.get_running_loop().call_soon(steps.append, len(listener.events))

        listener.on_message = ask_for_a_step
        asterisk.send("".join(f"Event: QueueCallerJoin\r\nCount: {number}\r\n\r\n" for number in range(300)))
        async with asyncio.timeout(60):
            while len(steps) < 300:  # noqa: ASYNC110  what is counted are the loop's own steps
                await asyncio.sleep(0)
        counts = [message.fields["count"] for message in listener.all("message") if "count" in message.fields]
        assert counts == [str(number) for number in range(300)]
        assert steps[0] <= 2 * TURN


async def test_what_waits_for_its_turn_is_told_before_the_loss(
    asterisk: ScriptedAsterisk, listener: RecordingListener
) -> None:
    """A link that breaks takes nothing with it that had come."""
    async with linked(asterisk, listener):
        asterisk.send("".join(f"Event: QueueCallerJoin\r\nCount: {number}\r\n\r\n" for number in range(300)))
        asterisk.close_sessions()
        await listener.until("disconnected")
        before = listener.words[: listener.words.index("disconnected")]
        assert before.count("message") >= 300
