"""A PBX with SIP phones: three phones and two queues for each test, told apart by the first two digits of a number.

| Number | Is |
|---|---|
| xx1, xx2, xx3 | phones: by custom the caller's, the agent's, and another's, who may be an agent, too |
| xx6 | rings and is never answered |
| xx7 | answers, and waits |
| xx8, xx9 | queues; whose members are as the test says |
| 700 | parks |
"""

import contextlib
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from tests.lab import pbx
from tests.lab.asterisk import Asterisk

PARK: Final = "700"
FEATURES: Final[Mapping[str, str]] = {"blindxfer": "#1", "disconnect": "*0", "atxfer": "*2", "parkcall": "#7"}
THREE_WAY: Final = "*3"  # Asterisk's own default, dialled in a consultation

Kind = Literal["direct", "behind", "optimised"]


@dataclass(frozen=True, slots=True)
class PhoneQueue:
    """A queue of one member, who is a phone.

    Attributes:
        number: Which dials it, and is its name.
        phone: The member's number.
        kind: ``direct``: the member is the phone. ``behind``: a Local channel with the phone behind it, as FreePBX
            makes them. ``optimised``: the same without ``/n``, which goes out of the way after the answer.
        options: Of ``Queue()``.
        wrapuptime: Seconds.
    """

    number: str
    phone: str
    kind: Kind = "direct"
    options: str = ""
    wrapuptime: int = 0

    @property
    def member(self) -> str:
        """The member's name."""
        return f"Agent {self.phone}"

    @property
    def interface(self) -> str:
        """The member's dial string."""
        if self.kind == "direct":
            return f"PJSIP/{self.phone}"
        return f"Local/{self.phone}@from-queue" + ("/n" if self.kind == "behind" else "")

    @property
    def section(self) -> str:
        """Its section in queues.conf."""
        queue = pbx.Queue(self.number, wrapuptime=self.wrapuptime, options={"setinterfacevar": "no"})
        return f"{queue.section}member => {self.interface},0,{self.member},PJSIP/{self.phone}\n"


class PhoneExchange(Asterisk):
    """An Asterisk with phones on chan_pjsip.

    Attributes:
        ports: The UDP port of each phone.
        control_ports: A second one, at which SIPp takes commands.
        sip_port: Asterisk's own.
    """

    def __init__(
        self, version: str, phones: Iterable[str], queues: Iterable[PhoneQueue], *, keep_logs: Path | None = None
    ) -> None:
        """Describe it; nothing happens before ``start``."""
        self._phone_queues = tuple(queues)
        text = pbx.queues_conf([]) + "".join(f"{queue.section}\n" for queue in self._phone_queues)
        super().__init__(version, queues=text, keep_logs=keep_logs)
        self._phones = tuple(phones)
        self.ports: dict[str, int] = {}
        self.control_ports: dict[str, int] = {}
        self.sip_port = 0

    def prepare(self) -> None:
        """Make the folder and write every configuration file; a second call does nothing."""
        if self.port:
            return
        super().prepare()
        self.sip_port, *ports = free_udp_ports(1 + 2 * len(self._phones))
        self.ports = dict(zip(self._phones, ports[::2], strict=True))
        self.control_ports = dict(zip(self._phones, ports[1::2], strict=True))
        self._write("modules.conf", pbx.modules_conf() + "".join(f"load = {name}.so\n" for name in _MODULES))
        self._write("pjsip.conf", self._pjsip_conf())
        self._write("rtp.conf", "[general]\nrtpstart = 20000\nrtpend = 29999\nstrictrtp = no\n")
        self._write("extensions.conf", self._extensions_conf())
        self._write("features.conf", _features_conf())
        self._write("res_parking.conf", _PARKING)
        self._make_sounds()
        for empty in ("pjproject.conf", "sorcery.conf", "udptl.conf", "confbridge.conf"):
            self._write(empty, "")

    def _make_sounds(self) -> None:
        """Put sounds in the place of the package's, for which it takes codecs: without any, no code transfers."""
        data = self.home / "data"
        (data / "sounds/en/digits").mkdir(parents=True)
        for part in (self.root / "usr/share/asterisk").iterdir():
            if part.name != "sounds":
                (data / part.name).symlink_to(f"/usr/share/asterisk/{part.name}")
        for sound in _SOUNDS:
            (data / "sounds/en" / f"{sound}.alaw").write_bytes(SILENCE)
        for digit in range(10):  # as long as spoken ones: who parks a caller hears the place, a second and more
            (data / "sounds/en/digits" / f"{digit}.alaw").write_bytes(SILENCE * 25)

    def _asterisk_conf(self) -> str:
        usual = "astdatadir => /usr/share/asterisk\n"
        return super()._asterisk_conf().replace(usual, f"astdatadir => {self._inside}/data\n")

    def _pjsip_conf(self) -> str:
        sections = "".join(
            f"[{phone}](phone)\naors = {phone}\n\n[{phone}]\ntype = aor\ncontact = sip:{phone}@127.0.0.1:{port}\n\n"
            for phone, port in self.ports.items()
        )
        return _PJSIP.format(port=self.sip_port) + sections

    def _extensions_conf(self) -> str:
        options = "".join(f"OPTIONS_{queue.number} = {queue.options}\n" for queue in self._phone_queues)
        return f"[globals]\n{options}\n{_DIALPLAN}"


def free_udp_ports(count: int) -> list[int]:
    """Return so many loopback ports that nobody uses now."""
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def _features_conf() -> str:
    general = "[general]\ntransferdigittimeout = 1\nfeaturedigittimeout = 500\n"
    return f"{general}[featuremap]\n" + "".join(f"{name} => {code}\n" for name, code in FEATURES.items())


_PJSIP = """\
[udp]
type = transport
protocol = udp
bind = 127.0.0.1:{port}

[phone](!)
type = endpoint
context = phones
transport = udp
disallow = all
allow = alaw
dtmf_mode = info
direct_media = no
timers = no
send_connected_line = no
bind_rtp_to_media_address = yes
media_address = 127.0.0.1

"""

_PARKING = """\
[general]

[default]
parkext => 700
parkpos => 701-799
context => parkedcalls
parkingtime => 60
"""

_DIALPLAN = """\
[phones]
include => parkedcalls
exten => _XX[123],1,Dial(PJSIP/${EXTEN},30)
exten => _XX6,1,Ringing()
 same => n,Wait(60)
exten => _XX7,1,Answer()
 same => n,Wait(60)
exten => _XX[89],1,Answer()
 same => n,Queue(${EXTEN},${OPTIONS_${EXTEN}})
 same => n,Wait(60)

; What FreePBX dials its agents through.
[from-queue]
exten => _XX[123],1,Dial(PJSIP/${EXTEN},30)

; Where calls are sent to.
[elsewhere]
exten => wait,1,Wait(60)
exten => conference,1,ConfBridge(1)
"""

_SOUNDS: Final = ("pbx-transfer", "beep", "beeperr")
SILENCE: Final = b"\xd5" * 160  # 20 ms of it, in A-law: what is dialled during a sound is lost

_MODULES: Final = """
app_confbridge chan_pjsip res_pjproject res_pjsip res_pjsip_caller_id res_pjsip_dtmf_info
res_pjsip_endpoint_identifier_user res_pjsip_pubsub res_pjsip_refer res_pjsip_sdp_rtp res_pjsip_session
res_rtp_asterisk res_sorcery_astdb res_sorcery_config res_sorcery_memory
""".split()  # noqa: SIM905  a paragraph of names reads better than a column of them
