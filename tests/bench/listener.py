"""A subscriber as a process: notes when everything came, in which order, and whether anything is missing."""

import argparse
import json
import re
import selectors
import socket
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from tests.bench import lines, mqtt_wire
from tests.bench.floor import BASE, SENTINEL

_END: Final = re.compile(rb'"(end-\d+)"')
_SEQ: Final = re.compile(rb'"seq":(\d+)')
_NAME: Final = re.compile(r'"event":"(\w+)"')
_SENTINEL: Final = f"/{SENTINEL}".encode()
READ_SIZE: Final = 1 << 18
QUIET: Final = 0.3  # seconds without a message, after which the snapshots that follow the last event are there


class Heard:
    """What came, and what follows from it.

    Attributes:
        events: Arrival, topic below the base, and payload of every message that is not retained.
        latest: The last payload of each retained topic.
        topics: How many retained topics there are of each kind.
        ends: When each of the sentinel's pauses came, by its reason.
        retained: Messages on retained topics.
        disorder: Messages of the stream that came where another number was due.
        last: When the last message came.
    """

    def __init__(self) -> None:
        self.events: list[tuple[float, bytes, bytes]] = []
        self.latest: dict[bytes, bytes] = {}
        self.ends: dict[str, float] = {}
        self.retained = 0
        self.disorder = 0
        self.last = 0.0
        self.topics: Counter[str] = Counter()
        self._seq = 0
        self._cut = len(BASE) + 1

    def take(self, topic: bytes, payload: bytes, now: float) -> None:
        """One message."""
        self.last = now
        topic = topic[self._cut :]
        if not topic.endswith(b"/event") and not topic.startswith((b"call/", b"ami/")):
            self.retained += 1
            if topic not in self.latest:
                self.topics[topic.partition(b"/")[0].decode()] += 1
            self.latest[topic] = payload
            return
        self.events.append((now, topic, payload))
        if (found := _SEQ.search(payload, 0, 120)) is not None:
            seq = int(found[1])
            self.disorder += seq != self._seq + 1
            self._seq = seq
        if _SENTINEL in topic:
            for end in _END.findall(payload):  # the reason before it is told, too
                self.ends.setdefault(end.decode(), now)

    @property
    def current(self) -> bool:
        """Whether the picture is said to be current."""
        return b'"current":true' in self.latest.get(b"bridge/asterisk", b"")

    def counts(self) -> dict[str, int]:
        """Events by kind and name: ``session BUSY``, ``call``, ``ami AgentConnect``."""
        counted: Counter[str] = Counter()
        for _, topic, payload in self.events:
            kind, _, rest = topic.decode().partition("/")
            name = _NAME.search(payload.decode()) if kind != "ami" else None
            counted[f"{kind} {name[1]}" if name else f"ami {rest.partition('/')[0]}" if kind == "ami" else kind] += 1
        return dict(counted)

    def calls_counted(self) -> int:
        """Calls that the last snapshots of all sessions have, together."""
        shown = (payload for topic, payload in self.latest.items() if topic.startswith(b"session/") and payload)
        return sum(json.loads(payload)["number_of_calls"] for payload in shown)

    def latencies(self, stamps: dict[str, list[float]]) -> list[float]:
        """Seconds from the stamp of each caller's joining, and of each answer, to the message that tells it."""
        found = []
        for arrived, topic, payload in self.events:
            place = _told_by(topic, payload)
            if place is not None and (stamp := stamps.get(place[0])) is not None:
                found.append(arrived - stamp[place[1]])
        return sorted(found)


def _told_by(topic: bytes, payload: bytes) -> tuple[str, int] | None:
    """The caller that a message is about, and whether it tells of the joining (0) or the answer (1)."""
    if topic.startswith(b"queue/") and b'"event":"JOINED"' in payload[:200]:
        return json.loads(payload)["caller"]["uniqueid"], 0
    if topic.startswith(b"session/") and b'"event":"BUSY"' in payload[:200]:
        return json.loads(payload)["session"]["current_call"]["uniqueid"], 1
    if topic.startswith((b"ami/QueueCallerJoin/", b"ami/AgentConnect/")):
        return json.loads(payload)["Uniqueid"], int(topic.startswith(b"ami/A"))
    return None


class Listener:
    """Reads the broker and answers questions over standard input."""

    def __init__(self, port: int, username: str, password: str) -> None:
        self._address = ("127.0.0.1", port)
        self._login = (username, password)
        self._heard = Heard()
        self._buffer = b""
        self._awaited: Callable[[], dict[str, Any] | None] | None = None
        self._deadline = 0.0
        self._acts: dict[str, Callable[..., dict[str, Any] | None]] = {
            "await_end": self._await_end,
            "await_topics": self._await_topics,
            "report": self._report,
            "forget_current": self._forget_current,
            "latencies": self._latencies,
        }

    def run(self) -> None:
        """Subscribe, then serve until standard input or the broker ends."""
        connection = socket.create_connection(self._address)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sendall(mqtt_wire.connect("bench-listener", *self._login) + mqtt_wire.subscribe(f"{BASE}/#"))
        selector = selectors.DefaultSelector()
        selector.register(connection, selectors.EVENT_READ)
        selector.register(sys.stdin, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select(0.1):
                alive = self._read(connection) if key.fileobj is connection else self._question()
                if not alive:
                    return
            self._answer_if_due()

    def _read(self, connection: socket.socket) -> bool:
        data = connection.recv(READ_SIZE)
        now = time.time()
        if not data:
            return False
        data, acks, place = self._buffer + data, bytearray(), 0
        while (head := mqtt_wire.split(data, place)) is not None:
            place = head[2]
            kind = head[0] >> 4
            if kind == mqtt_wire.PUBLISH:
                topic, identifier, payload = mqtt_wire.publish_parts(data, head)
                if identifier is not None:
                    acks += mqtt_wire.puback(identifier)
                self._heard.take(topic, payload, now)
            elif kind == mqtt_wire.SUBACK:
                lines.answer(subscribed=True)
            elif kind == mqtt_wire.CONNACK and data[head[1] + 1]:
                lines.answer(error=f"the broker refused the login: {data[head[1] + 1]}")
        self._buffer = data[place:]
        if acks:
            connection.sendall(acks)
        return True

    def _question(self) -> bool:
        question = lines.question()
        if question is None:
            return False
        act, within = self._acts[question.pop("do")], question.pop("within_seconds", 0.0)
        self._awaited = lambda: act(**question)
        self._deadline = time.monotonic() + within
        return True

    def _answer_if_due(self) -> None:
        if self._awaited is None:
            return
        told = self._awaited()
        if told is None and time.monotonic() > self._deadline:
            told = {"error": f"waited in vain; there are {dict(self._heard.topics)}, {len(self._heard.events)} events"}
        if told is not None:
            self._awaited = None
            lines.answer(**told)

    # What is asked; None while there is no answer yet --------------------------------------------------------------

    def _await_end(self, end: str) -> dict[str, Any] | None:
        at = self._heard.ends.get(end)
        return None if at is None else {"at": at}

    def _await_topics(self, topics: dict[str, int]) -> dict[str, Any] | None:
        if not self._heard.current:
            return None
        present = self._heard.topics
        return {"at": time.time()} if all(present[kind] >= count for kind, count in topics.items()) else None

    def _forget_current(self) -> dict[str, Any]:
        """Take the picture for not current until it is said anew."""
        self._heard.latest.pop(b"bridge/asterisk", None)
        return {"forgotten": True}

    def _report(self) -> dict[str, Any] | None:
        heard = self._heard
        if time.time() - heard.last < QUIET:
            return None
        return {
            "counts": heard.counts(),
            "calls_counted": heard.calls_counted(),
            "retained": heard.retained,
            "disorder": heard.disorder,
        }

    def _latencies(self, stamps: str) -> dict[str, Any]:
        noted = json.loads(Path(stamps).read_text("utf-8"))
        return {"seconds": self._heard.latencies(noted), "due": 2 * len(noted)}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--username", required=True)
    parser.add_argument("--password", required=True)
    options = parser.parse_args(arguments)
    Listener(options.port, options.username, options.password).run()


if __name__ == "__main__":
    main()
