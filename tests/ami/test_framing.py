"""What the decoder of the AMI stream promises."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.ami.framing import MAX_GREETING_SIZE, AmiDecoder
from gateway.ami.message import AmiMessage, Arrival
from gateway.errors import AmiProtocolError
from tests.ami import recordings

AT = Arrival(wall=1_795_333_715_999_729, steady=12)
GREETING = b"Asterisk Call Manager/11.0.0\r\n"
STREAM = GREETING + (
    b"Response: Success\r\nActionID: a/1\r\nMessage: Authentication accepted\r\n\r\n"
    b"Event: Agents\r\nAgent: 1001\r\nCallStarted: 1795333716\nLoggedInTime: 1795333700\r\n\r\n"
    b"Response: Error\r\nActionID: a/2\r\nMessage: Invalid interface, queuename, or ringinuse value\n\r\n\r\n"
    b"Response: Success\r\nActionID: a/3\r\n\r\n\r\n"
    b"Event: QueueMemberAdded\r\nMemberName: Kov\xc3\xa1cs \xc3\x89va\r\nPausedReason: \r\n\r\n"
    b"Event: VarSet\r\nValue: caf\xe9\r\nChanVariable: a=1\r\nChanVariable: b=2\r\nno header\r\n\r\n"
    b"Response: Follows\r\nPrivilege: Command\r\nActionID: a/4\r\nName: x\n\nTotal: 2\n--END COMMAND--\r\n\r\n"
    b"Event: Shutdown\nShutdown: Cleanly\n\n"
)
WHOLE = [
    {"response": "Success", "actionid": "a/1", "message": "Authentication accepted"},
    {"event": "Agents", "agent": "1001", "callstarted": "1795333716", "loggedintime": "1795333700"},
    {"response": "Error", "actionid": "a/2", "message": "Invalid interface, queuename, or ringinuse value"},
    {"response": "Success", "actionid": "a/3"},
    {"event": "QueueMemberAdded", "membername": "Kovács Éva", "pausedreason": ""},
    {"event": "VarSet", "value": "caf\ufffd", "chanvariable": "a=1"},
    {"response": "Follows", "privilege": "Command", "actionid": "a/4", "output": "Name: x"},
    {"event": "Shutdown", "shutdown": "Cleanly"},
]


def decode(*pieces: bytes, wanted: frozenset[str] | None = None) -> list[AmiMessage]:
    """The messages of a stream that came in *pieces*."""
    decoder = AmiDecoder(wanted)
    return [message for piece in pieces for message in decoder.receive_data(piece, AT)]


def decode_body(body: bytes) -> list[AmiMessage]:
    """The messages behind a greeting."""
    return decode(GREETING + body)


def contents(messages: list[AmiMessage]) -> list[tuple[dict[str, str], dict[str, list[str]] | None]]:
    """What is in messages, to compare them."""
    return [(message.fields, message.repeated) for message in messages]


@pytest.mark.parametrize("cut", range(len(STREAM) + 1))
def test_messages_do_not_depend_on_where_tcp_cuts(cut: int) -> None:
    """Any split of the stream gives the same messages in the same order, split characters and line ends included."""
    assert [message.fields for message in decode(STREAM[:cut], STREAM[cut:])] == WHOLE


def test_messages_do_not_depend_on_reads_of_one_byte() -> None:
    """A stream that trickles in byte by byte gives what it gives in one piece."""
    pieces = [STREAM[at : at + 1] for at in range(len(STREAM))]
    assert contents(decode(*pieces)) == contents(decode(STREAM))


_LINE_ENDS = [b"\r", b"\n", b"\r\n", b"\r\n\r\n"]
_TEXTS = [b":", b" ", b"A", b"\0", b"\xc3", b"\xa1", b"\xff", b"Event: ", b"ActionID: 1", b"Response: Error"]
_FOLLOWS = [b"Response: Follows", b"\r\nPrivilege: Command", b"--END COMMAND--"]
_TOKENS = st.sampled_from(_LINE_ENDS + _TEXTS + _FOLLOWS)


@given(st.data())
def test_any_bytes_cut_anywhere_give_the_same(data: st.DataObject) -> None:
    """Cuts change no message, also in bytes that no Asterisk would send."""
    body = GREETING + b"".join(data.draw(st.lists(_TOKENS, max_size=40)))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(body)), max_size=5)))
    pieces = [body[start:end] for start, end in zip([0, *cuts], [*cuts, len(body)], strict=True)]
    assert contents(decode(*pieces)) == contents(decode(body))


@given(pieces=st.lists(st.binary(max_size=300), max_size=6), greeted=st.booleans())
@example(pieces=[b"Asterisk Call Manager/", b"\xff" * 300], greeted=False)
def test_random_bytes_never_crash(pieces: list[bytes], *, greeted: bool) -> None:
    """Whatever comes is messages or an error that says the peer makes no sense, and never anything else."""
    decoder = AmiDecoder(max_message_size=200)
    for piece in [GREETING, *pieces] if greeted else pieces:
        try:
            decoder.receive_data(piece, AT)
        except AmiProtocolError:
            assert decoder.failure is not None


_NAME = st.text(st.characters(codec="utf-8", exclude_characters="\r\n:"), min_size=1, max_size=12)
_VALUE = st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=40)


@given(st.lists(st.tuples(_NAME, _VALUE), max_size=8))
def test_what_is_written_is_read_back(headers: list[tuple[str, str]]) -> None:
    """Every header value comes back as it was written, blanks at its end and repeated names included, in order."""
    headers = [("Event", "X"), *headers]
    body = "".join(f"{name}: {value}\r\n" for name, value in headers) + "\r\n"
    (message,) = decode_body(body.encode())
    for name in {name.lower() for name, _ in headers}:
        assert message.all(name) == [value for each, value in headers if each.lower() == name]
        assert message.fields[name] == message.all(name)[0]


@pytest.mark.parametrize("name", recordings.names())
def test_a_recorded_conversation_is_read_whole(name: str) -> None:
    """Of a real conversation every message is there once, in order and with all its headers, at any read size."""
    recorded = list(recordings.read(name))
    stream = GREETING + b"".join(message.raw for message in recorded)
    for size in (1 << 20, 1000, 7):
        messages = decode(*[stream[at : at + size] for at in range(0, len(stream), size)])
        assert len(messages) == len(recorded)
        for message, (_, raw) in zip(messages, recorded, strict=True):
            expected = raw.decode().replace("\r", "").strip("\n").split("\n")
            found = [f"{key}: {value}" for key in message.fields for value in message.all(key)]
            assert sorted(found, key=str.lower) == sorted(_lower_name(line) for line in expected)


def _lower_name(line: str) -> str:
    name, _, value = line.partition(": ")
    return f"{name.lower()}: {value}"


def test_a_bare_line_feed_ends_a_header() -> None:
    """The header Agents ends with a bare LF does not swallow the one behind it."""
    (message,) = decode_body(b"Event: Agents\r\nCallStarted: 17\nLoggedInTime: 16\r\n\r\n")
    assert (message.fields["callstarted"], message.fields["loggedintime"]) == ("17", "16")


def test_empty_messages_are_skipped() -> None:
    """Two empty lines, as QueueRule's answer ends with, make no message of their own."""
    decoder = AmiDecoder(frozenset({"A", "B"}))
    body = b"Event: A\r\n\r\n\r\n\r\nEvent: B\r\n\r\n\n\nEvent: C\r\n\r\n"
    assert [message.event for message in decoder.receive_data(GREETING + body, AT)] == ["A", "B"]
    assert (decoder.malformed, decoder.dropped) == (0, 1)


def test_undecodable_bytes_leave_a_mark() -> None:
    """Bytes that are no UTF-8 become U+FFFD and do not vanish."""
    (message,) = decode_body(b"Event: X\r\nCallerIDName: M\xfcller\r\n\r\n")
    assert message.fields["calleridname"] == "M\ufffdller"


def test_header_names_are_lower_case() -> None:
    """One header spelt in two ways is one header."""
    (message,) = decode_body(b"Event: X\r\nHoldtime: 1\r\nHoldTime: 2\r\n\r\n")
    assert message.all("holdtime") == ["1", "2"]
    assert message.fields["holdtime"] == "1"


def test_repeated_headers_keep_all_values() -> None:
    """Repeated headers are all there in order, an empty last one included, and single ones are no lists."""
    (message,) = decode_body(b"Event: X\r\nChanVariable: a=\r\nOne: 1\r\nChanVariable: \r\n\r\n")
    assert message.all("chanvariable") == ["a=", ""]
    assert message.all("one") == ["1"]
    assert message.all("none") == []


def test_one_blank_belongs_to_the_colon() -> None:
    """Exactly one blank after the colon is taken off; all others are the value's."""
    (message,) = decode_body(b"Event:X\r\nA:  two \r\nB:\r\nC: a: b\r\n\r\n")
    assert message.fields == {"event": "X", "a": " two ", "b": "", "c": "a: b"}


def test_lines_without_a_colon_are_left_out() -> None:
    """A line that is no header is counted, and costs its message nothing else."""
    decoder = AmiDecoder()
    (message,) = decoder.receive_data(GREETING + b"Event: X\r\njunk\r\n: also\r\nA: 1\r\n\r\njunk\r\n\r\n", AT)
    assert message.fields == {"event": "X", "a": "1"}
    assert decoder.malformed == 3


def test_old_command_output_is_one_message() -> None:
    """The raw text that Asterisk 13 answers Command with, empty and header-like lines in it, is output lines."""
    head = b"Response: Follows\r\nPrivilege: Command\r\nActionID: 7\r\n"
    text = b"Privilege: no\n\nActionID: 8\n--END COMMAND--\r\n\r\n"
    message, after = decode_body(head + text + b"Event: X\r\n\r\n")
    assert message.all("output") == ["Privilege: no", "", "ActionID: 8"]
    assert message.action_id == "7"
    assert after.event == "X"


def test_new_command_output_is_one_message() -> None:
    """The ``Output`` lines of Asterisk 14 and later, some of them empty, are kept in order."""
    (message,) = decode_body(b"Response: Success\r\nOutput: a\r\nOutput: \r\nOutput: b\r\n\r\n")
    assert message.all("output") == ["a", "", "b"]


def test_a_message_bears_the_arrival_of_its_last_byte() -> None:
    """The arrival is that of the read that completed the message."""
    decoder = AmiDecoder()
    decoder.receive_data(GREETING + b"Event: X\r\n", Arrival(1, 1))
    (message,) = decoder.receive_data(b"\r\n", Arrival(2, 2))
    assert message.arrival == Arrival(2, 2)


# What nobody wants


def test_unwanted_events_are_dropped_and_counted() -> None:
    """Events of other names are thrown away unparsed; wanted ones, answers and list items are kept."""
    decoder = AmiDecoder(frozenset({"Hangup"}))
    messages = decoder.receive_data(
        GREETING
        + b"Event: VarSet\r\nA: 1\r\n\r\n"
        + b"Event: Hangup\r\n\r\n"
        + b"Event: HangupRequest\r\n\r\n"
        + b"Event: QueueMember\r\nActionID: 1\r\n\r\n"
        + b"Event: VarSet\n\n"
        + b"Response: Success\r\n\r\n",
        AT,
    )
    assert [message.event for message in messages] == ["Hangup", "QueueMember", ""]
    assert decoder.dropped == 3


# The greeting


@pytest.mark.parametrize("cut", range(len(GREETING)))
def test_the_greeting_is_known_when_its_line_is_complete(cut: int) -> None:
    """The greeting may come in pieces, and together with what follows it."""
    decoder = AmiDecoder()
    decoder.receive_data(GREETING[:cut], AT)
    assert decoder.greeting is None
    (message,) = decoder.receive_data(GREETING[cut:] + b"Event: X\r\n\r\n", AT)
    assert decoder.greeting == "Asterisk Call Manager/11.0.0"
    assert message.event == "X"


@pytest.mark.parametrize(
    "first",
    [
        b"S",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"\r\n",
        b"HTTP/1.1 400 Bad Request\r\n",
        b"Asterisk Call Manager\r\n",
        b"\x16\x03\x01",
    ],
)
def test_a_peer_that_is_no_asterisk_is_refused_at_once(first: bytes) -> None:
    """The first byte that fits no greeting is enough, so that nothing is ever said to such a peer."""
    with pytest.raises(AmiProtocolError):
        AmiDecoder().receive_data(first, AT)


def test_an_endless_greeting_is_refused() -> None:
    """A first line without an end does not fill the memory."""
    with pytest.raises(AmiProtocolError):
        AmiDecoder().receive_data(GREETING.rstrip() + b"1" * MAX_GREETING_SIZE, AT)


# Too much


@pytest.mark.parametrize("size", [1, 3, 50, 10_000])
@pytest.mark.parametrize("ended", [True, False])
def test_a_message_that_is_too_long_is_refused(size: int, *, ended: bool) -> None:
    """Beyond the limit the stream is given up, at any read size; one of just the limit is fine."""
    limit = 100
    fits = b"Event: X\r\nA: " + b"y" * (limit - 14) + b"\r"
    assert len(fits) == limit
    decoder = AmiDecoder(max_message_size=limit)
    assert len(decoder.receive_data(GREETING + fits + b"\n\r\n", AT)) == 1
    too_long = fits[:-1] + b"y\r" + (b"\n\r\n" if ended else b"y" * 10)
    pieces = [too_long[at : at + size] for at in range(0, len(too_long), size)]
    with pytest.raises(AmiProtocolError, match="longer than 100 bytes"):
        [decoder.receive_data(piece, AT) for piece in pieces]


def test_messages_before_the_bad_one_are_not_lost() -> None:
    """What was complete before the stream became unusable is handed on; then there is nothing but the error."""
    decoder = AmiDecoder(max_message_size=100)
    (message,) = decoder.receive_data(GREETING + b"Event: X\r\n\r\n" + b"y" * 200, AT)
    assert message.event == "X"
    assert decoder.failure is not None
    with pytest.raises(AmiProtocolError):
        decoder.receive_data(b"\r\n\r\nEvent: Y\r\n\r\n", AT)


def test_a_huge_line_in_small_pieces_is_read_in_time() -> None:
    """A line of megabytes, which GetConfigJSON sends, costs time in proportion to its length."""
    line = b"Response: Success\r\nJSON: " + b"x" * 4_000_000
    stream = GREETING + line + b"\r\n\r\n"
    (message,) = decode(*[stream[at : at + 100] for at in range(0, len(stream), 100)])
    assert len(message.fields["json"]) == 4_000_000
