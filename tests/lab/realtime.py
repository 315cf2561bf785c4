"""Realtime queues: their rows and those of their members are in a database, which Asterisk reads when it needs to."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from tests.lab import pbx
from tests.lab.asterisk import Asterisk

# Asterisk knows a member by its uniqueid alone: one that is given again would make the new member the old one.
_TABLES: Final = """
CREATE TABLE queues (
    name TEXT PRIMARY KEY, strategy TEXT, timeout INTEGER, retry INTEGER, wrapuptime INTEGER, ringinuse TEXT,
    autofill TEXT, joinempty TEXT, leavewhenempty TEXT
);
CREATE TABLE queue_members (
    uniqueid INTEGER PRIMARY KEY AUTOINCREMENT, queue_name TEXT, interface TEXT, membername TEXT,
    state_interface TEXT, penalty INTEGER DEFAULT 0, paused INTEGER DEFAULT 0, reason_paused TEXT
);
"""

_EXTCONFIG: Final = """\
[settings]
queues => sqlite3,lab,queues
queue_members => sqlite3,lab,queue_members
"""

# Another process writes too, so that Asterisk must not hold its transactions open.
_SQLITE: Final = """\
[general]

[lab]
dbfile => {inside}/db/realtime.sqlite
requirements = warn
batch = 0
busy_timeout = 5000
"""


class RealtimeAsterisk(Asterisk):
    """An Asterisk that has no queue of its own file, and a database of which it knows the tables for queues."""

    def __init__(self, version: str, *, keep_logs: Path | None = None) -> None:
        """Describe it; nothing happens before ``start``."""
        super().__init__(version, queues=pbx.queues_conf([]), keep_logs=keep_logs)

    def prepare(self) -> None:
        """Make the folder, every configuration file, and the empty tables; a second call does nothing."""
        if self.port:
            return
        super().prepare()
        self._write("modules.conf", f"{pbx.modules_conf()}load = res_config_sqlite3.so\n")
        self._write("extconfig.conf", _EXTCONFIG)
        self._write("res_config_sqlite3.conf", _SQLITE.format(inside=self._inside))
        with self._database() as database:
            database.executescript(_TABLES)

    def insert_queue(self, queue: pbx.Queue) -> None:
        """Put in the row of a queue; of its options none but those of the lab's usual ones are columns."""
        row = (queue.name, queue.strategy, queue.timeout, 1, queue.wrapuptime, "no", "yes", "yes", "no")
        with self._database() as database:
            database.execute("INSERT INTO queues VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)

    def delete_queue(self, name: str) -> None:
        """Take out the row of a queue; those of its members stay."""
        with self._database() as database:
            database.execute("DELETE FROM queues WHERE name = ?", (name,))

    def insert_member(self, queue: str, member: pbx.Member) -> None:
        """Put in the row of a member."""
        row = (queue, member.interface, member.name, member.state_interface, member.penalty)
        with self._database() as database:
            database.execute(
                "INSERT INTO queue_members (queue_name, interface, membername, state_interface, penalty)"
                " VALUES (?, ?, ?, ?, ?)",
                row,
            )

    def update_member(self, queue: str, member: pbx.Member, *, penalty: int, paused: bool) -> None:
        """Change the row of a member."""
        with self._database() as database:
            database.execute(
                "UPDATE queue_members SET penalty = ?, paused = ? WHERE queue_name = ? AND interface = ?",
                (penalty, int(paused), queue, member.interface),
            )

    def delete_member(self, queue: str, member: pbx.Member) -> None:
        """Take out the row of a member."""
        with self._database() as database:
            database.execute(
                "DELETE FROM queue_members WHERE queue_name = ? AND interface = ?", (queue, member.interface)
            )

    def is_paused(self, queue: str, member: pbx.Member) -> bool:
        """Whether the row of a member says so."""
        with self._database() as database:
            (found,) = database.execute(
                "SELECT paused FROM queue_members WHERE queue_name = ? AND interface = ?", (queue, member.interface)
            ).fetchone()
        return bool(found)

    @contextmanager
    def _database(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self.home / "db" / "realtime.sqlite", timeout=5.0)) as database, database:
            yield database
