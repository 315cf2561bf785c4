"""One line of queue_log, whatever is in it."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.queue_log.parse import Entry, parse
from tests.ami.recordings import FOLDER

FIELDS = st.text(st.characters(exclude_characters="|\r\n\0", exclude_categories=["Cs"]), max_size=20)


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.queue_log")), ids=lambda path: path.stem)
def test_every_line_of_a_real_log_is_an_entry(path: object) -> None:
    """Nothing that Asterisk wrote is passed over, and nothing of it is lost."""
    lines = (FOLDER / str(path)).read_bytes().splitlines()
    entries = [parse(line) for line in lines]
    for line, entry in zip(lines, entries, strict=True):
        assert entry is not None
        again = "|".join((str(entry.time), entry.callid, entry.queue, entry.agent, entry.event, *entry.data))
        assert again == line.decode().removesuffix("|")


@pytest.mark.parametrize(
    ("line", "entry"),
    [
        (b"1|c|q|Ann|CONNECT|3|d.2|1\n", Entry(1, "c", "q", "Ann", "CONNECT", ("3", "d.2", "1"))),
        (b"1|c|q|NONE|ENTERQUEUE||5550100|1", Entry(1, "c", "q", "NONE", "ENTERQUEUE", ("", "5550100", "1"))),
        (b"1|NONE|NONE|NONE|QUEUESTART|\r\n", Entry(1, "NONE", "NONE", "NONE", "QUEUESTART")),
        (b"1|NONE|NONE|NONE|QUEUESTART", Entry(1, "NONE", "NONE", "NONE", "QUEUESTART")),
        (b"1|NONE|q|Ann|UNPAUSE|", Entry(1, "NONE", "q", "Ann", "UNPAUSE")),
        (b"1|NONE|q|Ann|PAUSE|tea | cake", Entry(1, "NONE", "q", "Ann", "PAUSE", ("tea | cake",))),
        (b"1|NONE|q|Ann|PAUSE|tea||", Entry(1, "NONE", "q", "Ann", "PAUSE", ("tea||",))),
        (b"1|NONE|NONE|Ann|PAUSEALL|a|b", Entry(1, "NONE", "NONE", "Ann", "PAUSEALL", ("a|b",))),
        (b"1|c|q|A\xff\xfen|DID|x|y|", Entry(1, "c", "q", "A��n", "DID", ("x", "y"))),
        (b"\0\0\0001|c|q|Ann|SYSCOMPAT|", Entry(1, "c", "q", "Ann", "SYSCOMPAT")),
    ],
)
def test_a_line_says(line: bytes, entry: Entry) -> None:
    """Reasons keep their bars, bytes that are no text are shown as such, the empty field at the end goes."""
    assert parse(line) == entry


@pytest.mark.parametrize(
    "line",
    [b"", b"\n", b"|||||", b"x|c|q|a|E|", b"-1|c|q|a|E|", b"1_0|c|q|a|E", b" 1|c|q|a|E", b"1|c|q|a", b"1|c|q|a||",
     b"1" * 5000 + b"|c|q|a|E", "\u0661|c|q|a|E|".encode(), b"1795333808|NO1795333809|NONE"],
)  # fmt: skip
def test_what_is_no_line_is_none(line: bytes) -> None:
    """Half lines, lines without an event, and times that are no whole number are not guessed at."""
    assert parse(line) is None


@given(st.binary(max_size=200))
@example(b"9" * 13 + b"|||x|y")
def test_no_bytes_make_it_raise(line: bytes) -> None:
    """Any bytes are an entry or none."""
    entry = parse(line)
    if entry is not None:
        assert entry.event
        for index in range(-3, 3):
            number = entry.number(index)
            assert number is None or number >= 0


@given(st.integers(0, 10**12 - 1), st.tuples(FIELDS, FIELDS, FIELDS, FIELDS.filter(bool)), st.lists(FIELDS, max_size=5))
def test_what_is_written_is_read(time: int, names: tuple[str, str, str, str], data: list[str]) -> None:
    """Fields without a bar come back as they were."""
    line = "|".join((str(time), *names, *data, ""))
    assert parse(line.encode()) == (time, *names, tuple(data))
