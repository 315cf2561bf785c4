"""The fields of a line: time, call, queue, agent, event, and from the sixth on the event's data."""

from typing import Final

from gateway.domain.member import fold

FIELDS: Final = 5
"""Fields that every line has; the data come after them."""

TIME_DIGITS: Final = range(1, 13)
"""How many digits a time, or another whole number, may have."""

Key = tuple[str, str]
"""A membership: queue and interface, folded."""


def key_of(fields: list[bytes]) -> Key:
    """The membership that a line names by its interface."""
    return fold(fields[2].decode("utf-8", "replace")), fold(fields[3].decode("utf-8", "replace"))


def number(fields: list[bytes], index: int) -> int | None:
    """A datum that is a whole number from 0 on; None where it is absent or none. Negative ones count from the end."""
    place = index + FIELDS if index >= 0 else len(fields) + index
    if not FIELDS <= place < len(fields):
        return None
    text = fields[place]
    return int(text) if text.isdigit() and len(text) in TIME_DIGITS else None
