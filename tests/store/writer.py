"""A gateway's store in a process of its own, to be killed: numbered batches as fast as they go, or only opened.

``python -m tests.store.writer write FILE`` says ``opened N`` and then ``N`` after each batch that is written;
``… hold FILE`` says the same and waits; both say what is wrong where the file cannot be used.
"""

import sys
from pathlib import Path

from gateway.errors import StoreError
from gateway.store.contents import Batch, Saved
from tests.domain.support import RULES
from tests.store.support import command, message, new_store, session

KEPT = 20
"""Messages that are not acknowledged."""


def numbered(number: int) -> Batch:
    """The batch that makes a store show *number* everywhere. Some are too big for SQLite's cache."""
    batch = Batch(
        sessions={each.session_id: each for each in (session(each, penalty=number) for each in range(5))},
        messages=[message(number, 200_000 if number % 25 == 0 else 1_500)],
        acknowledged=[number - KEPT],
        previous={"topic": number},
        values={"number": str(number)},
        commands={command(number).key: command(number)},
        forgotten_commands={command(number - 1).key},
        forgotten={f"old-{number - 1}"},
    )
    passing = session(number)
    batch.sessions[f"old-{number}"] = passing
    return batch


def number_of(saved: Saved) -> int:
    """The number that a store shows, everywhere the same."""
    number = int(saved.values.get("number", "0"))
    if number == 0:
        assert [saved.sessions, saved.messages, saved.previous, saved.commands] == [[], [], {}, {}]
        return 0
    assert [each.member.penalty for each in saved.sessions[:5]] == [number] * 5
    assert saved.sessions[5:] == [session(number)]
    assert saved.messages == [*map(_message, range(max(1, number - KEPT + 1), number + 1))]
    assert saved.previous == ({} if saved.is_restored else {"topic": number})
    assert saved.commands == {command(number).key: command(number)}
    return number


def _message(number: int) -> object:
    return numbered(number).messages[0]


def main(what: str, path: Path) -> None:
    """Do *what* with the store."""
    print("opening", flush=True)
    store = new_store(path)
    try:
        number = number_of(store.open(RULES))
    except StoreError as error:
        print(error, flush=True)
        return
    print("opened", number, flush=True)
    while what == "write":
        number += 1
        store.write(numbered(number))
        print(number, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
