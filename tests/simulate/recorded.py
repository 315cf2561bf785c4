"""The recorded calls of real phones, and what makes two conversations comparable."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from tests.ami import recordings

FOLDER: Final = Path(__file__).parent / "data"
VERSIONS: Final = ("16", "22")

Headers = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Message:
    """One message: its headers in wire order."""

    headers: Headers

    def __getitem__(self, name: str) -> str:
        return next(value for key, value in self.headers if key == name)

    def get(self, name: str) -> str:
        """A header's value, empty without one."""
        return next((value for key, value in self.headers if key == name), "")

    @property
    def kind(self) -> str:
        """The event's name, or Response and what it answers."""
        return self.get("Event") or f"Response {self.get('Response')}"

    @property
    def names(self) -> tuple[str, ...]:
        """The names of its headers, without the one that depends on asterisk.conf."""
        return tuple(key for key, _ in self.headers if key != "SystemName")

    @property
    def at(self) -> int:
        """Its time stamp, in microseconds."""
        seconds, _, rest = self["Timestamp"].partition(".")
        return int(seconds) * 1_000_000 + int(rest)


def parse(raw: bytes) -> Message:
    """Read one message."""
    lines = raw.decode().splitlines()
    return Message(
        [(key, value.removeprefix(" ")) for key, _, value in (line.partition(":") for line in lines if line)]
    )


def messages(version: str) -> Iterator[Message]:
    """The recording of a version of Asterisk, in order."""
    for piece in re.split(rb"(?m)^# [0-9.]+\r?\n", (FOLDER / f"phones-asterisk-{version}.txt").read_bytes()):
        if piece.strip():
            yield parse(piece)


def all_messages() -> Iterator[Message]:
    """Everything there is of Asterisk 22: the phones, and the tour of the gateway's own recordings."""
    yield from messages("22")
    for each in recordings.read("tour-asterisk-22.10.txt"):
        yield parse(each.raw)


@cache
def calls(version: str) -> dict[str, list[Message]]:
    """The events of each recorded call, by the queue it came to, with those of the member's device in their place."""
    events = [each for each in messages(version) if each.get("Timestamp") and each.get("Event")]
    queue_of: dict[str, str] = {}
    for each in events:
        if each.kind == "QueueCallerJoin":
            queue_of.setdefault(each["Uniqueid"], each["Queue"])
        elif each.kind == "AgentCalled":
            queue_of[each["DestUniqueid"]] = queue_of[each["Uniqueid"]]
        elif each.kind == "BridgeEnter" and each["Uniqueid"] in queue_of:
            queue_of.setdefault(each["BridgeUniqueid"], queue_of[each["Uniqueid"]])
    found: dict[str, list[Message]] = {}
    for each in events:
        ids = [value for key, value in each.headers if key.endswith("Uniqueid")]
        queue = next((queue_of[one] for one in ids if one in queue_of), None)
        if each.kind == "QueueMemberStatus":
            queue = each["Queue"]
        if queue is not None:
            found.setdefault(queue, []).append(each)
    return found


def comparable(conversation: Iterable[Message]) -> list[Headers]:
    """Headers with what differs from run to run replaced by its place: ids, bridges, channels' numbers, time stamps."""
    places: dict[str, str] = {}

    def place(kind: str, value: str) -> str:
        return places.setdefault(value, f"{kind} {len([each for each in places.values() if each.startswith(kind)])}")

    result: list[Headers] = []
    for message in conversation:
        headers: Headers = []
        for key, value in message.headers:
            if key.endswith("BridgeUniqueid"):
                shown = place("bridge", value)
            elif re.fullmatch(r"[0-9]{9,}\.[0-9]+", value) and key != "Timestamp":
                shown = place("channel", value)
            else:
                shown = re.sub(r"^(PJSIP/[0-9]+)-[0-9a-f]{8}$", r"\1", value)
            if key != "Timestamp":
                headers.append((key, shown))
        result.append(headers)
    return result
