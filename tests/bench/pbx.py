"""A scripted Asterisk as a process: real AMI on a socket, and on request as many events as anybody reads.

It holds no state but who is logged in. What it sends is made ahead; while it sends it answers what is asked, in the
stream, as Asterisk does. Asked over standard input, see ``lines``.
"""

import argparse
import contextlib
import json
import selectors
import socket
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from tests.ami.scripted_asterisk import parse_action
from tests.bench import lines, streams, templates
from tests.bench.answers import Answers, login
from tests.bench.floor import Floor

CHUNK: Final = 64  # events of a flood that are written at once


class Client:
    """One connection to the manager."""

    def __init__(self, connection: socket.socket, answers: Answers) -> None:
        self.connection = connection
        self.logged_in_at: float | None = None
        self._answers = answers
        self._buffer = b""

    def read(self) -> bool:
        """Answer what came; False when the other side is gone."""
        try:
            data = self.connection.recv(65536, socket.MSG_DONTWAIT)
        except BlockingIOError:  # what the selector told of was read while a question was answered
            return True
        except OSError:
            return False
        *actions, self._buffer = (self._buffer + data).split(b"\r\n\r\n")
        for raw in actions:
            action = parse_action(raw + b"\r\n")
            if action.name.lower() == "login":
                answer, accepted = login(action)
                self.logged_in_at = time.time() if accepted else None
            else:
                answer = self._answers.to(action)
            try:
                self.connection.sendall(answer)
            except OSError:
                return False
        return bool(data)


class Pbx:
    """Listens, answers, sends."""

    def __init__(self, floor: Floor) -> None:
        self._floor = floor
        self._answers = Answers(floor)
        self._selector = selectors.DefaultSelector()
        self._clients: list[Client] = []
        self._next_call = self._next_pause = 0
        self._acts: dict[str, Callable[..., dict[str, Any]]] = {
            "await_login": self._await_login,
            "flood": self._flood,
            "pace": self._pace,
            "hang_up": self._hang_up,
        }

    def run(self) -> None:
        """Serve until standard input ends."""
        listener = socket.create_server(("127.0.0.1", 0))
        self._selector.register(listener, selectors.EVENT_READ, lambda: self._accept(listener))
        self._selector.register(sys.stdin, selectors.EVENT_READ)
        lines.answer(port=listener.getsockname()[1])
        while True:
            for key, _ in self._selector.select():
                if key.fileobj is not sys.stdin:
                    key.data()
                    continue
                question = lines.question()
                if question is None:
                    return
                lines.answer(**self._acts[question.pop("do")](**question))

    def _accept(self, listener: socket.socket) -> None:
        connection, _ = listener.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client = Client(connection, self._answers)
        connection.sendall(b"Asterisk Call Manager/11.0.0\r\n")
        self._clients.append(client)
        self._selector.register(connection, selectors.EVENT_READ, lambda: self._read(client))

    def _read(self, client: Client) -> None:
        if not client.read():
            self._drop(client)

    def _drop(self, client: Client) -> None:
        self._selector.unregister(client.connection)
        self._clients.remove(client)
        client.connection.close()

    def _turn(self, timeout: float) -> None:
        """Take connections and answer for a moment."""
        for key, _ in self._selector.select(timeout):
            if key.fileobj is not sys.stdin:
                key.data()
            elif timeout:
                time.sleep(min(timeout, 0.001))  # a question waits until this one is answered

    # What is asked -------------------------------------------------------------------------------------------------

    def _await_login(self, within_seconds: float) -> dict[str, Any]:
        deadline = time.monotonic() + within_seconds
        while time.monotonic() < deadline:
            for client in self._clients:
                if client.logged_in_at is not None:
                    return {"at": client.logged_in_at}
            self._turn(0.01)
        return {"error": f"nobody logged in within {within_seconds:g} s"}

    def _hang_up(self) -> dict[str, Any]:
        for client in list(self._clients):
            self._drop(client)
        return {"at": time.time()}

    def _prepare(self, kind: str, count: int) -> tuple[list[bytes], dict[str, tuple[int, int]]]:
        """The events of *count* calls, pauses, or events that nobody wants; and the places of those in calls."""
        first, places = self._next_call, {}
        match kind:
            case "calls":
                events = list(streams.calls(self._floor, first, count))
                places = streams.stamped_places(self._floor, first, count)
                self._next_call += count
            case "mixed":
                events = list(streams.mixed(self._floor, first, count, 19))
                self._next_call += count
            case "pauses":
                events = list(streams.pauses(self._floor, self._next_pause, count))
                self._next_pause += count
            case "noise":
                events = list(streams.noise(self._floor, count))
            case _:
                raise ValueError(kind)
        return events, places

    def _flood(self, kind: str, count: int, end: str) -> dict[str, Any]:
        """Send as fast as it is read, and the sentinel's pause for the reason *end* behind it."""
        events, _ = self._prepare(kind, count)
        connection = self._logged_in().connection
        began = time.time()
        for begin in range(0, len(events), CHUNK):
            connection.sendall(b"".join(_stamped(events[begin : begin + CHUNK])))
            self._turn(0)
        self._send_end(end)
        return {"events": len(events), "began": began, "sent": time.time()}

    def _pace(self, rate: float, seconds: float, end: str, stamps: str) -> dict[str, Any]:
        """Send calls at *rate* events a second, one write each; note when, by caller, in the file *stamps*.

        The stamp is the moment at which the event was due, so that a sender that is held up hides nothing.
        """
        count = max(1, round(rate * seconds / len(templates.CALL)))
        events, places = self._prepare("calls", count)
        connection = self._logged_in().connection
        began = time.time() + 0.1
        late = 0.0
        for number, event in enumerate(events):
            due = began + number / rate
            while (ahead := due - time.time()) > 0:
                self._turn(min(ahead, 0.005) if ahead > 0.002 else 0)
                if 0 < (ahead := due - time.time()) <= 0.002:
                    time.sleep(ahead)
            late = max(late, -ahead)
            connection.sendall(event % _stamp(due))
            if number % CHUNK == 0:
                self._turn(0)
        with open(stamps, "w", encoding="utf-8") as file:  # noqa: PTH123  # a name that came over the wire
            noted = {caller: [began + place / rate for place in both] for caller, both in places.items()}
            json.dump(noted, file)
        self._send_end(end)
        return {"events": len(events), "calls": count, "began": began, "sent": time.time(), "latest": late}

    def _send_end(self, reason: str) -> None:
        event = templates.pause_event(self._floor.sentinel, reason)
        self._logged_in().connection.sendall(event % _stamp(time.time()))

    def _logged_in(self) -> Client:
        return next(client for client in self._clients if client.logged_in_at is not None)


def _stamp(at: float) -> bytes:
    return b"%.6f" % at


def _stamped(events: Iterable[bytes]) -> list[bytes]:
    now = time.time
    return [event % (b"%.6f" % now()) for event in events]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--queues", type=int, required=True)
    parser.add_argument("--members", type=int, required=True)
    options = parser.parse_args(arguments)
    with contextlib.suppress(BrokenPipeError, ConnectionResetError, KeyboardInterrupt):
        Pbx(Floor(options.queues, options.members)).run()


if __name__ == "__main__":
    main()
