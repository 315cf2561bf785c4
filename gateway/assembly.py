"""The composition root: makes the parts from the configuration, and connects them."""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from gateway import __version__
from gateway.ami.client import AmiClient
from gateway.ami.translate import Translator
from gateway.clock import Clock
from gateway.config import GatewayConfig
from gateway.domain.agents import AgentBook
from gateway.domain.callcenter import CallCenter
from gateway.domain.handler import AgentHandler
from gateway.domain.instant import HOUR, SECOND
from gateway.domain.member import fold
from gateway.domain.queues import QueueBook
from gateway.domain.session import Rules
from gateway.http.sources import Sources
from gateway.http.tally import Tally
from gateway.localtime import LocalTime
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
from gateway.running import LEAVE_WITHIN, Gateway
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
from gateway.timeline import Timeline
from gateway.uuid7 import uuid7
from gateway.wallboard import FILES

if TYPE_CHECKING:
    from gateway.http.server import HttpServer


RESTORED: Final = "the file is a copy, or lacks what was last written to it"
"""Why a store whose file tells so itself begins a new stream."""


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


def _next_rollover(config: GatewayConfig, local_time: LocalTime) -> Callable[[int], int] | None:
    at = config.session.rollover
    return None if at is None else lambda instant: local_time.next_time(instant, at)


def _following(config: GatewayConfig) -> Following | None:
    path = config.asterisk.queue_log
    return None if path is None else Following(path, withhold_callers=not config.mqtt.publish_caller_id)
