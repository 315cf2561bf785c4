"""The devices behind members: what interfaces, channels and hints name, and which agents are at which."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain import facts
from gateway.domain.device import device_of_channel, device_of_interface, devices_of, devices_of_hint, is_hint
from gateway.domain.device_index import DeviceIndex
from gateway.domain.member import Member
from gateway.domain.session import Cause, Occasion
from tests.domain.floor import Floor
from tests.domain.support import at


@pytest.mark.parametrize(
    ("interface", "device"),
    [
        ("PJSIP/1001", "pjsip/1001"),
        ("pjsip/Alice", "pjsip/alice"),
        ("PJSIP/1001/sip:1001@192.0.2.1:5060", "pjsip/1001"),
        ("SIP/1001", "sip/1001"),
        ("IAX2/office/200", "iax2/office"),
        ("DAHDI/1", "dahdi/1"),
        ("Local/1001@agents", None),
        ("Local/1001@agents/n", None),
        ("hint:1001@phones", None),
        ("Custom:alice", None),
        ("Agent:1001", None),
        ("Queue:support_pause_PJSIP/1001", None),
        ("PJSIP/", None),
        ("1001", None),
        ("", None),
    ],
)
def test_device_of_an_interface(interface: str, device: str | None) -> None:
    """An interface names a device if its technology has phones; what stands behind the peer is not in it."""
    assert device_of_interface(interface) == device


@pytest.mark.parametrize(
    ("channel", "device"),
    [
        ("PJSIP/1001-0000002a", "pjsip/1001"),
        ("SIP/my-phone-0000002a", "sip/my-phone"),
        ("DAHDI/1-1", "dahdi/1"),
        ("Local/1001@agents-00000001;1", "local/1001@agents"),
        ("", ""),
    ],
)
def test_device_of_a_channel(channel: str, device: str) -> None:
    """A channel is named after its device, with a number behind the last dash."""
    assert device_of_channel(channel) == device


def test_devices_of_a_member() -> None:
    """Those of the interface and of the state interface, which may be two."""
    assert devices_of(Member("q", "PJSIP/1", "A", "PJSIP/1")) == {"pjsip/1"}
    assert devices_of(Member("q", "Local/1@x/n", "A", "SIP/1")) == {"sip/1"}
    assert devices_of(Member("q", "PJSIP/1", "A", "PJSIP/2")) == {"pjsip/1", "pjsip/2"}
    assert devices_of(Member("q", "Local/1@x/n", "A", "hint:1@x")) == frozenset()


@pytest.mark.parametrize(
    ("hint", "devices"),
    [
        ("PJSIP/1001", {"pjsip/1001"}),
        ("PJSIP/1001&Custom:DND1001,CustomPresence:1001", {"pjsip/1001"}),
        ("PJSIP/1001&SIP/1001", {"pjsip/1001", "sip/1001"}),
        ("Custom:lamp", set()),
        ("", set()),
    ],
)
def test_devices_of_a_hint(hint: str, devices: set[str]) -> None:
    """Of all that a hint watches, only phones are devices."""
    assert devices_of_hint(hint) == devices
    assert is_hint("hint:1@x")
    assert is_hint("Hint:1@x")
    assert not is_hint("PJSIP/1")


MEMBERS = [
    Member("q", interface, "A", state_interface)
    for interface, state_interface in (
        ("PJSIP/1", "PJSIP/1"),
        ("PJSIP/1", "hint:1@x"),
        ("Local/1@x", "HINT:1@x"),
        ("Local/1@x", "PJSIP/2"),
        ("Local/2@x", "hint:2@x"),
    )
]
HINTED = {"hint:1@x": frozenset({"pjsip/1", "sip/1"}), "hint:2@x": frozenset({"pjsip/2"})}


@given(chance=st.randoms(use_true_random=False), length=st.integers(1, 40))
def test_agents_are_at_what_their_sessions_name(chance: random.Random, length: int) -> None:
    """In whatever order sessions come, change and go and hints are told, agents are at their sessions' devices."""
    index = DeviceIndex()
    sessions: dict[int, tuple[str, Member]] = {}
    hinted: dict[str, frozenset[str]] = {}
    for _ in range(length):
        number = chance.randrange(6)
        was = sessions.pop(number, None)
        if chance.random() < 0.2:
            hint = chance.choice(list(HINTED))
            devices = chance.choice([HINTED[hint], frozenset()])
            if was is not None:
                sessions[number] = was
            hinted[hint] = devices
            index.tell_hint(hint.upper(), devices)
        else:
            now = None if chance.random() < 0.3 else chance.choice(MEMBERS)
            agent = was[0] if was else chance.choice(["A", "B"])
            index.change(agent, was and was[1], now)
            if now is not None:
                sessions[number] = (agent, now)
        used = {member.state_interface.lower() for _, member in sessions.values()}
        for device in ("pjsip/1", "pjsip/2", "sip/1"):
            wanted = {
                agent
                for agent, member in sessions.values()
                if device in devices_of(member) | hinted.get(member.state_interface.lower(), frozenset())
            }
            assert set(index.agents_at(device.upper())) == wanted
            assert (device in index) == bool(wanted)
        assert {each.lower() for each in index.hints()} == {each for each in used if each.startswith("hint:")}


def test_calls_at_a_hinted_device() -> None:
    """A call on a device that a hint stands for is the agent's whose state interface is that hint."""
    floor = Floor()
    member = Member("support", "Local/1@x/n", "Alice", "hint:1@x")
    floor.apply(facts.MemberAdded(member, Occasion(at(0))))
    assert floor.book.hints() == {"hint:1@x"}
    assert not floor.book.has_device("pjsip/1001")
    floor.apply(facts.HintTold("hint:1@x", frozenset({"pjsip/1001"}), Occasion(at(1), Cause.RESYNC)))
    assert floor.book.has_device("pjsip/1001")
    floor.other_call(5)
    assert floor.agent().state.name == "BUSY_INCOMING"
