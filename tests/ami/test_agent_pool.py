"""When agents of app_agent_pool stop talking: their channels stay up between calls, and wait together in one bridge.

``a`` is the channel of the agent, ``b`` that of a colleague who waits, ``c`` the caller's, ``L1`` and ``L2`` the halves
of the Local channel that the queue dials; the lab's two Asterisks said all of it so.
"""

from collections.abc import Iterable

import pytest

from gateway.ami.lists import Channels
from gateway.ami.message import AmiMessage, Arrival
from gateway.ami.translate import Translator
from tests.ami.script import (
    End,
    Line,
    complete,
    connect,
    ends,
    enter,
    hangup,
    instant,
    leave,
    line,
    new_translator,
    play,
)

INTERFACE = "Local/1001@agents-pool"


def wait(at: float, *agents: str) -> list[Line]:
    """Agents go to the bridge of those who wait."""
    pool = {"BridgeUniqueid": "H", "BridgeType": "agent_hold", "BridgeTechnology": "holding_bridge"}
    return [line(at, "BridgeEnter", Uniqueid=each, **pool) for each in agents]


def pool_call(at: float = 0, caller: str = "c", local: str = "L") -> list[Line]:
    """A call that is connected to the agent ``a``, who waited."""
    one, two = f"{local}1", f"{local}2"
    return [
        line(at, "LocalBridge", LocalOneUniqueid=one, LocalTwoUniqueid=two),
        *enter(at + 1, f"A{local}", two),
        *leave(at + 1.5, "H", "a"),
        *enter(at + 2, f"A{local}", "a"),
        connect(at + 2.5, caller, one, phone=INTERFACE),
        *enter(at + 3, f"B{local}", one, caller),
    ]


def optimise(at: float) -> list[Line]:
    """The Local channel goes out of the way."""
    return [
        line(at, "LocalOptimizationBegin", LocalOneUniqueid="L1", LocalTwoUniqueid="L2", SourceUniqueid="a"),
        *leave(at + 0.2, "AL", "a"),
        *leave(at + 0.3, "BL", "L1"),
        *enter(at + 0.4, "BL", "a"),
        *leave(at + 0.5, "AL", "L2"),
        *hangup(at + 0.6, "L2", "L1"),
    ]


def test_the_caller_hangs_up() -> None:
    """The talk of an agent of the pool ends with the Local channel's bridges, while the agent's channel lives on."""
    script = [
        *wait(-1000, "a", "b"),
        *pool_call(),
        complete(5000, "caller", leg="L1", phone=INTERFACE),
        *leave(5000.5, "BL", "c", "L1"),
        *hangup(5001.5, "L1", "c"),
        *leave(5002, "AL", "L2", "a"),
        *hangup(5002.5, "L2"),
        *wait(5003, "a"),
    ]
    assert ends(play(script)) == [End("L1", 5001.5, "caller")]


def test_the_agent_ends_the_call_by_its_key() -> None:
    """It ends when the agent's channel leaves the call's bridge, before the rest is taken down."""
    script = [
        *wait(-1000, "a", "b"),
        *pool_call(),
        *leave(5000, "AL", "a", "L2"),
        *hangup(5001, "L2"),
        complete(5004, "agent", leg="L1", phone=INTERFACE),
        *wait(5004, "a"),
        *leave(5004.2, "BL", "L1"),
        *hangup(5004.3, "L1"),
    ]
    assert ends(play(script)) == [End("L1", 5000, "agent")]


@pytest.mark.parametrize("waiting", [(), ("b",), ("b", "d")])
def test_a_call_without_local_channel_ends(waiting: Iterable[str]) -> None:
    """Colleagues who wait are no company: the talk is over when the agent goes back to them."""
    script = [
        *wait(-1000, "a", *waiting),
        *pool_call(),
        *optimise(500),
        complete(5000, "caller", leg="a", phone=INTERFACE),
        *leave(5000.5, "BL", "c", "a"),
        *hangup(5001, "c"),
        *wait(5001.5, "a"),
    ]
    assert ends(play(script)) == [End("L1", 5000.5, "caller")]


def test_an_agent_whose_phone_is_behind_a_local_channel() -> None:
    """Such an agent always has company, its own phone: what counts is its channel in the pool."""
    script = [
        line(-2000, "LocalBridge", LocalOneUniqueid="a", LocalTwoUniqueid="a2"),
        *enter(-1900, "P", "a2", "phone"),
        *wait(-1000, "a", "b"),
        *pool_call(),
        *optimise(500),
        complete(5000, "caller", leg="a", phone=INTERFACE),
        *leave(5000.5, "BL", "c", "a"),
        *hangup(5001, "c"),
        *wait(5001.5, "a"),
    ]
    assert ends(play(script)) == [End("L1", 5000.5, "caller")]


def listed(bridge: str, application: str, *uniqueids: str, data: str = "") -> list[AmiMessage]:
    """CoreShowChannel of each."""
    fields = {"bridgeid": bridge, "application": application, "applicationdata": data}
    return [AmiMessage(fields | {"uniqueid": each, "channel": each}, Arrival(0, 0)) for each in uniqueids]


def lacking(translator: Translator, *there: AmiMessage) -> list[str]:
    """Legs of the calls that a list of channels lacks."""
    channels = Channels()
    for each in there:
        channels.add(each)
    translator.calls.relist(channels, instant(6000))
    return [call.key.dest_uniqueid for call in translator.calls.lacking()]


CALLER = listed("BL", "Queue", "c", data="support")


@pytest.mark.parametrize(
    ("there", "over"),
    [
        ([*listed("H", "AgentLogin", "a", "b")], True),
        (
            [*listed("H", "AgentLogin", "b"), *listed("AM", "AgentLogin", "a"), *listed("AM", "AgentRequest", "M2")],
            True,
        ),
        ([*listed("H", "AgentLogin", "a", "b"), *listed("", "Wait", "c")], True),
        (
            [
                *CALLER,
                *listed("BL", "AppQueue", "L1"),
                *listed("AL", "AgentRequest", "L2"),
                *listed("AL", "AgentLogin", "a"),
            ],
            False,
        ),
        ([*CALLER, *listed("BL", "AgentLogin", "a"), *listed("H", "AgentLogin", "b")], False),
    ],
    ids=["waits", "talks in another call", "caller is elsewhere", "talks", "Local channel gone"],
)
def test_after_a_loss(there: list[AmiMessage], *, over: bool) -> None:
    """An agent's channel that waits, or talks in another call, keeps no call open."""
    translator = new_translator()
    play([*wait(-1000, "a", "b"), *pool_call()], translator, until=0)
    assert lacking(translator, *there) == (["L1"] if over else [])


def test_what_a_list_showed_is_no_company_later() -> None:
    """Colleagues who waited when the channels were listed do not keep the next call open either."""
    translator = new_translator()
    assert lacking(translator, *listed("H", "AgentLogin", "a", "b")) == []
    script = [*pool_call(), *optimise(500), *leave(5000.5, "BL", "c", "a"), *hangup(5001, "c"), *wait(5001.5, "a")]
    assert ends(play(script, translator)) == [End("L1", 5000.5, None)]
