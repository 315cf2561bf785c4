"""What is kept over a restart of the gateway, apart from messages: taken from the parts, and given back to them."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Protocol, TypeVar

from pydantic import TypeAdapter

from gateway.ami.translate import Translator
from gateway.domain.handler import AgentHandler
from gateway.domain.member import MembershipKey
from gateway.mqtt.announcer import Announcer
from gateway.service.following import Following
from gateway.service.kept_calls import KeptCalls
from gateway.service.picture import Picture
from gateway.service.resync import Resync
from gateway.store.contents import Batch, Saved
from gateway.timeline import ClockStep, Timeline

Thing = TypeVar("Thing")

DISCOVERY: Final = "discovery_prefixes"
"""Name of the value that has them."""

_STEPS: Final = TypeAdapter(list[ClockStep])
_ROLLING: Final = TypeAdapter(list[tuple[MembershipKey, int]])


class KeptPart(Protocol):
    """Things of one kind, and how they are kept."""

    def collect(self, batch: Batch) -> None:
        """Add to a batch what has changed since the last."""

    def restore(self, saved: Saved) -> None:
        """Give back what was kept, before anything runs."""


class Keeper:
    """Knows which part holds what.

    Args:
        handler: Sessions, and calls whose records wait.
        translator: Open calls and waiting callers.
        announcer: The last ``seq`` of each topic.
        picture: The last contact with Asterisk.
        resync: Which Asterisk that was.
        timeline: The steps of its clock.
        following: The place in the queue_log, and who waits there.
        kept: What else is kept of the model.

    Attributes:
        logged_in: The links, ``ami`` and ``mqtt``, whose login has ever succeeded.
        discovery_prefixes: Those under which devices were ever told of.
    """

    def __init__(
        self,
        handler: AgentHandler,
        translator: Translator,
        announcer: Announcer,
        picture: Picture,
        resync: Resync,
        *,
        timeline: Timeline,
        following: Following | None,
        kept: Sequence[KeptPart] = (),
    ) -> None:
        self._following = following
        self._parts = [KeptCalls(translator, handler), *kept]
        self.logged_in: set[str] = set()
        self.discovery_prefixes: frozenset[str] = frozenset()
        self._handler = handler
        self._announcer = announcer
        self._picture = picture
        self._resync = resync
        self._timeline = timeline
        self._kept: dict[str, object] = {}

    def collect(self, batch: Batch) -> None:
        """Add to a batch what has changed since the last.

        Of the model nothing while a picture is being made, as what it brings is told with the whole of it.
        """
        batch.previous.update(self._announcer.stream.take_previous())
        self._keep(batch, "logged_in", frozenset(self.logged_in), _dump_names)
        if self.discovery_prefixes:
            self._keep(batch, DISCOVERY, self.discovery_prefixes, _dump_names)
        if not self._picture.settled:
            return
        for session_id, session in self._handler.take_changed().items():
            if session is None:
                batch.forget_session(session_id)
            else:
                batch.sessions[session_id] = session
        for part in self._parts:
            part.collect(batch)
        self._keep(batch, "rolled", self._handler.rolling(), _dump_rolling)
        self._keep(batch, "clock_steps", tuple(self._timeline.steps), _dump_steps)
        self._keep(batch, "asterisk", self._resync.stamp, json.dumps)
        if self._following is not None:
            self._keep(batch, "queue_log", self._following.remember(), str)
        self._keep(batch, "contact", self._picture.last_sign, _dump_instant)

    def restore(self, saved: Saved) -> None:
        """Give back what was kept, before anything runs."""
        values = {name: json.loads(text) for name, text in saved.values.items()}
        self._timeline.restore(_STEPS.validate_python(values.get("clock_steps", [])))
        self._handler.restore(saved.sessions, dict(_ROLLING.validate_json(saved.values.get("rolled", "[]"))))
        if self._following is not None and "queue_log" in saved.values:
            self._following.restore(saved.values["queue_log"])
        self._announcer.restore(max(saved.previous.values(), default=0), saved.previous, saved.sessions)
        for part in self._parts:
            part.restore(saved)
        self._resync.stamp = values.get("asterisk")
        self.logged_in.update(values.get("logged_in", []))
        if values.get("contact") is not None:
            self._picture.restore(last_contact=values["contact"])

    def _keep(self, batch: Batch, name: str, value: Thing, dump: Callable[[Thing], str]) -> None:
        """Add a value to a batch if it is another than the last time."""
        if name not in self._kept or self._kept[name] != value:
            self._kept[name] = value
            batch.values[name] = dump(value)


def _dump_rolling(rolling: Mapping[MembershipKey, int]) -> str:
    return _ROLLING.dump_json(sorted(rolling.items())).decode()


def _dump_steps(steps: tuple[ClockStep, ...]) -> str:
    return _STEPS.dump_json(list(steps)).decode()


def _dump_names(names: frozenset[str]) -> str:
    return json.dumps(sorted(names))


def _dump_instant(instant: int | None) -> str:
    return "null" if instant is None else str(instant)
