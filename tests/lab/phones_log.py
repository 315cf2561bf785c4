"""What a phone's own log says: every SIP message it sent or got, with the moment, from SIPp's message trace."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

_HEAD: Final = re.compile(r"^-{20,} (?P<time>\S+ \S+)\n\w+ message (?P<way>sent|received) [^\n]*:\n\n", re.MULTILINE)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class SipMessage:
    """One message.

    Attributes:
        at: Microseconds since 1970, by the phone's clock.
        sent: By the phone; else it got it.
        text: The whole, lines ending in a line feed.
    """

    at: int
    sent: bool
    text: str

    @property
    def status(self) -> int | None:
        """The code of a response, None of a request."""
        return int(self.text[8:11]) if self.text.startswith("SIP/2.0 ") else None

    @property
    def method(self) -> str:
        """Of a request, or of the request that it answers."""
        return self.header("CSeq").partition(" ")[2]

    @property
    def second(self) -> bool:
        """Whether it belongs to the phone's consultation."""
        return "///" in self.header("Call-ID")

    def header(self, name: str) -> str:
        """Return a header's value, empty if there is none."""
        found = re.search(rf"^{name}:[ \t]*(.*)$", self.text, re.MULTILINE)
        return found[1] if found else ""


def parse(trace: str) -> list[SipMessage]:
    """Return the messages of a trace, in order."""
    trace = trace.replace("\r\n", "\n")
    heads = list(_HEAD.finditer(trace))
    ends = [head.start() for head in heads[1:]] + [len(trace)]
    return [
        SipMessage(_microseconds(head["time"]), head["way"] == "sent", trace[head.end() : end])
        for head, end in zip(heads, ends, strict=True)
    ]


def _microseconds(text: str) -> int:
    """A moment as SIPp writes it, which runs in UTC here."""
    moment = datetime.strptime(text, "%Y-%m-%d %H:%M:%S.%f").replace(tzinfo=UTC)
    return (moment - _EPOCH) // timedelta(microseconds=1)


class PhoneLog:
    """The log of one phone. Moments are microseconds since 1970; each raises LookupError if there was none."""

    def __init__(self, messages: Iterable[SipMessage]) -> None:
        self.messages = list(messages)

    def request(self, method: str, *, second: bool = False, containing: str = "", last: bool = False) -> int:
        """When a request was first (or last) sent or got."""
        return self._moment(f"{method} request", [
            each.at for each in self.messages
            if each.status is None and each.method == method and each.second == second and containing in each.text
        ], last=last)  # fmt: skip

    def answered(self, *, second: bool = False) -> int:
        """When a call was answered: its first 200 OK to an INVITE."""
        return self._moment("answer", [
            each.at for each in self.messages
            if each.status == 200 and each.method == "INVITE" and each.second == second
        ])  # fmt: skip

    @property
    def transferred(self) -> int:
        """When the phone was told that its transfer is done."""
        return self.request("NOTIFY", containing="SIP/2.0 200")

    @staticmethod
    def _moment(what: str, moments: list[int], *, last: bool = False) -> int:
        if not moments:
            raise LookupError(f"no {what} in the phone's log")
        return moments[-1 if last else 0]
