"""The composition root: makes the parts from the configuration, runs them, and ends them in order."""

import asyncio
import json
import logging
import signal
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from gateway import __version__
from gateway.ami.client import AmiClient
from gateway.ami.translate import Translator
from gateway.clock import Clock, SystemClock
from gateway.config import GatewayConfig
from gateway.domain.agents import AgentBook
from gateway.domain.callcenter import CallCenter
from gateway.domain.handler import AgentHandler
from gateway.domain.instant import HOUR, SECOND
from gateway.domain.member import fold
from gateway.domain.queues import QueueBook
from gateway.domain.session import Rules
from gateway.errors import StoreWriteError
from gateway.http.health import read_health
from gateway.http.sources import Sources
from gateway.http.tally import Tally
from gateway.localtime import LocalTime
from gateway.memory import collect_seldom
from gateway.mqtt.agent_narrator import AgentNarrator
from gateway.mqtt.agent_presentation import AgentPresentation
from gateway.mqtt.announcer import Announcer
from gateway.mqtt.client import MqttClient
from gateway.mqtt.discovery.devices import Devices
from gateway.mqtt.discovery.names import DeviceKind, DiscoveryTopics
from gateway.mqtt.discovery.narrator import DiscoveryNarrator
from gateway.mqtt.interface import MEBIBYTE
from gateway.mqtt.narrator import Narrator
from gateway.mqtt.presentation import Presentation
from gateway.mqtt.queue_narrator import GroupNarrator, QueueNarrator
from gateway.mqtt.queue_presentation import QueuePresentation
from gateway.mqtt.stream import Publisher
from gateway.mqtt.topics import Topics
from gateway.rereading import Rereading
from gateway.service.archivist import Archivist
from gateway.service.backlog import Backlog
from gateway.service.bridge import Bridge
from gateway.service.carrier import Carrier
from gateway.service.commander import Commander
from gateway.service.device_watch import DeviceWatch
from gateway.service.following import Following
from gateway.service.journal import Journal
from gateway.service.keeper import DISCOVERY, Keeper
from gateway.service.kept import KeptQueues
from gateway.service.kept_agents import KeptAgents
from gateway.service.ledger import Ledger
from gateway.service.orders import Orders
from gateway.service.periods import Periods
from gateway.service.picture import Picture
from gateway.service.policy import Policy, matches
from gateway.service.recovery import Recovery
from gateway.service.resync import Resync
from gateway.service.tuning import Tuning
from gateway.service.upkeep import Upkeep
from gateway.service.ways_out import GrowingLog
from gateway.service.wrap_up_times import WrapUpTimes
from gateway.settings import ami_settings, mqtt_settings, topics_of
from gateway.store.contents import Batch, Saved
from gateway.store.store import Store
from gateway.systemd import Systemd
from gateway.timeline import Timeline
from gateway.uuid7 import uuid7
from gateway.wallboard import FILES

if TYPE_CHECKING:
    from gateway.http.server import HttpServer

_log = logging.getLogger(__name__)

DRAIN_WITHIN: Final = 2.0
"""Seconds that the broker is given, at an orderly stop, to take what waits for it."""

LEAVE_WITHIN: Final = 1.0
"""Seconds that it is given after that to take ``offline``. Both together, with all else, are less than five."""

RESTORED: Final = "the file is a copy, or lacks what was last written to it"
"""Why a store whose file tells so itself begins a new stream."""


@dataclass(frozen=True, slots=True)
class Gateway:
    """The parts, made and connected, nothing running yet."""

    picture: Picture
    upkeep: Upkeep
    commander: Commander
    ami: AmiClient
    mqtt: MqttClient
    ledger: Ledger
    store: Store
    tuning: Tuning
    http: "HttpServer | None"

    async def run(self, stop: asyncio.Event, systemd: Systemd | None = None) -> None:
        """Run until *stop* is set, then end in order. *systemd* is told how that goes.

        Raises:
            AmiAuthenticationError: If Asterisk refuses the login and never took it.
            MqttAuthenticationError: If the broker refuses the login and never took it.
        """
        systemd = systemd or Systemd({})
        mqtt = asyncio.create_task(self.mqtt.run(), name="mqtt")
        others = [
            asyncio.create_task(self.ami.run(), name="ami"),
            asyncio.create_task(self.upkeep.run(), name="upkeep"),
            asyncio.create_task(systemd.supervise(self._status, self._check_store), name="systemd"),
            asyncio.create_task(stop.wait(), name="stop"),
        ]
        if self.http is not None:
            others.append(asyncio.create_task(self.http.run(), name="http"))
        try:
            await asyncio.sleep(0)  # the tasks begin: both links are being tried
            systemd.ready()
            done, _ = await asyncio.wait((mqtt, *others), return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            _log.info("stopping")
            systemd.stopping()
            await self._end(mqtt, others)
            self.ledger.commit()
            self.store.close()
            _log.info("stopped")

    def _status(self) -> str:
        return read_health(self.picture, self.mqtt, self.ledger).as_line()

    def _check_store(self) -> None:
        """Read the store: where that hangs, the gateway does. That it refuses is told, and no restart mends it."""
        with suppress(StoreWriteError):
            self.store.messages(None, 1)

    async def _end(self, mqtt: asyncio.Task[None], others: Sequence[asyncio.Task[Any]]) -> None:
        """Answer what runs, say that the picture is not current, and leave the broker in order."""
        await self.commander.stop()
        self.picture.stop()
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        if self.mqtt.connected:
            with suppress(TimeoutError):
                async with asyncio.timeout(DRAIN_WITHIN):
                    await self.ledger.drain()
        self.mqtt.stop()
        with suppress(TimeoutError):
            async with asyncio.timeout(LEAVE_WITHIN + 0.5):
                await asyncio.gather(mqtt, return_exceptions=True)


def build(config: GatewayConfig, clock: Clock) -> Gateway:
    """Make all parts from the configuration.

    Raises:
        ConfigError: If a file that it names cannot be used, or a name cannot be a topic.
        StoreError: If the store cannot be used.
    """
    rules = Rules(
        wrap_up_reasons=frozenset(config.session.wrap_up_pause_reasons),
        unreachable_is_not_ready=config.session.unreachable_is_not_ready,
    )
    topics_of(config)
    store = Store(config.store.path, synchronous=config.store.synchronous)
    saved = store.open(rules, with_messages=False)
    try:
        return _build(config, clock, rules, store, saved)
    except BaseException:
        store.close()
        raise


def _build(config: GatewayConfig, clock: Clock, rules: Rules, store: Store, saved: Saved) -> Gateway:
    topics = topics_of(config)
    timeline = _timeline(clock)
    presentation = Presentation(
        node=config.node, stream=saved.stream, wall=timeline.wall, publish_caller_id=config.mqtt.publish_caller_id
    )
    keeper: Keeper | None = None

    def collect(batch: Batch) -> None:
        assert keeper is not None
        keeper.collect(batch)

    backlog = Backlog(store, config.store.outbox_limit_mb * MEBIBYTE)
    ledger = Ledger(store, backlog, collect, last_number=saved.last_number, last_seq=saved.last_seq)
    announcer = Announcer(ledger, topics, presentation, ended_retention=config.session.ended_retention * SECOND)
    handler = AgentHandler(rules, config.session.agent_identity, lambda instant: uuid7(timeline.wall(instant)))
    log = None if config.asterisk.queue_log is None else GrowingLog(config.asterisk.queue_log, timeline)
    translator = Translator(timeline, config.session.time_to_answer, None if log is None else log.read)
    local_time = LocalTime(timeline.wall, timeline.from_wall)
    agents = AgentBook(local_time)
    queues = QueueBook(local_time)
    tally = Tally()
    archivist = Archivist(timeline.wall, keep=config.store.keep_days * 24 * HOUR)
    center = CallCenter(handler, queues, agents, tally, archivist, next_rollover=_next_rollover(config, local_time))
    translator.devices.is_agents = agents.has_device
    announcer.narrators += _narrators(announcer, topics, presentation)
    picture = Picture(center, translator, timeline, announcer, clock, asterisk_topic=topics.bridge_asterisk)
    ami = AmiClient(
        ami_settings(config), picture, clock=clock, login_ever_succeeded="ami" in saved.values.get("logged_in", "")
    )
    following = _following(config)
    recovery = (
        None
        if following is None
        else Recovery(
            ami, handler, translator, timeline, following, queues=queues, time_to_answer=config.session.time_to_answer
        )
    )
    wrap_up = WrapUpTimes(ami, picture, handler, configured=config.asterisk.wrap_up)
    resync = Resync(
        ami,
        picture,
        handler,
        translator,
        timeline,
        wrap_up=wrap_up,
        following=following,
        recovery=recovery,
        devices=DeviceWatch(ami, picture, translator, agents),
    )
    keeper = Keeper(
        handler,
        translator,
        announcer,
        picture,
        resync,
        timeline=timeline,
        following=following,
        kept=[
            KeptQueues(queues, handler, announcer.narrators),
            KeptAgents(agents, announcer.narrators),
            archivist,
        ],
    )
    bridge = Bridge(topics, announcer, presentation, picture, handler, publisher=ledger, clock=clock)
    upkeep = Upkeep(
        picture,
        resync,
        announcer,
        handler,
        bridge,
        resync_interval=config.asterisk.resync_interval,
        statistics_interval=config.session.statistics_interval,
        following=following,
        keep_up=(lambda: None) if log is None else log.keep_up,
    )
    orders = Orders(ami, picture, handler, list_queue=resync.list_queue, timeout=config.commands.timeout)
    policy = Policy(config.commands.allow, config.commands.groups, config.commands.addresses, config.commands.reasons)
    carrier = Carrier(
        handler,
        orders,
        Periods(handler, agents, apply=picture.apply, now=picture.now),
        policy,
        identity=config.session.agent_identity,
        wrap_up_reasons=config.session.wrap_up_pause_reasons,
        resync=upkeep.resync_now,
        health=bridge.publish_health,
    )
    commander = Commander(
        topics,
        ledger,
        clock,
        carrier.carry,
        refusal=carrier.refusal,
        is_current=lambda: picture.current,
        max_age=config.commands.max_age * SECOND,
        limit=config.commands.max_in_flight,
        per_second=config.commands.max_per_second,
        weight=carrier.weight,
        journal=Journal(ledger),
    )
    _join(bridge, ledger, commander, resync, ami)
    _keep(picture, ledger)
    bridge.on_login = picture.on_login = keeper.logged_in.add
    backlog.sender = mqtt = MqttClient(
        mqtt_settings(config, topics, leave_within=LEAVE_WITHIN),
        topics,
        bridge,
        login_ever_succeeded="mqtt" in saved.values.get("logged_in", ""),
    )
    keeper.restore(saved)
    tally.restore(saved.sessions)
    center.start(picture.as_of())
    ledger.start()
    commander.restore(saved.commands)
    if saved.is_restored:
        announcer.bridge_event("STORE_RESTORED", picture.now(), path=str(config.store.path), reason=RESTORED)
    tuning = Tuning(policy, commander, wrap_up, upkeep, compare=upkeep.compare_soon)
    _discover(config, saved, topics, keeper=keeper, announcer=announcer, publisher=ledger, policy=policy, tuning=tuning)
    sources = Sources(
        node=config.node,
        outbox_limit=config.store.outbox_limit_mb * MEBIBYTE,
        picture=picture,
        broker=mqtt,
        ledger=ledger,
        bridge=bridge,
        ami=ami,
        commander=commander,
        resync=resync,
        names=announcer,
        queues=queues,
        agents=agents,
        tally=tally,
    )
    http = _http_server(config, sources)
    return Gateway(picture, upkeep, commander, ami, mqtt, ledger, store, tuning, http)


def _http_server(config: GatewayConfig, sources: Sources) -> "HttpServer | None":
    listen = config.http.listen
    if listen is None:
        return None
    # Imported where it is used: what it brings takes ten megabytes, and a third of a second of the start.
    from gateway.http.server import HttpServer  # noqa: PLC0415

    return HttpServer(listen, sources, files=FILES)


def _join(bridge: Bridge, ledger: Ledger, commander: Commander, resync: Resync, ami: AmiClient) -> None:
    """Tell the bridge what it publishes figures of, and what it hands on."""
    bridge.on_command = commander.receive
    bridge.commands_answered = lambda: sum(commander.answered.values())
    bridge.rights_missing = lambda: resync.rights_missing
    bridge.ledger = bridge.outbox = ledger
    bridge.ami_counts = lambda: (ami.malformed, ami.dropped)
    bridge.on_gone = ledger.gone
    ledger.on_failure = bridge.store_changed
    ledger.on_dropped = bridge.events_dropped


def _keep(picture: Picture, ledger: Ledger) -> None:
    """Have kept what the picture applies, as a whole each time."""
    picture.on_burst = ledger.begin_burst
    picture.on_applied = lambda more: ledger.end_burst(more=more)


def _timeline(clock: Clock) -> Timeline:
    started = clock.now()
    return Timeline(steady=started.steady, wall=started.wall)


def _narrators(announcer: Announcer, topics: Topics, presentation: Presentation) -> list[Narrator]:
    """Who tells of groups, queues and agents, in the order in which they tell of one thing that happened."""
    of_queues, refused = QueuePresentation(presentation), announcer.names_refused
    return [
        GroupNarrator(announcer.stream, topics, of_queues, refused),
        QueueNarrator(announcer.stream, topics, of_queues, refused),
        AgentNarrator(announcer.stream, topics, AgentPresentation(presentation), refused),
    ]


def _discover(
    config: GatewayConfig,
    saved: Saved,
    topics: Topics,
    *,
    keeper: Keeper,
    announcer: Announcer,
    publisher: Publisher,
    policy: Policy,
    tuning: Tuning,
) -> None:
    """Have Home Assistant told of the devices: those that are shown already, and those to come.

    What was told of under an earlier configuration, and is not now, is found after the start and removed.
    """
    wanted = config.home_assistant
    prefix = wanted.prefix if wanted.discovery else None
    told = json.loads(saved.values.get(DISCOVERY, "[]"))
    keeper.discovery_prefixes = frozenset(filter(None, [prefix, *told]))
    discovery = DiscoveryTopics(topics, config.node, prefix, sorted(keeper.discovery_prefixes))
    topics.elsewhere = discovery
    if prefix is None:
        return

    def wants(kind: DeviceKind, name: str) -> bool:
        if kind == "queue":
            return matches(fold(name), map(fold, wanted.queues))
        return matches(name, wanted.agents)

    def reasons() -> list[str] | None:
        if policy.refusal("set") is not None:
            return None
        return [each for each in wanted.pause_reasons if policy.refusal("set", reason=each) is None]

    devices = Devices(topics, discovery, node=config.node, version=__version__)
    narrator = DiscoveryNarrator(publisher, discovery, devices, wants=wants, reasons=reasons)
    narrator.restore(announcer.shown())
    announcer.narrators.append(narrator)
    tuning.on_policy = narrator.tell_anew


async def serve(config: GatewayConfig, reread: Callable[[], GatewayConfig] | None = None) -> None:
    """Run the gateway until SIGTERM or SIGINT; SIGHUP has the configuration read anew.

    Args:
        config: The configuration.
        reread: Reads it anew, or raises ConfigError; None: it is what it is.

    Raises:
        ConfigError: See ``build``.
        StoreError: See ``build``.
        AmiAuthenticationError: Asterisk refuses the login and never took it.
        MqttAuthenticationError: The broker refuses the login and never took it.
    """
    collect_seldom()
    gateway = build(config, SystemClock())
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    systemd = Systemd()
    if reread is not None:
        rereading = Rereading(gateway.tuning, config, reread, systemd)
        loop.add_signal_handler(signal.SIGHUP, rereading.reread)
    _log.info(
        "node %s: Asterisk at %s:%d, broker at %s:%d",
        config.node,
        config.asterisk.host,
        config.asterisk.port,
        config.mqtt.host,
        config.mqtt.port,
    )
    await gateway.run(stop, systemd)


def _next_rollover(config: GatewayConfig, local_time: LocalTime) -> Callable[[int], int] | None:
    at = config.session.rollover
    return None if at is None else lambda instant: local_time.next_time(instant, at)


def _following(config: GatewayConfig) -> Following | None:
    path = config.asterisk.queue_log
    return None if path is None else Following(path, withhold_callers=not config.mqtt.publish_caller_id)
