"""What ``demo`` shows: how to look for oneself, and tables of queues and sessions."""

import shutil
import sys
from datetime import datetime
from pathlib import Path
from typing import Final

from rich.cells import chop_cells
from rich.console import ConsoleDimensions, Group, RenderableType
from rich.text import Text

from gateway.cli import tables
from gateway.cli.simulate import line_of
from gateway.cli.tables import QUEUE_COLUMNS, SESSION_COLUMNS
from gateway.cli.text import plain
from gateway.cli.watching import Watching
from gateway.client import Event, GatewayClient, PictureChanged, SessionEvent
from gateway.simulate.simulation import Simulation

_NAME: Final = "cti-gateway"
_OF_A_TABLE: Final = 4
"""Lines of a table besides its rows, with the one above it."""


class DemoView:
    """The demo, for a terminal or a pipe.

    Args:
        client: What a subscriber sees.
        simulation: The Asterisk, which knows the truth.
        speed: How fast its day goes by.
        options: What Mosquitto's clients need to find the broker.
        config: The gateway's configuration file.
        page: Where the wallboard is; None where it is not.
    """

    def __init__(
        self,
        client: GatewayClient,
        simulation: Simulation,
        speed: float,
        *,
        options: str,
        config: Path,
        page: str | None,
    ) -> None:
        self._client = client
        self._simulation = simulation
        self._speed = speed
        self._options = options
        self._config = config
        self._page = page
        self._watching = Watching(client, ["queues"], sort=None, group=None)

    def greeting(self) -> list[str]:
        """What it is, and how to look for oneself."""
        base, options = self._client.base, self._options
        session = self._somebody()
        lines = [
            f"A simulated call center at {self._speed:g} times its pace, and the gateway. Ctrl-C ends it.",
            "",
            f"look    mosquitto_sub{options} -v -t '{base}/session/#'",
            f"        {_command()} watch --config {self._config}",
        ]
        if self._page is not None:
            lines.append(f"page    {self._page}")
        if session is not None:
            topic = f"{base}/agent/{session}/set"
            lines += [
                f"pause   mosquitto_pub{options} -t '{topic}' -m NOT_READY",
                f"back    mosquitto_pub{options} -t '{topic}' -m READY",
            ]
        return [*lines, f"log     tail -f {self._config.parent / 'gateway.log'}"]

    def drawn(self, now: datetime, size: ConsoleDimensions) -> RenderableType:
        """Everything, for a terminal of that size. A command that is too long for a line goes on in the next."""
        greeting = [piece for line in self.greeting() for piece in chop_cells(line, size.width) or [""]]
        status = Text(line_of(self._simulation.center.standing()), style="bold", overflow="fold")
        if not self._client.current:
            status = Text(f"NOT CURRENT: {self._client.why_not_current}", style="bold reverse red")
        queues = tables.arranged(self._client.queues(), QUEUE_COLUMNS, now, None)
        sessions = tables.arranged(self._client.sessions(), SESSION_COLUMNS, now, None)
        above = len(greeting) + 1 + len(chop_cells(status.plain, size.width))
        room = max(1, size.height - above - len(queues) - 2 * _OF_A_TABLE)
        title = f"sessions ({len(sessions)}{f', the first {room}' if len(sessions) > room else ''})"
        return Group(
            *(Text(line, no_wrap=True) for line in greeting),
            Text(""),
            status,
            Text(""),
            tables.table("queues", QUEUE_COLUMNS, queues, size.width),
            Text(""),
            tables.table(title, SESSION_COLUMNS, sessions[:room], size.width),
        )

    def lines(self, now: datetime) -> list[str]:
        """The simulator's line and the queues, for no terminal."""
        return ["", f"# {line_of(self._simulation.center.standing())}", *self._watching.lines(now), ""]

    def line(self, event: Event) -> str | None:
        """An event as one line; None for one that is not shown."""
        return self._watching.line(event) if isinstance(event, SessionEvent | PictureChanged) else None

    def parting(self) -> list[str]:
        """What was counted, by the gateway and by the simulator, which knows."""
        queues = self._client.queues()
        answered = sum(queue.answered for queue in queues)
        abandoned = sum(queue.total_calls_abandoned for queue in queues)
        known = self._simulation.center.standing()
        return [
            f"Counted by the gateway: {answered} callers answered, {abandoned} gave up.",
            f"By the simulator, which knows: {known.answered} and {known.abandoned}.",
        ]

    def _somebody(self) -> str | None:
        """An agent whose name needs no quoting, and who is at work."""
        names = [session.agent for session in self._client.sessions() if session.state != "SESSION_ENDED"]
        return min((name for name in names if "'" not in name and plain(name) == name), default=None)


def _command() -> str:
    """How this installation's command is called from here."""
    beside = Path(sys.executable).with_name(_NAME)
    if shutil.which(_NAME) or not beside.exists():
        return _NAME
    return str(beside.relative_to(Path.cwd()) if beside.is_relative_to(Path.cwd()) else beside)
