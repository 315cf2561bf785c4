"""Queue members as events and lists spell them. Absent headers are older versions, not faults."""

from collections.abc import Callable, Mapping
from sys import intern

from gateway.domain.instant import SECOND
from gateway.domain.member import DeviceState, Member

Fields = Mapping[str, str]
FromWall = Callable[[int], int]
"""Turns a time of day, microseconds since the epoch, into an instant."""

_DEVICE_STATES = {str(state.value): state for state in DeviceState}


def member_of_event(fields: Fields, from_wall: FromWall) -> Member:
    """The member in the body that all QueueMember… events share."""
    return _member(fields, fields.get("membername", ""), fields.get("interface", ""), from_wall)


def member_of_list(fields: Fields, from_wall: FromWall) -> Member:
    """The member in a QueueMember event of QueueStatus, which names the same things otherwise.

    Lists say ``static`` of realtime members too.
    """
    return _member(fields, fields.get("name", ""), fields.get("location", ""), from_wall)


def _member(fields: Fields, name: str, interface: str, from_wall: FromWall) -> Member:
    # Interned: of ten thousand members, each of these texts would be there several times.
    in_call, interface = fields.get("incall"), intern(interface)
    return Member(
        queue=intern(fields.get("queue", "")),
        interface=interface,
        member_name=name or interface,
        state_interface=intern(fields.get("stateinterface") or interface),
        membership=intern(fields.get("membership", "dynamic")),
        penalty=number(fields.get("penalty")) or 0,
        paused=fields.get("paused") == "1",
        # Before 18.0 the event of a pause has Reason, from 13.8 on also PausedReason.
        paused_reason=(fields.get("pausedreason") or fields.get("reason") or None) if _paused(fields) else None,
        reason_told="pausedreason" in fields or fields.get("event") == "QueueMemberPause",
        device_state=_DEVICE_STATES.get(fields.get("status", "0"), DeviceState.UNKNOWN),
        in_call=None if in_call is None else in_call == "1",
        wrap_up_time=number(fields.get("wrapuptime")),
        last_call=_epoch(fields.get("lastcall"), from_wall),
        login_time=_epoch(fields.get("logintime"), from_wall),
        login_stamp=number(fields.get("logintime")) or None,
        last_pause=_epoch(fields.get("lastpause"), from_wall),
    )


def _paused(fields: Fields) -> bool:
    """Unpause events carry the reason that came with the order since 18.21; it is not why anyone is paused."""
    return fields.get("paused") == "1"


def number(text: str | None) -> int | None:
    """A whole number of a header; None where it is absent or is none."""
    try:
        return None if text is None else int(text)
    except ValueError:
        return None


def _epoch(text: str | None, from_wall: FromWall) -> int | None:
    seconds = number(text)
    return from_wall(seconds * SECOND) if seconds else None
