"""A look into the gateway's store from outside, while the gateway runs."""

import sqlite3
from contextlib import closing
from pathlib import Path


def last_kept(store: Path) -> int:
    """The ``seq`` of the last event that is in the file; 0 if none ever was."""
    with closing(sqlite3.connect(f"{store.as_uri()}?mode=ro", uri=True)) as reader:
        kept: int = reader.execute("SELECT coalesce(max(seq), 0) FROM previous").fetchone()[0]
        return kept
