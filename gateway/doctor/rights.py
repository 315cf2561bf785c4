"""What the AMI user may see and do, from what Asterisk tells and from manager.conf where that can be read. Pure.

``ListCommands`` lists just the actions that the user may do. Which events it may see Asterisk tells nobody: an event of
a class proves that class, and FullyBooted, which greets whoever may see ``system``, its absence too.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Final

from gateway.doctor.findings import Finding, note, ok, problem, unknown
from gateway.doctor.manager_conf import ManagerUser

FILE: Final = "manager.conf"

EVENTS: Final[Mapping[str, str]] = {
    "agent": "queue members, their calls and pauses",
    "call": "how calls end and where they are transferred",
    "system": "that Asterisk is fully up, and that it goes down",
}
"""Classes of events the gateway needs, and what is in them."""

ACTIONS: Final[Mapping[str, tuple[str, str]]] = {
    "agent": ("queuepause", "pause, unpause, log in and log out agents"),
    "reporting": ("corestatus", "see Asterisk's version, restarts and channels"),
}
"""Classes of actions the gateway needs: one that no other class it has gives, and what for."""

POWERS: Final = ("command", "originate", "updateconfig", "redirect", "setvar", "hangup", "reload", "dbput", "filter")
"""Actions that the gateway never asks for, and somebody with its password would."""

RELOAD: Final = "asterisk -rx 'manager reload'"


def of_actions(username: str, commands: Collection[str]) -> Iterator[Finding]:
    """What the user may do; *commands* are the names of ListCommands in lower case."""
    if "queuestatus" not in commands:
        yield problem(
            "app_queue",
            "Asterisk knows no queues",
            "modules.conf: load = app_queue.so, then asterisk -rx 'module load app_queue.so'",
        )
    for kind, (action, purpose) in ACTIONS.items():
        check = f"AMI right to do: {kind}"
        if action in commands:
            yield ok(check, f"may {purpose}")
        elif kind == "agent" and "queuestatus" not in commands:
            yield unknown(check, "without app_queue there is nothing to do")
        else:
            yield problem(check, f"may not {purpose}", f"{FILE} [{username}]: write = agent,reporting, then {RELOAD}")
    powers = [power for power in POWERS if power in commands]
    if powers:
        yield note(
            "AMI rights beyond need",
            f"may also do {', '.join(powers)}, as could anybody with its password",
            f"{FILE} [{username}]: write = agent,reporting",
        )


def of_events(
    username: str, heard: Mapping[str, int], user: ManagerUser | None, *, missed: Collection[str] = ()
) -> Iterator[Finding]:
    """What the user may see.

    Args:
        username: Of AMI.
        heard: Events that came, by class.
        user: Its section of manager.conf, if that can be read.
        missed: Classes of which there must have been an event, as lists show, and none came.
    """
    for kind, content in EVENTS.items():
        check = f"AMI right to see: {kind}"
        change = f"{FILE} [{username}]: read = agent,call,system, then {RELOAD} and a new login"
        if heard.get(kind):
            yield ok(check, "events of that class come")
        elif kind == "system":
            yield problem(check, f"Asterisk did not say FullyBooted after the login: unseen is {content}", change)
        elif user is not None and not user.may_see(kind):
            yield problem(check, f"not in read of {FILE}: unseen is {content}", change)
        elif kind in missed:
            yield problem(check, f"queues changed and no event said so: unseen is {content}", change)
        elif user is not None:
            yield ok(check, f"granted by {FILE}; none came while the doctor looked")
        else:
            yield unknown(
                check,
                f"no event of that class came while the doctor looked, and {FILE} cannot be read",
                "run it during calls with --listen 60, or as a user who may read /etc/asterisk",
            )


def of_stamps(stamped: int, unstamped: int, in_file: bool | None) -> Finding:  # noqa: FBT001  what the file says
    """Whether events say when they happened. The file's word counts where no event has come."""
    check = "timestampevents"
    change = f"{FILE} [general]: timestampevents = yes, then {RELOAD}"
    if unstamped:
        return problem(check, "events come without the time at which they happened", change)
    if stamped:
        return ok(check, "events say when they happened")
    if in_file is None:
        return unknown(
            check, f"no event came while the doctor looked, and {FILE} cannot be read", "run it with --listen 60"
        )
    if not in_file:
        return problem(check, f"off in {FILE}: events do not say when they happened", change)
    return ok(check, f"on in {FILE}; no event came while the doctor looked")


def of_patience(username: str, waits: bool | None, seconds: float, in_file: int | None) -> Finding:  # noqa: FBT001
    """Whether Asterisk waits long enough for a reader that is held up; *in_file* in milliseconds."""
    check = "writetimeout"
    says = "" if in_file is None else f" ({FILE}: {in_file} ms)"
    too_low = in_file is not None and in_file < seconds * 1000
    if waits and not too_low:
        return ok(check, f"Asterisk waits at least {seconds:g} s for a reader that is held up{says}")
    change = f"{FILE} [{username}]: writetimeout = 5000, then {RELOAD} and a new login"
    if waits is None and in_file is not None and not too_low:
        return ok(check, f"{in_file} ms by {FILE}; the machine is too busy to measure it")
    if waits is None and not too_low:
        return unknown(check, f"it could not be measured how long Asterisk waits for a reader{says}", change)
    return problem(check, f"Asterisk cuts off who does not read for less than {seconds:g} s{says}", change)
