"""Asterisk's ways of writing text in headers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.ami.text import caller_name, caller_text, timestamp, unescape

ESCAPES = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\\": "\\\\", "'": "\\'", '"': '\\"', "?": "\\?", "\a": "\\a"}
ESCAPES |= {"\b": "\\b", "\f": "\\f", "\v": "\\v"}


@given(st.text())
def test_escapes_are_undone(name: str) -> None:
    """Any name that Asterisk escapes comes back as it was."""
    assert unescape("".join(ESCAPES.get(char, char) for char in name)) == name


@given(st.text())
def test_no_text_breaks_it(text: str) -> None:
    """A text that is not well escaped loses nothing but backslashes."""
    assert set(text) - {"\\", *"nrtabfv"} <= set(unescape(text))


@pytest.mark.parametrize("absent", [None, "", "<unknown>", "unknown"])
def test_no_caller_is_none(absent: str | None) -> None:
    """What Asterisk writes where it has no number or name is None; all else stands."""
    assert caller_text(absent) is None
    assert caller_text("5550100") == "5550100"


def test_names_are_escaped_since_the_block_has_linkedid() -> None:
    """Both came with 13.5: before, a backslash in a name is one."""
    assert caller_name({"calleridname": r"O\'Brien", "linkedid": "1"}) == "O'Brien"
    assert caller_name({"calleridname": r"O\'Brien"}) == r"O\'Brien"
    assert caller_name({"calleridname": "<unknown>", "linkedid": "1"}) is None
    assert caller_name({}) is None


@given(st.integers(0, 4_000_000_000), st.integers(0, 999_999))
def test_time_stamps_are_exact(seconds: int, microseconds: int) -> None:
    """Six decimals come through to the microsecond, and fewer mean what they say."""
    assert timestamp(f"{seconds}.{microseconds:06d}") == seconds * 1_000_000 + microseconds
    assert timestamp(f"{seconds}.{microseconds // 1000:03d}") == seconds * 1_000_000 + microseconds // 1000 * 1000
    assert timestamp(str(seconds)) == seconds * 1_000_000


@pytest.mark.parametrize("text", [None, "", "now", "1.x", "."])
def test_what_is_no_time_stamp(text: str | None) -> None:
    """A header that is absent or is no time stamp is None."""
    assert timestamp(text) is None
