"""A call center that exists on the broker alone: retained messages made by the very models that the gateway fills."""

import asyncio
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

import aiomqtt

from gateway.mqtt.agent_payloads import AgentMemberPayload, AgentPayload, AgentSessionPayload, MeasurementPeriodPayload
from gateway.mqtt.payloads import (
    AsteriskMemberPayload,
    BridgeAsteriskPayload,
    CurrentCallPayload,
    Payload,
    SessionPayload,
)
from gateway.mqtt.queue_payloads import (
    QueuePayload,
    ServiceLevelPayload,
    SessionsByStatePayload,
    WaitingCallerPayload,
)
from gateway.mqtt.topics import Topics

STREAM: Final = "3f0c3c0e-6f6b-4a53-9b0e-54ad4f9d5f5a"
STATES: Final = ("NOT_READY", "READY", "BUSY_ON_CALL", "BUSY_WRAPUP", "SESSION_ENDED")
REASONS: Final = ("lunch", "coffee", "training", "back office")
NAMES: Final = (
    "Anna Berg", "Ben Okafor", "Carla Díaz", "David Meyer", "Elif Kaya", "Finn Larsen", "Grace Hill", "Hugo Martin",
    "Ines Costa", "Jan Novák", "Kira Sato", "Liam Byrne", "Mia Rossi", "Noah Weiss", "Olga Petrova", "Pavel Dvořák",
    "Quinn Reed", "Rosa Lind", "Sami Haddad", "Tara Singh", "Uwe Brandt", "Vera Kovač", "Will Green", "Yara Nasser",
)  # fmt: skip


def rfc(at: datetime) -> str:
    """A time of day as the contract has it."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


@dataclass
class Worker:
    """One agent, with the same state in all of its queues."""

    name: str
    groups: Sequence[str]
    address: str
    state: str = "READY"
    reason: str | None = None
    since: timedelta = timedelta()
    calls: int = 0
    began: datetime = field(default_factory=lambda: datetime.now(UTC))


@dataclass
class Line:
    """One queue: who waits, each for how long when it was first told, and what was counted."""

    name: str
    waits: Sequence[timedelta] = ()
    answered: int = 0
    in_time: int = 0
    abandoned: int = 0
    threshold: float | None = 20.0
    callers: list[datetime] = field(default_factory=list)


class SimulatedCenter:
    """One Asterisk's call center, told on a broker.

    Attributes:
        topics: Its topics.
        workers: By name.
        lines: By queue.
        ahead: How far its clock is ahead of this machine's.
    """

    def __init__(
        self,
        client: aiomqtt.Client,
        node: str,
        lines: Iterable[Line],
        workers: Iterable[Worker],
        *,
        prefix: str = "cti",
    ) -> None:
        self.topics = Topics(prefix, node)
        self.node = node
        self.ahead = timedelta()
        self._client = client
        self.lines = {line.name: line for line in lines}
        self.workers = {worker.name: worker for worker in workers}

    @property
    def now(self) -> datetime:
        """What its clock shows."""
        return datetime.now(UTC) + self.ahead

    async def open(self) -> None:
        """Tell everything."""
        for worker in self.workers.values():
            worker.began = self.now - worker.since
        for line in self.lines.values():
            line.callers = [self.now - wait for wait in line.waits]
            await self.tell_queue(line.name)
        for name in self.workers:
            await self.tell_agent(name)
        await self.tell_link()
        await self.tell_state("online")

    async def tell_state(self, state: str) -> None:
        """``bridge/state``."""
        await self._put(self.topics.bridge_state, state.encode())

    async def tell_link(self, link: str = "up", error: str | None = None) -> None:
        """``bridge/asterisk``."""
        payload = BridgeAsteriskPayload.model_validate(
            {
                "stream": STREAM,
                "seq": 1,
                "link": link,
                "current": link == "up",
                "since": rfc(self.now),
                "version": "22.10",
            }
            | {"started_at": rfc(self.now), "last_error": error}
        )
        await self._put(self.topics.bridge_asterisk, payload)

    async def change(self, name: str, state: str, reason: str | None = None) -> None:
        """An agent enters a state now, and its queues count it there."""
        worker = self.workers[name]
        worker.calls += worker.state == "BUSY_ON_CALL"
        worker.state, worker.reason, worker.began = state, reason, self.now
        await self.tell_agent(name)
        for group in worker.groups:
            await self.tell_queue(group)

    async def leave(self, name: str) -> None:
        """An agent logs out, and what is retained of it goes."""
        worker = self.workers.pop(name)
        for group in worker.groups:
            await self._put(self.topics.session(group, name, worker.address), b"")
        await self._put(self.topics.agent(name), b"")

    async def join(self, queue: str) -> None:
        """A caller comes."""
        self.lines[queue].callers.append(self.now)
        await self.tell_queue(queue)

    async def tell_agent(self, name: str) -> None:
        """An agent and its sessions."""
        worker = self.workers[name]
        for group in worker.groups:
            await self._put(self.topics.session(group, name, worker.address), self._session(worker, group))
        await self._put(self.topics.agent(name), self._agent(worker))

    async def tell_queue(self, name: str) -> None:
        """A queue."""
        await self._put(self.topics.queue(name), self._queue(self.lines[name]))

    async def _put(self, topic: str, payload: Payload | bytes) -> None:
        body = payload if isinstance(payload, bytes) else payload.to_bytes()
        await self._client.publish(topic, body, qos=1, retain=True)

    def _period(self) -> MeasurementPeriodPayload:
        midnight = self.now.replace(hour=0, minute=0, second=0, microsecond=0)
        return MeasurementPeriodPayload(seconds=86400, from_=rfc(midnight), to=rfc(midnight + timedelta(days=1)))

    def _session(self, worker: Worker, group: str) -> SessionPayload:
        call = None
        if worker.state == "BUSY_ON_CALL" and group == worker.groups[0]:
            call = CurrentCallPayload(
                uniqueid="1.1",
                linkedid="1.1",
                caller_number="+49301234567",
                caller_name="A. Caller",
                answered_at=rfc(worker.began),
                time_to_answer=4.2,
                ring_time=3.1,
            )
        state = worker.state if call or worker.state != "BUSY_ON_CALL" else "READY"
        return SessionPayload(
            contract=1,
            stream=STREAM,
            seq=1,
            node=self.node,
            as_of=rfc(self.now),
            session_id=f"{worker.name} in {group}",
            agent=worker.name,
            group=group,
            address=worker.address,
            state=state,
            state_value=STATES.index(state),
            state_since=rfc(worker.began),
            reason=worker.reason,
            pending_state=None,
            session_start_time=rfc(self.now - timedelta(hours=3)),
            session_end_time=None,
            session_duration=10800.0,
            number_of_calls=worker.calls,
            total_talk_time=worker.calls * 150.0,
            average_talk_time=150.0 if worker.calls else 0.0,
            total_wrap_up_time=worker.calls * 12.0,
            average_wrap_up_time=12.0 if worker.calls else 0.0,
            total_call_time=worker.calls * 162.0,
            average_call_time=162.0 if worker.calls else 0.0,
            average_time_to_answer=8.4,
            longest_time_to_answer=31.2,
            acd_call_rate=worker.calls / 3,
            complete=True,
            gaps=[],
            current_call=call,
            asterisk=AsteriskMemberPayload(
                membership="dynamic",
                state_interface=worker.address,
                penalty=0,
                paused=state == "NOT_READY",
                paused_reason=worker.reason,
                device_state="INUSE" if call else "NOT_INUSE",
                available=state == "READY",
                wrap_up_limit=15.0,
                calls_missed=1,
                average_ring_time=3.3,
                longest_ring_time=9.0,
            ),
        )

    def _agent(self, worker: Worker) -> AgentPayload:
        state = {"NOT_READY": "NOT_READY", "BUSY_ON_CALL": "BUSY_ACD"}.get(worker.state, "READY")
        return AgentPayload(
            contract=1,
            stream=STREAM,
            seq=1,
            node=self.node,
            as_of=rfc(self.now),
            agent=worker.name,
            state=state,
            state_value=("NOT_READY", "READY", "BUSY_ACD").index(state),
            state_since=rfc(worker.began),
            measurement_period=self._period(),
            overall_call_rate=round(worker.calls / 3, 4),
            number_of_acd_calls=worker.calls,
            number_of_incoming_calls=1,
            number_of_outgoing_calls=2,
            total_acd_talk_time=worker.calls * 150.0,
            total_acd_call_time=worker.calls * 162.0,
            total_wrap_up_time=worker.calls * 12.0,
            complete=True,
            sessions=[self._brief(self._session(worker, group)) for group in worker.groups],
        )

    @staticmethod
    def _brief(session: SessionPayload) -> AgentSessionPayload:
        told = session.model_dump(include=set(AgentSessionPayload.model_fields))
        told["asterisk"] = session.asterisk.model_dump(include=set(AgentMemberPayload.model_fields))
        return AgentSessionPayload.model_validate(told, strict=True)

    def _queue(self, line: Line) -> QueuePayload:
        states = [
            self._session(worker, line.name).state for worker in self.workers.values() if line.name in worker.groups
        ]
        longest = max(((self.now - caller).total_seconds() for caller in line.callers), default=0.0)
        return QueuePayload(
            contract=1,
            stream=STREAM,
            seq=1,
            node=self.node,
            as_of=rfc(self.now),
            queue=line.name,
            group=line.name,
            measurement_period=self._period(),
            total_calls_queued=line.answered + line.abandoned + len(line.callers),
            current_calls_queued=len(line.callers),
            total_calls_abandoned=line.abandoned,
            total_calls_flowed_in=0,
            total_calls_flowed_out=2,
            longest_ever_wait_time=max(312.0, longest),
            current_longest_wait_time=round(longest, 3),
            average_wait_time=14.0 if line.answered else 0.0,
            final_disposition=0,
            answered=line.answered,
            service_level=ServiceLevelPayload(
                threshold=line.threshold,
                answered_in_time=line.in_time,
                percent=round(100 * line.in_time / line.answered, 2) if line.answered else 0.0,
            ),
            callers_waiting=[
                WaitingCallerPayload(
                    uniqueid=f"{line.name}.{place}",
                    linkedid=None,
                    caller_number="+49301234567",
                    caller_name="A. Caller",
                    position=place,
                    waiting_since=rfc(joined),
                )
                for place, joined in enumerate(line.callers, 1)
            ],
            agents=SessionsByStatePayload(
                NOT_READY=states.count("NOT_READY"),
                READY=states.count("READY"),
                BUSY_ON_CALL=states.count("BUSY_ON_CALL"),
                BUSY_WRAPUP=states.count("BUSY_WRAPUP"),
            ),
        )


def a_busy_day(client: aiomqtt.Client, node: str = "pbx1") -> SimulatedCenter:
    """Five queues and two dozen agents in the middle of a morning, always the same."""
    chance = random.Random(7)
    lines = [
        Line("Support", [timedelta(seconds=134), timedelta(seconds=48), timedelta(seconds=9)], 184, 140, 12),
        Line("Sales", [timedelta(seconds=11)], 96, 88, 3),
        Line("Billing", [], 61, 57, 1),
        Line("Returns", [], 23, 20, 0),
        Line("Night desk", [], 0, 0, 0),
    ]
    workers = []
    for number, name in enumerate(NAMES):
        state = ("BUSY_ON_CALL", "READY", "BUSY_ON_CALL", "NOT_READY", "BUSY_ON_CALL", "BUSY_WRAPUP")[number % 6]
        groups = ["Support"] if state == "READY" and number % 4 == 1 else [lines[number % 4].name]
        if number % 5 == 0:
            groups.append(lines[(number + 1) % 4].name)
        seconds = {"BUSY_WRAPUP": 60, "NOT_READY": 2400, "READY": 700}.get(state, 900)
        workers.append(
            Worker(
                name,
                groups,
                f"PJSIP/{1001 + number}",
                state,
                REASONS[number % len(REASONS)] if state == "NOT_READY" else None,
                timedelta(seconds=chance.uniform(2, seconds)),
                chance.randint(2, 31),
            )
        )
    return SimulatedCenter(client, node, lines, workers)


def a_large_one(client: aiomqtt.Client, agents: int = 500, queues: int = 20, node: str = "pbx1") -> SimulatedCenter:
    """Many agents, each in one or two of many queues."""
    chance = random.Random(11)
    names = [f"Queue {number:02}" for number in range(1, queues + 1)]
    lines = [
        Line(name, [timedelta(seconds=chance.uniform(1, 40)) for _ in range(chance.choice((0, 0, 1, 2)))], 120, 101, 7)
        for name in names
    ]
    workers = [
        Worker(
            f"{NAMES[number % len(NAMES)].split()[0]} {number:03}",
            chance.sample(names, chance.choice((1, 2))),
            f"PJSIP/{2000 + number}",
            state := chance.choice(("READY", "BUSY_ON_CALL", "BUSY_ON_CALL", "BUSY_WRAPUP", "NOT_READY")),
            chance.choice(REASONS) if state == "NOT_READY" else None,
            timedelta(seconds=chance.uniform(1, 2000)),
            chance.randint(0, 40),
        )
        for number in range(agents)
    ]
    return SimulatedCenter(client, node, lines, workers)


async def keep_changing(center: SimulatedCenter, rate: float, stop: asyncio.Event, seed: int = 1) -> None:
    """Let *rate* agents a second change their state, until *stop* is set; each is told with sessions and queues.

    Cancelling is no way to end it: ``asyncio.wait_for``, in which the client publishes, may swallow that in 3.11.
    """
    chance, loop = random.Random(seed), asyncio.get_running_loop()
    names, began, done = list(center.workers), loop.time(), 0
    following = {"READY": "BUSY_ON_CALL", "BUSY_ON_CALL": "BUSY_WRAPUP", "BUSY_WRAPUP": "READY", "NOT_READY": "READY"}
    while not stop.is_set():
        await center.change(name := chance.choice(names), following[center.workers[name].state])
        done += 1
        await asyncio.sleep(max(0.0, began + done / rate - loop.time()))
