"""The examination: every check in its order, told as it ends. Nothing in it changes what anybody else sees."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from gateway.ami.message import AmiMessage
from gateway.ami.tls import tls_context
from gateway.clock import Clock
from gateway.config import GatewayConfig
from gateway.doctor import broker as brokers
from gateway.doctor import patience, queue_log, queues, rights, twin
from gateway.doctor.asterisk_conf import AsteriskConf, load
from gateway.doctor.findings import Finding, ok, problem, unknown
from gateway.doctor.link import AmiLink, AmiTarget, logged_in, own_address
from gateway.doctor.manager_conf import ManagerUser, manager_user, ports, stamps_events
from gateway.errors import (
    AmiActionError,
    AmiAuthenticationError,
    AmiError,
    ConfigError,
    MqttAuthenticationError,
    MqttConnectionError,
)
from gateway.mqtt.discovery.names import DiscoveryTopics
from gateway.mqtt.interface import MqttSettings
from gateway.mqtt.probe import Probe, open_probe
from gateway.mqtt.topics import TopicNameError, Topics
from gateway.store.peek import peek

CLOCKS_APART: Final = 0.5
"""Seconds from which on clocks that differ are told."""


@dataclass(frozen=True, slots=True)
class Options:
    """How to look.

    Attributes:
        asterisk_etc: Asterisk's configuration folder, on this machine.
        listen: Seconds to wait for events of each class.
        service_user: The user that the gateway runs as; None: the one that runs this.
    """

    asterisk_etc: Path = Path("/etc/asterisk")
    listen: float = 3.0
    service_user: str | None = "cti-gateway"


@dataclass(slots=True)
class Examination:
    """One visit: what to examine, and what Asterisk's own files say, where they can be read."""

    config: GatewayConfig
    options: Options
    clock: Clock
    files: "AsteriskFiles" = field(init=False)

    def __post_init__(self) -> None:
        self.files = AsteriskFiles()

    async def run(self) -> AsyncIterator[Finding]:
        """Check everything, Asterisk first; each finding comes when its check has ended."""
        self.files = AsteriskFiles.read(self.options.asterisk_etc, self.config.asterisk.host, self.config.asterisk.port)
        async for finding in self._asterisk():
            yield finding
        async for finding in self._broker():
            yield finding

    # Asterisk ------------------------------------------------------------------------------------------------------

    async def _asterisk(self) -> AsyncIterator[Finding]:
        settings = self.config.asterisk
        place = f"{settings.host}:{settings.port}"
        of_file = list(
            queue_log.of_file(settings.queue_log, self.files.place, queue_log.readers(self.options.service_user))
        )
        try:
            target = self._target()
            async with logged_in(target, self.clock) as link:
                yield ok("Asterisk login", f"as {settings.username} at {place}{', TLS' if settings.tls else ''}")
                async for finding in self._behind_login(link, target, of_file):
                    yield finding
        except ConfigError as error:
            yield problem("Asterisk", str(error), "gateway.toml [asterisk]: tls_ca_file")
        except AmiAuthenticationError:
            yield self._refused()
            for finding in of_file:
                yield finding
            yield unknown("everything behind the login", "rights, queues and clock of Asterisk", "mend the login first")
        except AmiError as error:
            yield problem(
                "Asterisk",
                f"no link to {place}: {error}",
                "manager.conf [general]: enabled = yes; bindaddr and port as host and port in gateway.toml [asterisk]"
                if not settings.tls
                else "manager.conf [general]: tlsenable = yes; tlsbindaddr, tlscertfile as in gateway.toml [asterisk]",
            )
            for finding in of_file:
                yield finding

    async def _behind_login(
        self, link: AmiLink, target: AmiTarget, of_file: Sequence[Finding]
    ) -> AsyncIterator[Finding]:
        user, name = self.files.user(target.username), target.username
        (listed,) = await link.ask("ListCommands")
        commands = set(listed.fields) - {"response", "actionid", "message"}
        for finding in rights.of_actions(name, commands):
            yield finding
        before, there = await self._members(link, commands)
        measured = await patience.waits_for_readers(target)
        yield rights.of_patience(name, measured, patience.WAIT, None if user is None else user.write_timeout)
        yield self._of_clock(await link.clock_offset())
        async for finding in self._of_queue_log(link, commands, of_file):
            yield finding
        async for finding in self._of_queues(link, commands, before, there):
            yield finding
        await link.heard.until("agent", "call", within=self.options.listen)
        after, _ = await self._members(link, commands)
        missed = {"agent"} if not link.heard.kinds["agent"] and queues.moved(before, after) else set[str]()
        for finding in rights.of_events(name, link.heard.kinds, user, missed=missed):
            yield finding
        yield rights.of_stamps(link.heard.stamped, link.heard.unstamped, self.files.stamps)

    async def _members(self, link: AmiLink, commands: set[str]) -> tuple[list[queues.Fields], list[str]]:
        """The members and the names of the queues, from one list."""
        if "queuestatus" not in commands:
            return [], []
        answer: list[AmiMessage] = await link.ask("QueueStatus", as_list=True)
        members: list[queues.Fields] = [each.fields for each in answer if each.event == "QueueMember"]
        return members, [each.fields.get("queue", "") for each in answer if each.event == "QueueParams"]

    def _of_clock(self, offset: float | None) -> Finding:
        check = "clocks"
        if offset is None:
            return unknown(check, "Asterisk's answer to Ping has no time")
        if abs(offset) > CLOCKS_APART:
            ahead = "ahead of" if offset > 0 else "behind"
            return problem(
                check,
                f"Asterisk's clock is {abs(offset):.1f} s {ahead} this machine's: all times are told wrong by that",
                "let NTP set the clocks of both machines (timedatectl set-ntp true)",
            )
        return ok(check, f"Asterisk's and this machine's are less than {CLOCKS_APART:g} s apart")

    async def _of_queue_log(
        self, link: AmiLink, commands: set[str], of_file: Sequence[Finding]
    ) -> AsyncIterator[Finding]:
        path = self.config.asterisk.queue_log
        for finding in of_file:
            yield finding
        if of_file or path is None:
            return
        if "queuelog" not in commands:
            yield unknown(
                queue_log.CHECK,
                "whether it is this Asterisk's takes the right to do: agent",
                "see the AMI rights above",
            )
            return
        yield await queue_log.of_line(path, self.files.place, link)

    async def _of_queues(
        self, link: AmiLink, commands: set[str], members: Sequence[queues.Fields], there: Sequence[str]
    ) -> AsyncIterator[Finding]:
        if not there:
            if "queuestatus" in commands:
                yield queues.none_there()
            return
        settings = None if self.files.queues is None else queues.settings_of(self.files.queues)
        asterisk_tells = False
        if "getconfig" in commands:
            with suppress(AmiActionError):
                (answer,) = await link.ask("GetConfig", {"Filename": "queues.conf"})
                settings, asterisk_tells = queues.settings_of_answer(answer.fields), True
        for finding in queues.of_names(there, members):
            yield finding
        yield queues.of_state_interfaces(members)
        for finding in queues.of_wrap_up(there, settings, self.config.asterisk.wrap_up, asterisk_tells=asterisk_tells):
            yield finding
        yield queues.of_shared_lastcall(members, settings)

    def _refused(self) -> Finding:
        """Why Asterisk refused the login, which it does not say itself."""
        settings = self.config.asterisk
        check, name = "Asterisk login", settings.username
        address = own_address(settings.host, settings.port)
        secret = f"secret in manager.conf [{name}] and the password of gateway.toml [asterisk] must be the same"
        permit = f"manager.conf [{name}]: permit = {address or 'the address of this machine'}, behind every deny"
        if self.files.manager is None:
            return problem(
                check,
                "refused, and Asterisk does not say whether over name, password or address",
                f"manager.conf needs a section [{name}]; {secret}; {permit}; then {rights.RELOAD}",
            )
        user = self.files.user(name)
        if user is None:
            return problem(
                check, f"refused: there is no section [{name}] in manager.conf", f"manager.conf: add [{name}]"
            )
        if user.secret != settings.password.get_secret_value():
            return problem(
                check, "refused: the password is not the secret in manager.conf", f"{secret}; then {rights.RELOAD}"
            )
        if address is not None and user.permits(address) is False:
            return problem(
                check, f"refused: the ACL in manager.conf does not permit {address}", f"{permit}; then {rights.RELOAD}"
            )
        return problem(
            check,
            "refused, though name, password and address fit manager.conf: it may not have been read yet, another login "
            "may be open where allowmultiplelogin = no, or an acl of acl.conf denies it",
            f"{rights.RELOAD}; manager.conf [general]: allowmultiplelogin = yes; {permit}",
        )

    def _target(self) -> AmiTarget:
        settings = self.config.asterisk
        return AmiTarget(
            settings.host,
            settings.port,
            settings.username,
            settings.password.get_secret_value(),
            tls_context(_text(settings.tls_ca_file)) if settings.tls else None,
            settings.tls_server_name,
        )

    # The broker ----------------------------------------------------------------------------------------------------

    def _discovery(self, topics: Topics) -> DiscoveryTopics | None:
        wanted = self.config.home_assistant
        return DiscoveryTopics(topics, self.config.node, wanted.prefix) if wanted.discovery else None

    async def _broker(self) -> AsyncIterator[Finding]:
        mqtt = self.config.mqtt
        place = f"{mqtt.host}:{mqtt.port}"
        probe: Probe | None = None
        try:
            topics = Topics(mqtt.prefix, self.config.node)
            broker = brokers.Broker(self._mqtt_settings(), topics, self._discovery(topics))
            probe = await open_probe(brokers.client_settings(broker.settings))
            who = f"as {mqtt.username}" if mqtt.username else "anonymously"
            yield ok("broker login", f"{who} at {place}, MQTT {probe.version}{', TLS' if mqtt.tls else ''}")
            async for finding in brokers.of_broker(broker, probe):
                yield finding
            yield await self._twin(broker, probe)
        except (ConfigError, TopicNameError) as error:
            yield problem("broker", str(error), "gateway.toml: node, or [mqtt] prefix, tls_ca_file, tls_cert_file")
        except MqttAuthenticationError as error:
            yield problem(
                "broker login",
                f"refused: {error}",
                f"mosquitto_passwd PASSWORD_FILE {mqtt.username or 'USER'} with the password of gateway.toml [mqtt]",
            )
        except MqttConnectionError as error:
            what = "no link to" if probe is None else "the broker ended the connection at"
            yield problem(
                "broker",
                f"{what} {place}: {error}",
                "gateway.toml [mqtt]: host, port and tls as the broker's listener has them",
            )
        finally:
            if probe is not None:
                await probe.close()

    async def _twin(self, broker: brokers.Broker, probe: Probe) -> Finding:
        topics = broker.topics
        before = len(probe.received)
        if await probe.subscribe_or_not([topics.bridge_state, topics.bridge_info]):
            return unknown(twin.CHECK, "bridge/state may not be read", f"topic read {topics.base}/bridge/#")
        await probe.until(before + 1000, within=max(0.3, self.options.listen / 3))
        look = twin.seen(topics, probe.received[before:])
        return twin.judge(topics, look, await asyncio.to_thread(peek, self.config.store.path))

    def _mqtt_settings(self) -> MqttSettings:
        mqtt = self.config.mqtt
        context: ssl.SSLContext | None = None
        if mqtt.tls:
            context = tls_context(_text(mqtt.tls_ca_file))
            if mqtt.tls_cert_file is not None:
                try:
                    context.load_cert_chain(mqtt.tls_cert_file, mqtt.tls_key_file)
                except (OSError, ssl.SSLError) as error:
                    raise ConfigError(f"mqtt.tls_cert_file: {mqtt.tls_cert_file}: cannot be used: {error}") from None
        return MqttSettings(
            host=mqtt.host,
            port=mqtt.port,
            client_id="",
            session_expiry=0,
            username=mqtt.username,
            password=None if mqtt.password is None else mqtt.password.get_secret_value(),
            tls=context,
            protocol=mqtt.protocol,
        )


@dataclass(frozen=True, slots=True)
class AsteriskFiles:
    """Asterisk's own files, where they are on this machine and may be read."""

    manager: AsteriskConf | None = None
    queues: AsteriskConf | None = None
    logger: AsteriskConf | None = None
    asterisk: AsteriskConf | None = None

    @classmethod
    def read(cls, folder: Path, host: str, port: int) -> "AsteriskFiles":
        """Read those of the Asterisk that listens at *host* and *port*; none if they are of another."""
        manager = load(folder, "manager.conf") if _is_here(host) else None
        if manager is None or port not in ports(manager):
            return cls()
        return cls(manager, load(folder, "queues.conf"), load(folder, "logger.conf"), load(folder, "asterisk.conf"))

    def user(self, name: str) -> ManagerUser | None:
        """The AMI user *name*, if its file can be read."""
        return None if self.manager is None else manager_user(self.manager, name)

    @property
    def stamps(self) -> bool | None:
        """Whether events are to say when they happened."""
        return None if self.manager is None else stamps_events(self.manager)

    @property
    def place(self) -> queue_log.LogPlace:
        """Where queue_log is."""
        return queue_log.LogPlace(self.asterisk, self.logger)


def _is_here(host: str) -> bool:
    """Whether *host* is this machine: an address of its own can be bound."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError:
        return False
    for family, kind, _, _, where in found:
        if ip_address(str(where[0]).partition("%")[0]).is_loopback:
            return True
        with suppress(OSError), socket.socket(family, kind) as probe:
            probe.bind((where[0], 0))
            return True
    return False


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)
