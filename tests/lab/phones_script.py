"""What a SIP phone does in a test, step by step, and its text as a scenario of SIPp.

A phone has one call with the queue (as an agent, or as a caller) and may have a second one, the consultation, in the
same scenario: SIPp gives a message to the scenario whose Call-ID stands behind the three slashes.
"""

import itertools
from typing import Final, Literal, Self

Dialog = Literal["first", "second"]

KEY: Final = 0.1  # seconds that a dialled digit lasts
_NOTIFIES: Final = 5  # of one transfer: trying, ringing, ringing, progress, and how it ended
_SPEECH: Final = "speech"  # stands in the steps for what depends on the sound's place
_CALL_ID: Final = {"first": "[call_id]", "second": "second///[call_id]"}
_SDP: Final = """\
v=0
o=- 1 {version} IN IP4 127.0.0.1
s=-
c=IN IP4 127.0.0.1
t=0 0
m=audio [rtpstream_audio_port] RTP/AVP 8
a=rtpmap:8 PCMA/8000
a={direction}
"""


class Script:
    """The steps of one phone, in order; each method adds one and returns the script.

    Attributes:
        number: The phone's own number.
    """

    def __init__(self, number: str) -> None:
        """Begin an empty script."""
        self.number = number
        self._steps: list[str] = []
        self._cseq = itertools.count(1)
        self._labels = itertools.count(1)
        self._variables: set[str] = set()

    def xml(self, sound: str) -> str:
        """The whole scenario.

        Args:
            sound: Path of a file of A-law, as SIPp sees it: what the phone says, again and again, once it is answered.
        """
        speech = f'<nop><action><exec rtp_stream="{sound},-1,8"/></action></nop>\n'
        steps = "".join(speech if step == _SPEECH else step for step in self._steps)
        names = ",".join(sorted(self._variables))
        known = f'<Reference variables="{names}"/>\n' if names else ""
        return f'<?xml version="1.0" encoding="UTF-8"?>\n<scenario name="{self.number}">\n{steps}{known}</scenario>\n'

    # Calls ---------------------------------------------------------------------------------------------------------

    def answers(self, *, ring: float = 0.2) -> Self:
        """Wait for a call, ring for so many seconds, and answer."""
        self._receive("request", "INVITE", self._remember("first", peer="From"))
        self._send(self._reply("180 Ringing", "first", tagged=True))
        self.waits(ring)
        return (
            self._send(self._reply("200 OK", "first", self._sdp("sendrecv"), tagged=True))
            ._receive("request", "ACK")
            ._speaks()
        )

    def calls(self, number: str, *, dialog: Dialog = "first") -> Self:
        """Call a number and wait until it answers."""
        cseq = self._next()
        self._send(
            f"INVITE sip:{number}@[remote_ip]:[remote_port] SIP/2.0\n"
            f"{self._head(dialog, f'<sip:{number}@[remote_ip]:[remote_port]>')}"
            f"CSeq: {cseq} INVITE\n",
            self._sdp("sendrecv"),
        )
        return self._answered(dialog, cseq) if dialog == "second" else self._answered(dialog, cseq)._speaks()

    def consults(self, number: str) -> Self:
        """Put the call on hold and call a number besides; return when it answers."""
        return self.holds().calls(number, dialog="second")

    def waits(self, seconds: float) -> Self:
        """Do nothing else for so long: ring, or talk."""
        self._steps.append(f'<pause milliseconds="{round(seconds * 1000)}"/>\n')
        return self

    def hangs_up(self, dialog: Dialog = "first") -> Self:
        """BYE."""
        self._request("BYE", dialog)
        return self._receive("request", "NOTIFY", attributes='optional="true"')._receive("response", "200")

    def is_hung_up(self) -> Self:
        """Wait for the other side's BYE."""
        self._receive("request", "BYE")
        return self._send(self._reply("200 OK", "first"))

    # In a call -----------------------------------------------------------------------------------------------------

    def holds(self) -> Self:
        """Hold by re-INVITE, as phones do."""
        return self._reinvite("sendonly")

    def resumes(self) -> Self:
        """Take the call back from hold."""
        return self._reinvite("sendrecv")

    def presses(self, keys: str) -> Self:
        """Dial digits in the call, as INFO, about as fast as fingers can; each lasts `KEY` seconds."""
        for key in keys:
            self.waits(2 * KEY)
            body = f"Signal={key}\nDuration={round(KEY * 1000)}\n"
            self._request("INFO", "first", "Content-Type: application/dtmf-relay\n", body)._receive("response", "200")
        return self

    def transfers(self, number: str, *, until: Literal["done", "ringing"] = "done") -> Self:
        """Blind transfer: REFER, and wait for word of it: the last, or that the other phone rings."""
        self._request("REFER", "first", self._refer_to(f"sip:{number}@[remote_ip]:[remote_port]"))
        told = self._told_of_transfer("[2-6]" if until == "done" else "180")
        done = next(self._labels)
        return self._receive("response", "202")._notified(told, done)._label(done)

    def transfers_to_consulted(self, number: str) -> Self:
        """Attended transfer: REFER with Replaces, wait for the last word of it and for the consultation's BYE."""
        replaces = f"second///[call_id]%3Bto-tag%3D[$second_tag]%3Bfrom-tag%3D{self._tag('second')}"
        uri = f"sip:{number}@[remote_ip]:[remote_port]?Replaces={replaces}"
        self._request("REFER", "first", self._refer_to(uri))
        told = self._told_of_transfer("[2-6]")
        again, notified, done = (next(self._labels) for _ in range(3))
        self._receive("response", "202")
        # Which comes first is chance. A message that comes while SIPp is about to jump is an error, hence no loop.
        self._label(again)
        self._receive("request", "NOTIFY", told, f'optional="true" next="{notified}"')
        self._receive("request", "BYE")
        self._send(self._reply("200 OK", "second"), attributes=f'next="{done}" test="final"')
        self._notified(told, done)
        self._label(notified)
        self._send(self._reply("200 OK", "first"), attributes=f'next="{again}"')
        return self._label(done)

    # How -----------------------------------------------------------------------------------------------------------

    def _told_of_transfer(self, statuses: str) -> str:
        self._variables.add("final")
        return f'<ereg regexp="SIP/2.0 {statuses}" search_in="body" assign_to="final"/>'

    def _notified(self, told: str, done: int) -> Self:
        """Answer NOTIFYs, a few of them, until the one that is waited for."""
        for _ in range(_NOTIFIES):
            self._receive("request", "NOTIFY", told)
            self._send(self._reply("200 OK", "first"), attributes=f'next="{done}" test="final"')
        return self

    def _speaks(self) -> Self:
        self._steps.append(_SPEECH)
        return self

    def _reinvite(self, direction: str) -> Self:
        cseq = self._next()
        start = f"INVITE [$first_uri] SIP/2.0\n{self._head('first', '[$first_peer]')}CSeq: {cseq} INVITE\n"
        return self._send(start, self._sdp(direction))._answered("first", cseq, remember=False)

    def _answered(self, dialog: Dialog, cseq: int, *, remember: bool = True) -> Self:
        for code in ("100", "180", "183"):
            self._receive("response", code, attributes='optional="true"')
        self._receive("response", "200", self._remember(dialog, peer="To") if remember else "")
        target = f"[${dialog}_uri]"
        return self._send(f"ACK {target} SIP/2.0\n{self._head(dialog, f'[${dialog}_peer]')}CSeq: {cseq} ACK\n")

    def _request(self, method: str, dialog: Dialog, headers: str = "", body: str = "") -> Self:
        start = f"{method} [${dialog}_uri] SIP/2.0\n{self._head(dialog, f'[${dialog}_peer]')}"
        return self._send(f"{start}CSeq: {self._next()} {method}\n{headers}", body)

    def _head(self, dialog: Dialog, to: str) -> str:
        own = f"sip:{self.number}@[local_ip]:[local_port]"
        return (
            "Via: SIP/2.0/UDP [local_ip]:[local_port];branch=[branch]\n"
            f"From: <{own}>;tag={self._tag(dialog)}\n"
            f"To: {to}\n"
            f"Call-ID: {_CALL_ID[dialog]}\n"
            f"Contact: <{own}>\n"
            "Max-Forwards: 70\n"
        )

    def _reply(self, status: str, dialog: Dialog, body: str = "", *, tagged: bool = False) -> str:
        """A reply to the last request; *tagged* where it makes the dialog."""
        tag = f";tag={self._tag(dialog)}" if tagged else ""
        return _with_body(
            f"SIP/2.0 {status}\n[last_Via:]\n[last_From:]\n[last_To:]{tag}\n[last_Call-ID:]\n[last_CSeq:]\n"
            f"Contact: <sip:{self.number}@[local_ip]:[local_port]>\n",
            body,
        )

    def _remember(self, dialog: Dialog, *, peer: str) -> str:
        names = {part: f"{dialog}_{part}" for part in ("peer", "uri", "tag", "all")}
        self._variables.update(names.values())
        return (
            f'<ereg regexp="&lt;.*" search_in="hdr" header="{peer}:" check_it="true" assign_to="{names["peer"]}"/>'
            f'<ereg regexp=";tag=([^;]*)" search_in="hdr" header="{peer}:" check_it="true"'
            f' assign_to="{names["all"]},{names["tag"]}"/>'
            f'<ereg regexp="sip:[^&gt;]*" search_in="hdr" header="Contact:" check_it="true"'
            f' assign_to="{names["uri"]}"/>'
        )

    def _refer_to(self, uri: str) -> str:
        return f"Refer-To: <{uri}>\nReferred-By: <sip:{self.number}@[local_ip]:[local_port]>\n"

    def _sdp(self, direction: str) -> str:
        return _SDP.format(version=self._next(), direction=direction)

    def _tag(self, dialog: Dialog) -> str:
        return f"{self.number}-{dialog}"

    def _next(self) -> int:
        return next(self._cseq)

    def _label(self, number: int) -> Self:
        self._steps.append(f'<label id="{number}"/>\n')
        return self

    def _receive(
        self, kind: Literal["request", "response"], what: str, actions: str = "", attributes: str = ""
    ) -> Self:
        inside = f"<action>{actions}</action>" if actions else ""
        self._steps.append(f'<recv {kind}="{what}" {attributes}>{inside}</recv>\n')
        return self

    def _send(self, message: str, body: str = "", *, attributes: str = "") -> Self:
        whole = message if message.startswith("SIP/2.0 ") else _with_body(message, body)
        self._steps.append(f"<send {attributes}><![CDATA[\n{whole}]]></send>\n")
        return self


def _with_body(message: str, body: str) -> str:
    kind = "Content-Type: application/sdp\n" if body.startswith("v=0") else ""
    return f"{message}{kind}Content-Length: [len]\n\n{body}"
