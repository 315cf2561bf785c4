"""What the measuring itself can do: a bridge that is faster than this could not be told apart from one that is not."""

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from threading import Thread
from typing import Final

from tests.bench import mqtt_wire
from tests.bench.answers import SECRET, USERNAME
from tests.bench.bench import Bench
from tests.bench.figures import Figure, figure
from tests.bench.floor import BASE, SENTINEL
from tests.bench.lines import Child
from tests.bench.load import THOUSAND
from tests.broker import SampleBroker

PAYLOAD: Final = b'{"filler":"' + b"x" * 1200 + b'"}'
AT_ONCE: Final = 64  # messages written at once
WINDOW: Final = 1000  # messages that the broker may not have acknowledged yet


def harness(bench: Bench) -> Iterator[Figure]:
    """The sender into a socket that only reads, and the broker to the subscriber."""
    sent, told = [], []
    for _ in range(bench.turns):
        sent.append(_sender(bench))
        told.append(_subscriber(bench))
    bench.note(f"harness: sends {sent[-1]:,.0f} events/s, hears {told[-1]:,.0f} messages/s")
    yield figure("the bench itself: sends", "events/s", sent)
    yield figure("the bench itself: hears through the broker", "messages/s", told)


def _sender(bench: Bench) -> float:
    """Events a second that the scripted Asterisk sends to one who only reads."""
    bench.directory.mkdir(parents=True, exist_ok=True)
    size = ("--queues", str(THOUSAND.queues), "--members", str(THOUSAND.members))
    with ExitStack() as stack:
        pbx = stack.enter_context(Child("tests.bench.pbx", *size, log=bench.directory / "harness.log"))
        connection = stack.enter_context(socket.create_connection(("127.0.0.1", pbx.hear()["port"])))
        login = f"Action: Login\r\nActionID: 1\r\nUsername: {USERNAME}\r\nSecret: {SECRET}\r\n\r\n"
        connection.sendall(login.encode())
        pbx.ask("await_login", within_seconds=10)
        reader = Thread(target=_read_all, args=(connection,), name="reader")
        reader.start()
        told = pbx.ask("flood", kind="calls", count=bench.count(3000), end="end-1")
        pbx.ask("hang_up")
        reader.join()
    return float(told["events"] / (told["sent"] - told["began"]))


def _subscriber(bench: Bench) -> float:
    """Messages a second that come through the broker to the subscriber, both at QoS 1."""
    count = bench.count(50_000)
    with SampleBroker(bench.directory / "harness-broker") as broker:
        users = broker.USERS
        log = bench.directory / "harness.log"
        who = ("--port", str(broker.port), "--username", "wallboard", "--password", users["wallboard"])
        with Child("tests.bench.listener", *who, log=log) as listener:
            listener.hear()
            with socket.create_connection(("127.0.0.1", broker.port)) as connection:
                connection.sendall(mqtt_wire.connect("bench-publisher", "cti-gateway", users["cti-gateway"]))
                connection.recv(4)
                began = time.time()
                _publish(connection, count)
                told = listener.ask("await_end", within_seconds=60, end="end-1")
    return float(count / (told["at"] - began))


def _publish(connection: socket.socket, count: int) -> None:
    """Publish *count* messages and one that tells the end."""
    packet = mqtt_wire.publish(f"{BASE}/ami/Filler/queue", PAYLOAD)
    acknowledged = 0
    for number in range(0, count, AT_ONCE):
        connection.sendall(packet * min(AT_ONCE, count - number))
        while number - acknowledged > WINDOW:
            acknowledged += len(connection.recv(65536)) // 4
    connection.sendall(mqtt_wire.publish(f"{BASE}/ami/Filler/{SENTINEL}", b'{"reason":"end-1"}'))


def _read_all(connection: socket.socket) -> None:
    while connection.recv(1 << 18):
        pass
