"""A first look through a gap: what must be known of the members before the log can be understood. Sans-I/O."""

from collections.abc import Iterable

from gateway.domain.handler import AgentHandler
from gateway.domain.member import MembershipKey, fold, membership_key
from gateway.queue_log.parse import Entry

MEMBER_EVENTS = frozenset({"CONNECT", "PAUSE", "UNPAUSE", "RINGNOANSWER"})
"""Events of a member that is told by name, and that change its session. What ends a call follows its CONNECT."""


class Survey:
    """What the entries of a gap tell of members.

    Attributes:
        logins: Time (seconds) of the last ADDMEMBER by queue and by what it names the member, in lower case, where no
            REMOVEMEMBER and no start of Asterisk followed.
        left: Queue and what names the member, of each REMOVEMEMBER whose login is before the gap.
        restarted: Whether Asterisk started.
    """

    def __init__(self) -> None:
        self.logins: dict[MembershipKey, int] = {}
        self.left: dict[MembershipKey, tuple[str, str]] = {}
        self.restarted = False
        self._added: set[MembershipKey] = set()
        self._named: dict[str, set[str]] = {}
        self._joined: set[str] = set()

    def take(self, entries: Iterable[Entry]) -> None:
        """Some entries, in the order of the log."""
        for entry in entries:
            match entry.event:
                case "ADDMEMBER":
                    key = membership_key(entry.queue, entry.agent)
                    self._joined.add(entry.queue)
                    self._added.add(key)
                    self.logins[key] = entry.time
                case "REMOVEMEMBER":
                    key = membership_key(entry.queue, entry.agent)
                    self.logins.pop(key, None)
                    if key not in self._added:
                        self.left.setdefault(key, (entry.queue, entry.agent))
                case "QUEUESTART":
                    self.restarted = True
                    self.logins.clear()
                case event if event in MEMBER_EVENTS:
                    self._named.setdefault(entry.queue, set()).add(entry.agent)

    def queues_to_list(self, handler: AgentHandler) -> set[str]:
        """The queues whose present members must be known first: they tell the names that the log leaves out.

        Those with logins, those in which somebody is named whom nobody knows, and all after a start of Asterisk.
        """
        known = {(fold(session.group), session.member.member_name) for session in handler.sessions()}
        strange = {
            queue for queue, names in self._named.items() if any((fold(queue), name) not in known for name in names)
        }
        wanted = self._joined | strange
        return wanted | self._named.keys() | set(handler.queues()) if self.restarted else wanted
