"""Members as each version of Asterisk spells them in events and lists."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.ami.members import member_of_event, member_of_list, number
from gateway.domain.instant import SECOND
from gateway.domain.member import DeviceState, Member, fold, membership_key

#: The body of a member event of 22, header names as the decoder gives them.
EVENT = {
    "event": "QueueMemberStatus",
    "queue": "support",
    "membername": "Alice",
    "interface": "Local/1001@ctx/n",
    "stateinterface": "PJSIP/1001",
    "membership": "dynamic",
    "penalty": "3",
    "callstaken": "4",
    "lastcall": "1795000100",
    "lastpause": "1795000050",
    "logintime": "1795000000",
    "incall": "1",
    "status": "2",
    "paused": "1",
    "pausedreason": "lunch",
    "ringinuse": "1",
    "wrapuptime": "12",
}
#: Headers that appeared after 13.0, and with which version.
SINCE = {
    "incall": "13.8",
    "pausedreason": "13.8",
    "lastpause": "14.0",
    "wrapuptime": "16.3",
    "logintime": "16.23",
}


def as_is(wall: int) -> int:
    """Instants as times of day."""
    return wall


def without(*names: str, **changes: str) -> dict[str, str]:
    """The event without some headers and with others changed."""
    return {key: value for key, value in EVENT.items() if key not in names} | changes


def test_a_member_event_of_today() -> None:
    """Every header finds its place; seconds since the epoch become instants."""
    assert member_of_event(EVENT, as_is) == Member(
        queue="support",
        interface="Local/1001@ctx/n",
        member_name="Alice",
        state_interface="PJSIP/1001",
        membership="dynamic",
        penalty=3,
        paused=True,
        paused_reason="lunch",
        device_state=DeviceState.INUSE,
        in_call=True,
        wrap_up_time=12,
        last_call=1_795_000_100 * SECOND,
        login_time=1_795_000_000 * SECOND,
        login_stamp=1_795_000_000,
        last_pause=1_795_000_050 * SECOND,
    )


def test_lists_name_the_same_things_otherwise() -> None:
    """A QueueMember of a list is the same member as in an event."""
    listed = without("membername", "interface") | {"name": "Alice", "location": "Local/1001@ctx/n"}
    assert member_of_list(listed, as_is) == member_of_event(EVENT, as_is)


@pytest.mark.parametrize("absent", [*SINCE, None])
def test_older_versions_leave_headers_out(absent: str | None) -> None:
    """A header that a version does not have is not known, and nothing else is another for it."""
    gone = tuple(SINCE) if absent is None else (absent,)
    member = member_of_event(without(*gone), as_is)
    for header, value in {
        "incall": member.in_call,
        "lastpause": member.last_pause,
        "wrapuptime": member.wrap_up_time,
        "logintime": member.login_time,
        "pausedreason": member.paused_reason,
    }.items():
        assert (value is None) == (header in gone), header
    assert member.reason_told == ("pausedreason" not in gone)
    assert (member.device_state, member.penalty, member.paused) == (DeviceState.INUSE, 3, True)


def test_reasons_before_they_were_in_every_event() -> None:
    """Until 17 the event of a pause has ``Reason``, and before 13.8 that alone; its absence says that there is none."""
    old = without("pausedreason", event="QueueMemberPause")
    given_ = member_of_event(old | {"reason": "lunch"}, as_is)
    none = member_of_event(old, as_is)
    assert (given_.paused_reason, given_.reason_told) == ("lunch", True)
    assert (none.paused_reason, none.reason_told) == (None, True)
    both = member_of_event(without(event="QueueMemberPause", reason="lunch"), as_is)
    assert both.paused_reason == "lunch"


def test_the_reason_of_an_unpause_is_none() -> None:
    """Since 18.21 an unpause carries the reason that came with the order; nobody is paused for it."""
    member = member_of_event(without(paused="0", pausedreason="back from lunch"), as_is)
    assert (member.paused, member.paused_reason) == (False, None)


@pytest.mark.parametrize("zero", ["lastcall", "lastpause", "logintime"])
def test_zero_is_never(zero: str) -> None:
    """0 for a time of day says that there was none."""
    member = member_of_event(without(**{zero: "0"}), as_is)
    assert {"lastcall": member.last_call, "lastpause": member.last_pause, "logintime": member.login_time}[zero] is None


def test_names_that_are_not_given() -> None:
    """Member name and state interface are the interface then; an empty reason is none."""
    member = member_of_event(without(membername="", stateinterface="", pausedreason=""), as_is)
    assert (member.member_name, member.state_interface) == (member.interface, member.interface)
    assert member.paused_reason is None


@pytest.mark.parametrize(("text", "state"), [(str(state.value), state) for state in DeviceState])
def test_device_states(text: str, state: DeviceState) -> None:
    """Status is the number of Asterisk's device state."""
    assert member_of_event(without(status=text), as_is).device_state is state


@given(st.dictionaries(st.sampled_from(sorted({*EVENT, "name", "location", "reason"})), st.text(max_size=12)))
def test_no_header_breaks_it(fields: dict[str, str]) -> None:
    """Whatever stands in the headers, there is a member, and what is no number is not known."""
    for member in (member_of_event(fields, as_is), member_of_list(fields, as_is)):
        assert isinstance(member, Member)
        assert member.paused or member.paused_reason is None
        assert isinstance(member.device_state, DeviceState)


@pytest.mark.parametrize(("text", "value"), [("12", 12), ("0", 0), ("-1", -1), ("", None), ("x", None), (None, None)])
def test_numbers(text: str | None, value: int | None) -> None:
    """A header that is absent or is no number is None."""
    assert number(text) == value


def test_keys_fold_ascii_alone() -> None:
    """Queue and interface are compared without regard to ASCII case, and only that."""
    assert membership_key("Support", "PJSIP/1001") == membership_key("suPPort", "pjsip/1001")
    assert fold("ÁGNES") == "Ágnes"
    assert fold("Ärger") != fold("ärger")
    assert fold("İ") == "İ"
