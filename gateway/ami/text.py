"""Asterisk's ways of writing text in headers."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

_ESCAPED: Final = re.compile(r"\\(.)", re.DOTALL)
_ESCAPES: Final = {"n": "\n", "r": "\r", "t": "\t", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}


def unescape(text: str) -> str:
    r"""Undo the C escapes that Asterisk puts into caller names since 13.5 (``O\'Brien``)."""
    return _ESCAPED.sub(lambda found: _ESCAPES.get(found[1], found[1]), text)


def caller_text(text: str | None) -> str | None:
    """A caller's number or name; None where Asterisk has none, for which it writes ``<unknown>``."""
    return None if text in (None, "", "<unknown>", "unknown") else text


def caller_name(fields: Mapping[str, str]) -> str | None:
    """The caller's name in a channel block; names are escaped where the block has ``Linkedid``, both since 13.5."""
    name = fields.get("calleridname", "")
    return caller_text(unescape(name) if "linkedid" in fields else name)


@lru_cache(maxsize=64)  # each event's is asked for several times
def timestamp(text: str | None) -> int | None:
    """A ``Timestamp`` header (``sec.usec``) in microseconds since the epoch, exactly; None where there is none."""
    if not text:
        return None
    seconds, _, fraction = text.partition(".")
    try:
        return int(seconds) * 1_000_000 + int((fraction + "000000")[:6])
    except ValueError:
        return None
