"""A store opened for a while, what its file looks like, and contents to put in."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from hypothesis import strategies as st

from gateway.domain.call import CallKey
from gateway.domain.session import AgentSession, Rules
from gateway.domain.state import AgentSessionState
from gateway.store.contents import Batch, KnownCommand, Message, Saved
from gateway.store.store import Store
from tests.domain.support import ALICE, RULES, at

PIECES = ("", "-wal", "-shm")


def new_store(path: Path) -> Store:
    """A store that need not survive a loss of power."""
    return Store(path, synchronous="normal")


@contextmanager
def opened(path: Path, rules: Rules = RULES) -> Iterator[tuple[Store, Saved]]:
    """A store from its opening to its orderly end."""
    store = new_store(path)
    saved = store.open(rules)
    try:
        yield store, saved
    finally:
        store.close()


def contents(path: Path) -> Saved:
    """What a store holds."""
    with opened(path) as (_, saved):
        return saved


def pieces(path: Path) -> dict[str, bytes]:
    """The bytes of the file and of what SQLite keeps beside it, but for the index, which it may make at any time."""
    names = [path.with_name(path.name + suffix) for suffix in PIECES[:2]]
    return {name.name: name.read_bytes() for name in names if name.exists()}


def put_pieces(path: Path, saved: dict[str, bytes]) -> None:
    """Make the files what ``pieces`` found, without an index."""
    for suffix in PIECES:
        name = path.with_name(path.name + suffix)
        name.unlink(missing_ok=True) if name.name not in saved else name.write_bytes(saved[name.name])


def session(number: int, *, penalty: int = 0, told: int = 2) -> AgentSession:
    """One of many sessions; *told* calls are remembered."""
    member = replace(ALICE, interface=f"PJSIP/{number}", member_name=f"Agent {number}", penalty=penalty)
    return AgentSession(
        session_id=f"session-{number}",
        agent=member.member_name,
        group=member.queue,
        address=member.interface,
        member=member,
        rules=RULES,
        start_time=at(number),
        state=AgentSessionState.READY,
        state_since=at(number),
        told=tuple(CallKey(f"{number}.{each}", f"{number}.{each + 1}") for each in range(told)),
    )


def message(number: int, size: int = 100) -> Message:
    """One of many messages."""
    return Message(number, f"cti/pbx/session/support/Agent/{number % 7}/event", bytes([number % 256]) * size, number)


def command(number: int, *, answer: bytes | None = None, text: str = "") -> KnownCommand:
    """One of many commands; *text* comes into its key and its reply topic."""
    return KnownCommand(f"set\0{number}{text}", b"{}", at(number), answer, f"reply/{text}", b"\0\xff")


def full_batch(count: int) -> Batch:
    """Some of everything."""
    return Batch(
        sessions={each.session_id: each for each in map(session, range(count))},
        messages=[message(number) for number in range(1, count + 1)],
        previous={f"topic/{number}": number for number in range(count)},
        values={"place": '{"offset": 4711}', "seq": str(count)},
        objects={("queue", f"q{number}"): f'{{"n": {number}}}' for number in range(count)},
        commands={each.key: each for each in map(command, range(count))},
    )


@dataclass(slots=True)
class Expected:
    """What a store must hold, kept in plain dictionaries."""

    sessions: dict[str, AgentSession] = field(default_factory=dict)
    messages: dict[int, Message] = field(default_factory=dict)
    previous: dict[str, int] = field(default_factory=dict)
    values: dict[str, str] = field(default_factory=dict)
    objects: dict[tuple[str, str], str] = field(default_factory=dict)
    commands: dict[str, KnownCommand] = field(default_factory=dict)

    def apply(self, batch: Batch) -> None:
        """Take one batch."""
        self.sessions |= batch.sessions
        self.messages |= {each.number: each for each in batch.messages}
        self.previous |= batch.previous
        self.values |= batch.values
        for name, body in batch.objects.items():
            self.objects.pop(name, None)
            if body is not None:
                self.objects[name] = body
        for session_id in batch.forgotten:
            self.sessions.pop(session_id, None)
        for number in batch.acknowledged:
            self.messages.pop(number, None)
        for key in batch.forgotten_commands:
            self.commands.pop(key, None)
        self.commands |= batch.commands

    def check(self, saved: Saved) -> None:
        """Hold what was read against it, order too where there is one."""
        assert saved.sessions == list(self.sessions.values())
        assert saved.messages == [self.messages[number] for number in sorted(self.messages)]
        assert saved.previous == self.previous
        assert saved.values == self.values
        objects: dict[str, list[str]] = {}
        for (kind, _), body in self.objects.items():
            objects.setdefault(kind, []).append(body)
        assert {kind: sorted(bodies) for kind, bodies in saved.objects.items()} == {
            kind: sorted(bodies) for kind, bodies in objects.items()
        }
        assert list(saved.commands.items()) == list(self.commands.items())

    @property
    def size(self) -> tuple[int, int]:
        """Number and bytes of the messages."""
        return len(self.messages), sum(each.size for each in self.messages.values())


def batches(length: int = 10) -> st.SearchStrategy[list[Batch]]:
    """Batches that follow each other, over few names, so that they meet."""
    return st.builds(
        _batches,
        st.randoms(use_true_random=False),
        st.integers(1, length),
        st.text(st.characters(), max_size=5),  # surrogates too
    )


def _batches(chance: random.Random, length: int, text: str) -> list[Batch]:
    number, made = 0, []
    for _ in range(length):
        batch = Batch()
        for each in chance.sample(range(6), chance.randint(0, 3)):
            batch.sessions[f"session-{each}"] = session(each, penalty=chance.randrange(100))
        batch.forgotten = {f"session-{each}" for each in chance.sample(range(6), chance.randint(0, 1))}
        for _ in range(chance.randint(0, 4)):
            number += 1
            batch.messages.append(message(number, chance.choice((0, 10, 5_000))))
        batch.acknowledged = chance.sample(range(number + 2), chance.randint(0, min(3, number)))
        batch.previous = {f"topic/{chance.randrange(3)}": number for _ in range(chance.randint(0, 2))}
        batch.values = {f"value/{chance.randrange(3)}": f"{number}{text.encode('utf-8', 'replace').decode()}"}
        for each in chance.sample(range(4), chance.randint(0, 2)):
            name = (chance.choice(("agent", "queue")), f"{each}{text}")
            batch.objects[name] = chance.choice((None, f"{number}"))
        for each in chance.sample(range(4), chance.randint(0, 2)):
            known = command(each, answer=chance.choice((None, b"ok")), text=text)
            batch.commands[known.key] = known
        batch.forgotten_commands = {f"set\0{each}{text}" for each in chance.sample(range(4), chance.randint(0, 1))}
        made.append(batch)
    return made
