"""One Asterisk and one gateway for all tests of commands: queues of one member each, and what to do with them."""

import itertools
import json
from dataclasses import dataclass, field
from typing import Any, Final

from gateway.mqtt.topics import encode_level
from tests.broker import Broker
from tests.e2e.command_cells import Command
from tests.e2e.running import Running
from tests.lab import pbx
from tests.lab.asterisk import Asterisk
from tests.lab.driver import Caller, Driver

WRAP_UP: Final = 300
"""Seconds: no wrap-up ends by itself while a test looks at it."""

STATIC: Final = {f"s{number}": pbx.Member(f"Static {number}", f"a{number}") for number in range(1, 14)}
DYNAMIC: Final = {f"d{number}": pbx.Member(f"Dynamic {number}", f"a{number + 13}") for number in range(1, 14)}
MIXED: Final = pbx.Member("Mixed", "a27")
TWIN: Final = pbx.Member("Twin", "a28")
NEWCOMER: Final = pbx.Member("Új Kolléga/2", "a29")
QUEUES: Final = (
    *(pbx.Queue(name, wrapuptime=WRAP_UP, members=(member,)) for name, member in STATIC.items()),
    *(pbx.Queue(name, wrapuptime=WRAP_UP) for name in DYNAMIC),
    pbx.Queue("mixed", members=(MIXED,)),
    *(pbx.Queue(name) for name in ("one", "Two", "three")),
)


@dataclass
class World:
    """One Asterisk and one gateway for all tests of a version.

    Attributes:
        free: Queues with a member that no test has used yet, by whether it is static.
    """

    version: str
    asterisk: Asterisk
    broker: Broker
    driver: Driver
    gateway: Running
    free: dict[bool, list[str]]
    ids: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1000))  # a test may count from 0 itself

    def take(self, *, static: bool) -> tuple[str, pbx.Member]:
        """A queue of its own, and its member."""
        queue = self.free[static].pop()
        return queue, (STATIC | DYNAMIC)[queue]

    def shown(self, queue: str, member: pbx.Member) -> Any:
        """The session as its retained message has it now, None if there is none."""
        message = self.gateway.subscriber.latest.get(session_topic(queue, member))
        return None if message is None else message.json

    async def until_shown(self, queue: str, member: pbx.Member, **wanted: Any) -> Any:
        """Wait until a session is shown with these values, of which ``paused`` is flag and reason."""

        def is_so(shown: Any) -> bool:
            have = shown | {"paused": (shown["asterisk"]["paused"], shown["asterisk"]["paused_reason"] or "")}
            return all(have[key] == value for key, value in wanted.items())

        return await self.gateway.subscriber.shown(session_topic(queue, member), is_so)

    async def ask(self, topic: str, payload: Command) -> Any:
        """Send a command and return its answer; JSON gets an id."""
        command_id = None
        if isinstance(payload, dict):
            command_id = next(self.ids)
            payload = json.dumps({"id": command_id, **payload})
        since = len(self.gateway.messages)
        await self.gateway.subscriber.publish(topic, payload)
        answer = await self.gateway.subscriber.wait_for(
            lambda m: m.topic == f"{topic}/response" and command_id in (None, m.json["id"]), since=since
        )
        return answer.json

    async def call(self, queue: str, *, talk: float) -> Caller:
        """Put a caller through to the member of a queue."""
        caller = await self.driver.call(queue, ring=0.1, talk=talk)
        await self.driver.wait_for("AgentConnect", Uniqueid=caller.uniqueid)
        return caller

    async def events(self, command_id: object) -> list[Any]:
        """The session events that bear a command's id, once all is told."""
        await self.gateway.told_all()
        told = [m.json for m in self.gateway.messages if m.topic.startswith("session/") and m.topic.endswith("/event")]
        return [event for event in told if event["command_id"] == command_id]


def session_topic(queue: str, member: pbx.Member) -> str:
    """The topic of a session, below the base."""
    return f"session/{encode_level(queue)}/{encode_level(member.name)}/{encode_level(member.interface)}"


def mixed_case(queue: str, member: pbx.Member) -> str:
    """A topic that means the same session, since Asterisk does not tell cases apart."""
    address = encode_level(member.interface.swapcase()).replace("%2F", "%2f")
    return f"session/{encode_level(queue.swapcase())}/{encode_level(member.name)}/{address}"
