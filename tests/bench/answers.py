"""What the scripted Asterisk answers: lists are rendered before anybody asks, so that asking costs it nothing."""

import hashlib
import time
from collections.abc import Iterable
from typing import Final

from tests.ami.queue_model import Event, Member, QueueModel
from tests.ami.scripted_asterisk import ReceivedAction, message_bytes
from tests.bench.floor import Floor

USERNAME: Final = "bench"
SECRET: Final = "s3cret"
_CHALLENGE: Final = "840415273"
_ID: Final = b"\x00id\x00"  # stands where the ActionID goes


class Answers:
    """Answers by the action's name."""

    def __init__(self, floor: Floor) -> None:
        """Render everything for *floor*."""
        model = QueueModel(version=22)
        members: dict[str, list[Member]] = {name: [] for name in floor.queue_names()}
        for desk in floor.desks():
            member = Member(desk.queue, desk.name, desk.interface, desk.interface, membership="static")
            member.login_time = 1_795_333_808
            members[desk.queue].append(member)
        for name, present in members.items():
            model.add_queue(name, *present)
        self._queues = {
            name.lower(): _list("Queue status will follow", model.status_list(name), "QueueStatusComplete")
            for name in members
        }
        no_queue: list[Event] = []
        self._no_queue = _list("Queue status will follow", no_queue, "QueueStatusComplete")
        summary = ((name, len(present)) for name, present in members.items())
        self._fixed = {
            "coresettings": _success(("AMIversion", "11.0.0"), ("AsteriskVersion", "22.10.1"), ("SystemName", "bench")),
            "corestatus": _success(
                *[(f"Core{what}Date", "2026-11-22") for what in ("Startup", "Reload")],
                *[(f"Core{what}Time", "07:48:30") for what in ("Startup", "Reload")],
                ("CoreCurrentCalls", "0"),
            ),
            "coreshowchannels": _list("Channels will follow", no_queue, "CoreShowChannelsComplete"),
            "queuesummary": _list(
                "Queue summary will follow",
                [("QueueSummary", _summary(name, size)) for name, size in summary],
                "QueueSummaryComplete",
            ),
            "getconfig": _success(
                ("Category-000000", "general"),
                *((f"Category-{number:06d}", name) for number, name in enumerate(members, start=1)),
            ),
            "challenge": _success(("Challenge", _CHALLENGE)),
            "filter": _success(("Message", "Filter Added Successfully")),
        }

    def to(self, action: ReceivedAction) -> bytes:
        """The answer to an action, all of it; Login's is ``login``."""
        name = action.name.lower()
        if name == "ping":
            answer = _success(("Ping", "Pong"), ("Timestamp", f"{time.time():.6f}"))
        elif name == "queuestatus" and (queue := action.get("Queue").lower()):
            answer = self._queues.get(queue, self._no_queue)
        elif name == "logoff":
            answer = message_bytes([("Response", "Goodbye"), ("ActionID", _ID.decode())])
        else:
            answer = self._fixed.get(name) or _error(f"Invalid/unknown command: {action.name}.")
        return answer.replace(_ID, action.action_id.encode())


def login(action: ReceivedAction) -> tuple[bytes, bool]:
    """The answer to Login, with a challenge or the plain secret, and whether it is accepted."""
    digest = hashlib.md5(f"{_CHALLENGE}{SECRET}".encode(), usedforsecurity=False).hexdigest()
    known = action.get("Username") == USERNAME and (action.get("Secret") == SECRET or action.get("Key") == digest)
    answer = _success(("Message", "Authentication accepted")) if known else _error("Authentication failed")
    if known:
        answer += message_bytes([("Event", "FullyBooted"), ("Privilege", "system,all"), ("Status", "Fully Booted")])
    return answer.replace(_ID, action.action_id.encode()), known


def _success(*fields: tuple[str, str]) -> bytes:
    return message_bytes([("Response", "Success"), ("ActionID", _ID.decode()), *fields])


def _error(message: str) -> bytes:
    return message_bytes([("Response", "Error"), ("ActionID", _ID.decode()), ("Message", message)])


def _list(message: str, events: Iterable[Event], complete: str) -> bytes:
    mine = ("ActionID", _ID.decode())
    parts = [_success(("EventList", "start"), ("Message", message))]
    parts += [message_bytes([("Event", name), *fields, mine]) for name, fields in events]
    parts.append(
        message_bytes([("Event", complete), mine, ("EventList", "Complete"), ("ListItems", str(len(parts) - 1))])
    )
    return b"".join(parts)


def _summary(queue: str, members: int) -> list[tuple[str, str]]:
    figures = {"LoggedIn": members, "Available": members, "Callers": 0, "HoldTime": 0, "TalkTime": 0}
    return [("Queue", queue), *((name, str(value)) for name, value in figures.items()), ("LongestHoldTime", "0")]
