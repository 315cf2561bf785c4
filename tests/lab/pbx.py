"""What the lab's PBX is made of: phones, queues, static members; and their text in Asterisk's configuration files."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

PHONES: Final = tuple(f"a{number}" for number in range(1, 31))


@dataclass(frozen=True, slots=True)
class Member:
    """A queue member: who, on which phone.

    Attributes:
        name: The ``MemberName``.
        phone: One of ``PHONES``.
        hinted: Whether it has a ``StateInterface`` of its own. Without one the device is the Local channel itself,
            which is in use as soon as it rings.
        penalty: As in queues.conf.
    """

    name: str
    phone: str
    hinted: bool = True
    penalty: int = 0

    @property
    def interface(self) -> str:
        """The dial string, which is the member's identity in a queue."""
        return f"Local/{self.phone}@agents/n"

    @property
    def state_interface(self) -> str:
        """What its device state is taken from, or an empty string."""
        return f"hint:{self.phone}@agents" if self.hinted else ""

    @property
    def line(self) -> str:
        """Its line in queues.conf."""
        return f"member => {self.interface},{self.penalty},{self.name},{self.state_interface}"


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue of queues.conf: name, wrap-up in seconds, ring time-out in seconds, static members, anything else."""

    name: str
    wrapuptime: int = 0
    timeout: int = 15
    strategy: str = "rrmemory"
    members: tuple[Member, ...] = ()
    options: Mapping[str, str] = field(default_factory=dict)

    @property
    def section(self) -> str:
        """Its section in queues.conf."""
        settings = {
            "strategy": self.strategy,
            "timeout": str(self.timeout),
            "retry": "1",
            "wrapuptime": str(self.wrapuptime),
            "autofill": "yes",
            "ringinuse": "no",
            "servicelevel": "20",
            "announce-holdtime": "no",
            "joinempty": "yes",
            "leavewhenempty": "no",
            **self.options,
        }
        lines = [f"[{self.name}]", *(f"{key} = {value}" for key, value in settings.items())]
        return "\n".join([*lines, *(member.line for member in self.members)]) + "\n"


ALICE: Final = Member("Alice", "a1")
BOB: Final = Member("Bob Baker", "a2")
EVA: Final = Member("Kovács Éva", "a3")
DAVE: Final = Member("Dave", "a4", hinted=False)

QUEUES: Final = (
    Queue("support", wrapuptime=3, members=(ALICE, BOB)),
    Queue("sales", members=(BOB, EVA)),
    Queue("auto", wrapuptime=2, timeout=3, members=(DAVE,), options={"autopause": "yes"}),
    Queue("empty", wrapuptime=1),
)


def wrap_up(queues: Iterable[Queue] = QUEUES) -> dict[str, int]:
    """Return the wrap-up of each queue that has one, in seconds: what a gateway has to be told."""
    return {queue.name: queue.wrapuptime for queue in queues if queue.wrapuptime}


def queues_conf(queues: Iterable[Queue] = QUEUES, **general: str) -> str:
    """Return a whole queues.conf; keyword arguments are settings of ``[general]``."""
    settings = {"persistentmembers": "no", "shared_lastcall": "no", "autofill": "yes", **general}
    lines = ["[general]", *(f"{key} = {value}" for key, value in settings.items()), ""]
    return "\n".join([*lines, *(queue.section for queue in queues)])


_AGENTS = """\
[general]
static = yes
writeprotect = yes

; The phone of an agent. What it does comes with the call (RING, TALK, ENDS: set by who originates it), and from the
; globals REPLY_<phone> (busy, congestion or never) and DEAF_<phone> (percentage of calls it lets ring out).
[agents]
exten => _a.,1,Set(GROUP(phone)=${EXTEN})
 same => n,Set(CHANNEL(hangup_handler_push)=phone-is-free,s,1(${EXTEN}))
 same => n,GotoIf($["${REPLY_${EXTEN}}" = "busy"]?busy)
 same => n,GotoIf($["${REPLY_${EXTEN}}" = "congestion"]?congestion)
 same => n,Set(DEVICE_STATE(Custom:${EXTEN})=${IF($[${GROUP_COUNT(${EXTEN}@phone)} > 1]?RINGINUSE:RINGING)})
 same => n,GotoIf($["${REPLY_${EXTEN}}" = "never"]?deaf)
 same => n,GotoIf($[${RAND(1,100)} <= 0${DEAF_${EXTEN}}]?deaf)
 same => n,Wait(${RING})
 same => n,Set(DEVICE_STATE(Custom:${EXTEN})=INUSE)
 same => n,Answer()
 same => n,Wait(${TALK})
 same => n,GotoIf($["${ENDS}" = "caller"]?caller)
 same => n,Hangup()
 same => n(caller),SoftHangup(${CALLER_PHONE})
 same => n,Wait(60)
 same => n,Hangup()
 same => n(deaf),Wait(600)
 same => n,Hangup()
 same => n(busy),Busy(30)
 same => n(congestion),Congestion(30)
"""

_REST = """
[phone-is-free]
exten => s,1,Set(DEVICE_STATE(Custom:${ARG1})=${IF($[${GROUP_COUNT(${ARG1}@phone)} > 1]?INUSE:NOT_INUSE)})
 same => n,Return()

; The phone of a caller: it waits, and hangs up when its patience ends, be it in a call or before.
[callers]
exten => _c.,1,Answer()
 same => n,Wait(${PATIENCE})
 same => n,Hangup()

; Where a caller's channel goes: into QUEUE, if it comes out of it into NEXT, where that is set, and then to the end.
[queues]
exten => enter,1,Set(__CALLER_PHONE=${CHANNEL:0:-1}2)
 same => n,Queue(${QUEUE},${QUEUE_OPTIONS},,,${QUEUE_TIMEOUT})
 same => n,GotoIf($["${NEXT}" = ""]?end)
 same => n,Queue(${NEXT},,,,${NEXT_TIMEOUT})
 same => n(end),Wait(0${AFTERWARDS})
 same => n,Hangup()

; Where a caller comes who leaves a queue by a key, of a queue whose option ``context`` is this one.
[exits]
exten => _X,1,Wait(0${AFTERWARDS})
 same => n,Hangup()

; What an agent hears before the caller, of a queue whose option ``membergosub`` is this one.
[prepare]
exten => s,1,Wait(2)
 same => n,Return()

; Where a caller is sent to by a redirect.
[elsewhere]
exten => wait,1,Wait(60)
 same => n,Hangup()
"""


def extensions_conf(phones: Iterable[str] = PHONES) -> str:
    """Return the dialplan, with a hint for each phone."""
    return _AGENTS + "".join(f"exten => {phone},hint,Custom:{phone}\n" for phone in phones) + _REST


_MODULES = """
pbx_config app_queue app_stack app_softhangup app_agent_pool app_bridgewait app_dial app_playback app_userevent
app_senddtmf app_verbose app_echo func_callerid func_channel func_db func_devstate func_global func_groupcount
func_hangupcause func_logic func_math func_rand func_strings func_timeout func_cut bridge_builtin_features
bridge_builtin_interval_features bridge_holding bridge_simple bridge_softmix codec_alaw codec_ulaw format_pcm
res_musiconhold res_parking res_timing_timerfd
""".split()  # noqa: SIM905  a paragraph of names reads better than a column of them


def modules_conf() -> str:
    """Return modules.conf: only what the lab uses, so that Asterisk is ready in a second."""
    return "\n".join(["[modules]", "autoload = no", *(f"load = {name}.so" for name in _MODULES), ""])


@dataclass(frozen=True, slots=True)
class AmiUser:
    """A user of manager.conf: name, secret, and what it may read and write."""

    name: str
    secret: str
    read: str
    write: str


GATEWAY: Final = AmiUser("gateway", "gateway-secret", "agent,call,system", "agent,reporting")
GATEWAY_CONFIG: Final = AmiUser(
    "gateway-config", "gateway-config-secret", "agent,call,system", "agent,reporting,config,system"
)
TAP: Final = AmiUser("tap", "tap-secret", "system,call,agent,user,reporting", "reporting")
DRIVER: Final = AmiUser("driver", "driver-secret", "system,call,agent,user,reporting", "all")
USERS: Final = (GATEWAY, GATEWAY_CONFIG, TAP, DRIVER)


def manager_conf(
    port: int, users: Iterable[AmiUser] = USERS, *, timestamps: bool = True, bind: str = "127.0.0.1"
) -> str:
    """Return manager.conf, for loopback alone unless told otherwise."""
    lines = [
        "[general]",
        "enabled = yes",
        "webenabled = no",
        f"bindaddr = {bind}",
        f"port = {port}",
        f"timestampevents = {'yes' if timestamps else 'no'}",
        "displayconnects = no",
        "",
    ]
    for user in users:
        lines += [
            f"[{user.name}]",
            f"secret = {user.secret}",
            f"read = {user.read}",
            f"write = {user.write}",
            "writetimeout = 5000",
            "",
        ]
    return "\n".join(lines)
