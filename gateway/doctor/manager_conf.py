"""What manager.conf says of the gateway's user. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Final

from gateway.doctor.asterisk_conf import AsteriskConf

DEFAULT_PORT: Final = 5038
DEFAULT_TLS_PORT: Final = 5039
DEFAULT_WRITE_TIMEOUT: Final = 100
"""Milliseconds."""


@dataclass(frozen=True, slots=True)
class ManagerUser:
    """A section of manager.conf.

    Attributes:
        secret: Its secret; None if it has none.
        read: Classes of events it may see.
        write: Classes of actions it may do.
        write_timeout: Milliseconds.
        rules: ``permit`` and ``deny`` in their order, each with its network.
        named_rules: Whether rules of acl.conf count too.
        event_filters: How many there are.
    """

    secret: str | None
    read: frozenset[str]
    write: frozenset[str]
    write_timeout: int
    rules: tuple[tuple[bool, IPv4Network | IPv6Network], ...]
    named_rules: bool
    event_filters: int

    def permits(self, address: str) -> bool | None:
        """Whether *address* may log in; None if that cannot be told. The last rule that fits counts."""
        if self.named_rules:
            return None
        allowed = True
        own = ip_address(address)
        for permit, network in self.rules:
            if own.version == network.version and own in network:
                allowed = permit
        return allowed

    def may_see(self, kind: str) -> bool:
        """Whether events of class *kind* are sent to it."""
        return bool(self.read & {kind, "all"})


def manager_user(conf: AsteriskConf, name: str) -> ManagerUser | None:
    """The user *name*; None if there is none."""
    if name not in conf.sections or name == "general" or name in conf.templates:
        return None
    timeout = conf.last(name, "writetimeout") or conf.last("general", "writetimeout") or ""
    return ManagerUser(
        secret=conf.last(name, "secret"),
        read=_classes(conf.all(name, "read")),
        write=_classes(conf.all(name, "write")),
        write_timeout=int(timeout) if timeout.isascii() and timeout.isdigit() else DEFAULT_WRITE_TIMEOUT,
        rules=tuple(_rules(conf, name)),
        named_rules=bool(conf.all(name, "acl")),
        event_filters=len([key for key, _ in conf.sections[name] if key.startswith("eventfilter")]),
    )


def ports(conf: AsteriskConf) -> set[int]:
    """The ports on which this file lets Asterisk listen."""
    plain = conf.last("general", "port") or str(DEFAULT_PORT)
    _, _, secure = (conf.last("general", "tlsbindaddr") or "").rpartition(":")
    return {int(each) for each in (plain, secure or str(DEFAULT_TLS_PORT)) if each.isascii() and each.isdigit()}


def stamps_events(conf: AsteriskConf) -> bool:
    """Whether events say when they happened."""
    return conf.is_on("general", "timestampevents", default=False)


def _classes(values: Iterable[str]) -> frozenset[str]:
    last = [*values][-1:]
    return frozenset(name.strip().lower() for value in last for name in value.split(",") if name.strip())


def _rules(conf: AsteriskConf, name: str) -> Iterable[tuple[bool, IPv4Network | IPv6Network]]:
    for key, value in conf.sections[name]:
        if key not in {"permit", "deny"}:
            continue
        for each in value.split(","):
            text = each.strip()
            negated = text.startswith("!")
            try:
                yield (key == "permit") is not negated, ip_network(text.removeprefix("!"), strict=False)
            except ValueError:
                continue  # Asterisk passes over what is no network, with a word in its log
