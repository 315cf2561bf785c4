"""What of a running gateway may be set anew: the policy on commands, wrap-up times, how often what is done."""

from collections.abc import Callable, Collection, Mapping

from gateway.service.commander import Commander
from gateway.service.policy import Policy
from gateway.service.upkeep import Upkeep
from gateway.service.wrap_up_times import WrapUpTimes


class Tuning:
    """Knows where each of it is.

    Args:
        policy: What commands may be given.
        commander: How many at once.
        wrap_up: The wrap-up times.
        upkeep: How often what is done.
        compare: Has the picture compared with Asterisk's soon, if there is one.

    Attributes:
        on_policy: Called when the policy may be another.
    """

    def __init__(
        self, policy: Policy, commander: Commander, wrap_up: WrapUpTimes, upkeep: Upkeep, compare: Callable[[], None]
    ) -> None:
        self._policy = policy
        self._commander = commander
        self._wrap_up = wrap_up
        self._upkeep = upkeep
        self._compare = compare
        self.on_policy: Callable[[], None] = lambda: None

    def set_policy(
        self,
        *,
        commands: Collection[str],
        groups: Collection[str],
        addresses: Collection[str],
        reasons: Collection[str],
        limit: int,
        per_second: int,
    ) -> None:
        """Let through what matches, *limit* at once and *per_second* a second; those that are under way go on."""
        self._policy.commands, self._policy.groups = commands, groups
        self._policy.addresses, self._policy.reasons = addresses, reasons
        self._commander.limit, self._commander.per_second = limit, per_second
        self.on_policy()

    def set_wrap_up(self, wrap_up: Mapping[str, int]) -> None:
        """Take the operator's wrap-up times, seconds by queue. A wrap-up that runs keeps its end."""
        self._wrap_up.configure(wrap_up)
        self._compare()

    def set_intervals(self, *, resync: float, statistics: float) -> None:
        """Compare every *resync* seconds, and send every snapshot once in *statistics* seconds."""
        self._upkeep.resync_interval, self._upkeep.statistics_interval = resync, statistics
