"""The manager interface of the simulator, asked by a client that knows nothing of the gateway."""

import asyncio
import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.simulate.server import Account
from gateway.simulate.simulation import Plan
from gateway.simulate.wire import Action, ActionDecoder
from tests.lab.wire import ActionRefusedError, Link, Message, encode, parse
from tests.simulate.running import ACCOUNT, linked, running

QUIET = Plan(agents=4, calls_per_hour=0)
BUSY = Plan(agents=10, calls_per_hour=3600, speed=60)


async def raw(port: int, *actions: dict[str, str | list[str]]) -> list[dict[str, str]]:
    """Everything that comes for some actions, until the server closes or the last one is answered."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    assert await reader.readline() == b"Asterisk Call Manager/11.0.0\r\n"
    answers = []
    for action in actions:
        writer.write(encode(action))
        answers.append(parse((await reader.readuntil(b"\r\n\r\n")).removesuffix(b"\r\n\r\n")))
    writer.close()
    return answers


async def test_it_speaks_as_asterisk_does_at_login() -> None:
    """A login with the right secret is accepted, and FullyBooted follows."""
    async with running(QUIET) as simulation, linked(simulation, Link()) as link:
        await asyncio.wait_for(link.booted.wait(), 60)
        (pong,) = await link.ask("Ping")
        assert pong["Ping"] == "Pong"


async def test_a_login_by_challenge() -> None:
    """The secret need not be sent: the MD5 of challenge and secret does."""
    async with running(QUIET) as simulation:
        reader, writer = await asyncio.open_connection("127.0.0.1", simulation.server.port)
        await reader.readline()
        writer.write(encode({"Action": "Challenge", "AuthType": "MD5"}))
        challenge = parse((await reader.readuntil(b"\r\n\r\n"))[:-4])["Challenge"]
        key = hashlib.md5(f"{challenge}{ACCOUNT.secret}".encode()).hexdigest()
        writer.write(encode({"Action": "Login", "AuthType": "MD5", "Username": ACCOUNT.username, "Key": key}))
        assert parse((await reader.readuntil(b"\r\n\r\n"))[:-4])["Message"] == "Authentication accepted"
        writer.close()


@pytest.mark.parametrize(
    "login",
    [
        {"Username": "cti-gateway", "Secret": "wrong"},
        {"Username": "somebody", "Secret": ACCOUNT.secret},
        {"Username": "cti-gateway", "AuthType": "MD5", "Key": hashlib.md5(ACCOUNT.secret.encode()).hexdigest()},
    ],
)
async def test_a_wrong_login_is_refused(login: dict[str, str | list[str]]) -> None:
    """Whoever has not the name and the secret, or answers no challenge, is refused, and told no more than that."""
    async with running(QUIET) as simulation:
        (answer,) = await raw(simulation.server.port, {"Action": "Login", **login})
        assert answer == {"Response": "Error", "Message": "Authentication failed"}


async def test_nothing_is_done_before_the_login() -> None:
    """Before the login everything else is denied."""
    async with running(QUIET) as simulation:
        (answer,) = await raw(simulation.server.port, {"Action": "QueueStatus", "ActionID": "7"})
        assert answer == {"Response": "Error", "ActionID": "7", "Message": "Permission denied"}


async def test_rights_are_those_of_the_account() -> None:
    """An account without a class of actions is denied them, and is not told events of classes it may not read."""
    told: list[Message] = []
    account = Account(ACCOUNT.username, ACCOUNT.secret, frozenset({"agent"}), frozenset({"agent"}))
    async with running(BUSY, account=account) as simulation, linked(simulation, Link(told.append)) as link:
        with pytest.raises(ActionRefusedError, match="Permission denied"):
            await link.ask("CoreStatus")
        await link.ask("QueuePause", Interface="PJSIP/1001", Paused="true")
        await events(told, "QueueCallerJoin")
        assert not [each for each in told if each["Privilege"] != "agent,all"]


async def test_filters_and_masks() -> None:
    """A client gets only what it asks for: by classes, by a filter that includes, by one that excludes."""
    told: list[Message] = []
    async with running(BUSY) as simulation, linked(simulation, Link(told.append)) as link:
        await link.ask("Filter", Operation="Add", Filter="^Event: Queue")
        await link.ask("Filter", Operation="Add", Filter="!QueueMemberStatus")
        told.clear()
        await events(told, "QueueCallerJoin", 3)
        assert {each.event for each in told} <= {
            "QueueCallerJoin",
            "QueueCallerLeave",
            "QueueCallerAbandon",
            "QueueMemberPause",
        }
        await link.ask("Events", EventMask="call")
        told.clear()
        await link.ask("QueuePause", Interface="PJSIP/1001", Paused="true")
        assert not told
        with pytest.raises(ActionRefusedError, match="did not compile"):
            await link.ask("Filter", Operation="Add", Filter="(")


async def test_the_event_follows_the_answer() -> None:
    """What an action changes is told after its answer, to everybody."""
    order: list[str] = []
    async with (
        running(QUIET) as simulation,
        linked(simulation, Link(on_bytes=lambda data: order.append(data.decode()))) as link,
    ):
        await link.ask("QueuePause", Interface="PJSIP/1001", Paused="true", Reason="lunch")
        await link.ask("Ping")
    said = "".join(order)
    assert said.index("Interface paused successfully") < said.index("Event: QueueMemberPause") < said.index("Pong")


async def test_a_list_and_the_events_agree() -> None:
    """Whoever follows the events from a list on knows what the next list says."""
    told: list[Message] = []
    async with running(BUSY) as simulation, linked(simulation, Link(told.append)) as link:
        before = await link.ask("QueueStatus")
        await events(told, "AgentComplete", 5)
        after = await link.ask("QueueStatus")
        told = [each for each in told if each.index < after[-1].index]  # not what came with the end of the list

    def members(answer: list[Message]) -> dict[tuple[str, str], str]:
        return {(each["Queue"], each["Location"]): each["Status"] for each in answer if each.event == "QueueMember"}

    known = members(before)
    for each in told:
        if each.event == "QueueMemberStatus":
            known[each["Queue"], each["Interface"]] = each["Status"]
    assert known == members(after)


async def test_a_client_who_leaves_harms_nobody(tmp_path: Path) -> None:
    """One client's going, in order or not, is not noticed by the other; the log goes on."""
    log = tmp_path / "queue_log"
    told: list[Message] = []
    async with running(BUSY, queue_log=log) as simulation, linked(simulation, Link(told.append)):
        async with linked(simulation, Link()) as other:
            with pytest.raises(ActionRefusedError):
                await other.ask("Nonsense")
        _, writer = await asyncio.open_connection("127.0.0.1", simulation.server.port)
        writer.transport.abort()
        told.clear()
        await events(told, "AgentConnect")
    lines = log.read_text().splitlines()
    assert lines[0].endswith("|NONE|NONE|NONE|QUEUESTART|")
    assert any("|CONNECT|" in line for line in lines)


async def events(told: list[Message], kind: str, count: int = 1) -> None:
    """Wait until so many events of a kind have come."""
    async with asyncio.timeout(60):
        while sum(each.event == kind for each in told) < count:  # noqa: ASYNC110  the list tells of no news
            await asyncio.sleep(0.01)


HEADERS = st.dictionaries(
    st.sampled_from(["Queue", "Interface", "Paused", "Reason", "MemberName"]),
    st.text(st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs"]), max_size=20),
    min_size=1,
)


@given(st.lists(HEADERS, max_size=4), st.data())
def test_actions_do_not_depend_on_where_tcp_cuts(actions: list[dict[str, str]], data: st.DataObject) -> None:
    """However the bytes are cut, the actions are those that were sent."""
    stream = b"".join(encode({**action}) for action in actions)
    places = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=5)))
    decoder, got = ActionDecoder(), list[Action]()
    for start, end in zip([0, *places], [*places, len(stream)], strict=True):
        got += decoder.receive_data(stream[start:end])
    wanted = [{key.lower(): value.lstrip(" ") for key, value in action.items()} for action in actions]
    assert [action.headers for action in got] == wanted
    assert not any(action.complaint for action in got)


def test_a_line_that_is_too_long_is_refused() -> None:
    """No line is kept past what Asterisk reads of one, and the action is refused; the next one is understood."""
    decoder = ActionDecoder()
    first, second = decoder.receive_data(b"Action: x" + b"y" * 5000 + b"\r\n\r\nAction: Ping\r\n\r\n")
    assert "line too long" in first.complaint
    assert (second.name, second.complaint) == ("Ping", "")
    for _ in range(100):
        assert not decoder.receive_data(b"z" * 10_000)
    (third,) = decoder.receive_data(b"\r\n\r\n")
    assert "line too long" in third.complaint
