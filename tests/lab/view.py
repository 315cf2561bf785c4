"""A subscriber's view in a terminal: one line for each session event, and a table of all sessions now and then."""

import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from tests.lab.subscriber import Received, Subscriber

COLUMNS: Final = (
    ("group", 8),
    ("agent", 15),
    ("address", 19),
    ("state", 13),
    ("calls", 5),
    ("talk", 8),
    ("wrap-up", 8),
    ("answer", 7),
    ("rate/h", 8),
)


def padded(text: str, width: int) -> str:
    """Return a text with blanks up to a width on the screen, where some scripts take two places a letter."""
    taken = sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)
    return text + " " * max(0, width - taken)


def event_line(event: Mapping[str, Any]) -> str:
    """Return a session event as one readable line."""
    session = event["session"]
    before = event.get("previous") or {}
    reason = f" ({session['reason']})" if session.get("reason") else ""
    step = f"{before['state']} -> {session['state']}" if before and event["event"] != "UPDATE" else session["state"]
    who = f"{padded(session['group'], 8)} {padded(session['agent'], 15)}"
    return (
        f"{event['at'][11:23]}  {event['event']:<11} {who} {step}{reason}"
        f"  calls {session['number_of_calls']}  [{event['cause']}, seq {event['seq']}]"
    )


def table(sessions: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Yield the lines of a table of sessions, times in seconds."""
    yield "  ".join(f"{title:<{width}}" for title, width in COLUMNS)
    for session in sorted(sessions, key=lambda s: (s["group"], s["agent"], s["address"])):
        cells = (
            session["group"],
            session["agent"],
            session["address"],
            session["state"],
            session["number_of_calls"],
            f"{session['total_talk_time']:.1f}",
            f"{session['total_wrap_up_time']:.1f}",
            f"{session['average_time_to_answer']:.2f}",
            f"{session['acd_call_rate']:.1f}",
        )
        yield "  ".join(padded(str(cell), width) for cell, (_, width) in zip(cells, COLUMNS, strict=True))


def is_event(message: Received) -> bool:
    """Tell whether a message is a session event."""
    return message.topic.startswith("session/") and message.topic.endswith("/event")


def sessions(subscriber: Subscriber) -> list[Mapping[str, Any]]:
    """Return the sessions as their retained messages have them now."""
    found = []
    for topic, message in subscriber.latest.items():
        if topic.startswith("session/") and topic.count("/") == 3 and message.payload:
            found.append(message.json)
    return found
