"""A network namespace of a test's own, whose links to this machine can be made to lose every packet without a word.

Nothing of it leaves the machine: two pairs of virtual Ethernet, with addresses of the block that is set aside for
testing networks (RFC 2544). A link is broken by giving both ends a wrong hardware address of the other: packets are
sent and thrown away on arrival, and neither side hears of it, as with a switch that died or a firewall that forgot.
"""

import itertools
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from tests.lab.asterisk import Asterisk

NAMESPACES: Final = Path("/run/netns")
NOBODY: Final = "02:00:00:00:00:ff"
SMALL_BUFFER: Final = "4096 16384 16384"
SMALL_WINDOW: Final = "8192"
_numbers = itertools.count()


class IslandUnavailableError(Exception):
    """This machine lets nobody make network namespaces; the text is the kernel's."""


@dataclass(frozen=True, slots=True)
class Bridge:
    """One link: names, addresses and hardware addresses of the end here and the end there."""

    here: str
    there: str
    address_here: str
    address_there: str
    hardware_here: str
    hardware_there: str


class Island:
    """A network namespace with two links.

    Attributes:
        name: Of the namespace.
        tested: The link that is broken and mended.
        quiet: The link that always stands, for those who watch.
    """

    def __init__(self) -> None:
        self.name = ""

    def __enter__(self) -> Self:
        self.name = f"cti-{os.getpid()}-{next(_numbers)}"
        _sweep()
        _run("ip", "netns", "add", self.name)
        try:
            self._build()
        except IslandUnavailableError:
            self._remove()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._remove()

    @property
    def words(self) -> list[str]:
        """What to put before a command that is to run there."""
        return ["nsenter", f"--net={NAMESPACES / self.name}"]

    def cut(self) -> None:
        """From now on the tested link loses every packet, both ways, and nobody is told."""
        self._know(self.tested, NOBODY, NOBODY)

    def mend(self) -> None:
        """The tested link carries again what is sent from now on."""
        self._know(self.tested, self.tested.hardware_here, self.tested.hardware_there)

    def connections(self) -> int:
        """How many connections over the tested link the island's side still holds to be good."""
        address = self.tested.address_there
        shown = _run(*self.words, "ss", "--no-header", "--tcp", "--numeric", "state", "established", "src", address)
        return len(shown.splitlines())

    def _build(self) -> None:
        net = _free_net()
        self.tested = _bridge(net, 0)
        self.quiet = _bridge(net, 1)
        _run("ip", "-n", self.name, "link", "set", "lo", "up")
        for bridge in (self.tested, self.quiet):
            _run(
                *("ip", "link", "add", bridge.here, "address", bridge.hardware_here, "type", "veth"),
                *("peer", "name", bridge.there, "address", bridge.hardware_there, "netns", self.name),
            )
            _run("ip", "address", "add", f"{bridge.address_here}/30", "dev", bridge.here)
            _run("ip", "-n", self.name, "address", "add", f"{bridge.address_there}/30", "dev", bridge.there)
            _run("ip", "link", "set", bridge.here, "up")
            _run("ip", "-n", self.name, "link", "set", bridge.there, "up")
            self._know(bridge, bridge.hardware_here, bridge.hardware_there)
        # What a stalled reader does not take must come to bear on the writer soon, and not after megabytes.
        _run(*self.words, "sh", "-c", f"echo {SMALL_BUFFER} > /proc/sys/net/ipv4/tcp_wmem")
        tested = self.tested
        _run("ip", "route", "replace", f"{tested.address_there}/32", "dev", tested.here, "window", SMALL_WINDOW)

    def _know(self, bridge: Bridge, hardware_here: str, hardware_there: str) -> None:
        """Tell both ends the other's hardware address, so that they never ask for it."""
        permanent = ("nud", "permanent", "dev")
        _run("ip", "neigh", "replace", bridge.address_there, "lladdr", hardware_there, *permanent, bridge.here)
        _run(
            *("ip", "-n", self.name, "neigh", "replace", bridge.address_here),
            *("lladdr", hardware_here, *permanent, bridge.there),
        )

    def _remove(self) -> None:
        """Remove the namespace, and the links with it: a pair goes with either of its ends."""
        for bridge in (each for each in ("tested", "quiet") if hasattr(self, each)):
            subprocess.run(["ip", "link", "del", getattr(self, bridge).here], capture_output=True, check=False)
        _run("ip", "netns", "del", self.name)


class IslandAsterisk(Asterisk):
    """An Asterisk on an island: whoever watches reaches it by the quiet link, and only the gateway by the other."""

    bind = "0.0.0.0"  # of the island, where nobody else is

    def __init__(self, version: str, island: Island, *, queues: str = "", keep_logs: Path | None = None) -> None:
        """Describe it; the island must be there already."""
        super().__init__(version, queues=queues, keep_logs=keep_logs)
        self._island = island
        self.host = island.quiet.address_there

    @property
    def _outer(self) -> list[str]:
        return self._island.words


def _bridge(net: int, number: int) -> Bridge:
    first = 4 * number
    hardware = f"02:00:00:{net:02x}:{number:02x}"
    return Bridge(
        here=f"cti{net}h{number}",
        there=f"cti{net}t{number}",
        address_here=f"198.18.{net}.{first + 1}",
        address_there=f"198.18.{net}.{first + 2}",
        hardware_here=f"{hardware}:01",
        hardware_there=f"{hardware}:02",
    )


def _free_net() -> int:
    """Return a number that no island on this machine has, beginning where this process is likely to be alone."""
    taken = _run("ip", "-o", "-4", "address")
    start = os.getpid() + next(_numbers)
    return next(net % 255 for net in range(start, start + 255) if f"198.18.{net % 255}." not in taken)


def _sweep() -> None:
    """Remove the namespaces of processes that are gone."""
    for file in NAMESPACES.glob("cti-*-*") if NAMESPACES.is_dir() else ():
        if not Path("/proc", file.name.split("-")[1]).exists():
            subprocess.run(["ip", "netns", "del", file.name], capture_output=True, check=False)


def _run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise IslandUnavailableError(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout
