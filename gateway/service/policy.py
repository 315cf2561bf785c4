"""The gateway's own policy: which commands, groups, addresses and reasons it lets through to Asterisk."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from gateway.domain.member import fold


@dataclass(slots=True)
class Policy:
    """What is allowed; the operator may change it while the gateway runs.

    Patterns have ``*`` and ``?``. Groups and addresses match without regard to ASCII case.

    Attributes:
        commands: ``set``, ``create_session``, ``end_session``, ``measurement_period``, ``resync``.
        groups: Patterns of groups in which anything may be done.
        addresses: Patterns of what create_session may log in: a dial string is money.
        reasons: Patterns of pause reasons.
    """

    commands: Collection[str]
    groups: Collection[str]
    addresses: Collection[str]
    reasons: Collection[str]

    def refusal(
        self, command: str, *, group: str | None = None, address: str | None = None, reason: str | None = None
    ) -> str | None:
        """Why a command may not be carried out; None if it may. Only what is given is looked at."""
        if command not in self.commands:
            return f"{command} is not allowed here (commands.allow)"
        if group is not None and not matches(fold(group), map(fold, self.groups)):
            return f"commands in group {group} are not allowed here (commands.groups)"
        if address is not None and not matches(fold(address), map(fold, self.addresses)):
            return f"logging in {address} is not allowed here (commands.addresses)"
        if reason and not matches(reason, self.reasons):
            return f"the reason {reason} is not allowed here (commands.reasons)"
        return None


def matches(text: str, patterns: Iterable[str]) -> bool:
    """Whether *text* matches one of the *patterns*, in which ``*`` and ``?`` stand for any characters."""
    # A bracket stands for itself, as any other character does.
    return any(fnmatchcase(text, pattern.replace("[", "[[]")) for pattern in patterns)
