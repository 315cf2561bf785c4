"""What queues and members are like: names, devices, wrap-up, what a reload has switched off. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from gateway.ami.members import number
from gateway.doctor.asterisk_conf import AsteriskConf, is_true
from gateway.doctor.findings import Finding, note, ok, problem, some, unknown
from gateway.domain.member import fold

FILE: Final = "queues.conf"
SEPARATORS: Final = ",|;"
"""What parts the fields of members that Asterisk keeps over a restart, and of queue_log."""

MOST_BYTES: Final = 79
"""Asterisk cuts member names and interfaces there."""

Fields = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class QueueSettings:
    """What queues.conf says: ``shared_lastcall``, and seconds of wrap-up by queue (folded name)."""

    shared_lastcall: bool
    wrap_up: Mapping[str, int]


def settings_of(conf: AsteriskConf) -> QueueSettings:
    """Read them from the file."""
    wrap_up = {
        fold(name): number(conf.last(name, "wrapuptime")) or 0
        for name in conf.sections
        if name != "general" and name not in conf.templates
    }
    return QueueSettings(conf.is_on("general", "shared_lastcall", default=False), wrap_up)


def settings_of_answer(fields: Fields) -> QueueSettings:
    """Read them from the answer to GetConfig, whose lines name their category by its number."""
    categories = {key.rpartition("-")[2]: value for key, value in fields.items() if key.startswith("category-")}
    wrap_up = {fold(name): 0 for name in categories.values() if name != "general"}
    shared = False
    for key, value in sorted((key, value) for key, value in fields.items() if key.startswith("line-")):
        category = categories.get(key.split("-")[1], "general")
        name, _, text = value.partition("=")
        match category, name.strip().lower():
            case "general", "shared_lastcall":
                shared = is_true(text.removeprefix(">"))
            case _, "wrapuptime" if category != "general":
                wrap_up[fold(category)] = number(text.removeprefix(">").strip()) or 0
    return QueueSettings(shared, wrap_up)


def of_names(queues: Iterable[str], members: Sequence[Fields]) -> Iterator[Finding]:
    """Names that cannot be kept over a restart, or of which Asterisk sends no events."""
    texts = {name for member in members for name in _texts(member)}
    parted = {name for name in {*texts, *queues} if any(char in SEPARATORS for char in name)}
    if parted:
        yield problem(
            "names",
            f", | or ; in {some(parted)}: after a restart Asterisk makes other members of it, and queue_log is garbled",
            f"give them other names in {FILE} or where they log in",
        )
    broken = {name for name in texts if "\ufffd" in name}
    if broken:
        yield problem(
            "names in UTF-8",
            f"not UTF-8: {some(broken)}. Asterisk sends no events of such members",
            f"write {FILE} in UTF-8, and rename them where they log in",
        )
    long = {name for name in texts if len(name.encode()) >= MOST_BYTES}
    if long:
        yield problem(
            "length of names", f"cut at {MOST_BYTES} bytes by Asterisk: {some(long)}", "give them shorter names"
        )
    if not parted | broken | long:
        yield ok("names", f"of {len(members)} members can be kept and told")


def of_state_interfaces(members: Sequence[Fields]) -> Finding:
    """Members whose device Asterisk cannot know."""
    check = "state interfaces"
    blind = [
        member
        for member in members
        if fold(member.get("location", "")).startswith("local/")
        and fold(member.get("stateinterface") or member.get("location", "")).startswith("local/")
    ]
    if not blind:
        return ok(check, "every Local member has one of its own")
    example = blind[0]
    member = f"member => {example.get('location', '')},0,{example.get('name', '')},PJSIP/1001"
    names = some(f"{each.get('name', '')} in {each.get('queue', '')}" for each in blind)
    return problem(
        check,
        f"none for Local members {names}: a phone that is off, or busy with another call, looks free",
        f"{FILE} [{example.get('queue', '')}]: {member} (the phone, or a hint: of it, as the fourth field); for "
        "dynamic members the state interface of AddQueueMember or create_session",
    )


def of_wrap_up(
    queues: Iterable[str], settings: QueueSettings | None, own: Mapping[str, int], *, asterisk_tells: bool
) -> Iterator[Finding]:
    """Queues whose wrap-up the gateway cannot know.

    Args:
        queues: That there are.
        settings: What queues.conf says, as far as the doctor may read it.
        own: ``[asterisk.wrap_up]`` of the gateway.
        asterisk_tells: Whether the gateway can read queues.conf over AMI.
    """
    given = {fold(name): seconds for name, seconds in own.items()}
    on_disk = {} if settings is None else settings.wrap_up
    there = sorted(queues)
    lacking = [name for name in there if fold(name) not in given and not (asterisk_tells and fold(name) in on_disk)]
    if lacking:
        lines = ", ".join(f'"{name}" = {on_disk.get(fold(name), "SECONDS")}' for name in lacking)
        yield problem(
            "wrap-up",
            f"not known of {some(lacking)}: BUSY_WRAPUP is not told there",
            f"gateway.toml [asterisk.wrap_up]: {lines}",
        )
    other = [
        name for name in there if given.get(fold(name), on_disk.get(fold(name))) != on_disk.get(fold(name))
        and fold(name) in on_disk
    ]  # fmt: skip
    if other:
        lines = ", ".join(f'"{name}" = {on_disk[fold(name)]}' for name in other)
        yield note(
            "wrap-up in two places",
            f"gateway.toml says another than {FILE} for {some(other)}; Asterisk enforces its own",
            f"gateway.toml [asterisk.wrap_up]: {lines}",
        )
    if not lacking:
        yield ok("wrap-up", f"known of {len(there)} queues")


def of_shared_lastcall(members: Sequence[Fields], settings: QueueSettings | None) -> Finding:
    """Whether ``shared_lastcall`` works as queues.conf says; a reload of the members alone switches it off (18.0+).

    A member's last call counts in each of its queues while it is on: a later one in one queue shows that it is off.
    """
    check = "shared_lastcall"
    if settings is None:
        return note(check, f"{FILE} cannot be read: whether it should be on is not known")
    if not settings.shared_lastcall:
        return ok(check, f"off in {FILE}")
    shared = apart = ""
    for interface, own in _by_interface(members).items():
        last = max(_stamp(each, "lastcall") for each in own)
        there = [each for each in own if _stamp(each, "logintime") <= last]
        if not last or len(there) < len(own):
            continue
        if any(_stamp(each, "lastcall") < last for each in there):
            apart = interface
        else:
            shared = interface
    if apart:
        return problem(
            check,
            f"on in {FILE}, but the last call of {apart!r} counted in one of its queues only: lost, as by a reload of "
            "the members alone",
            f"touch /etc/asterisk/{FILE}; asterisk -rx 'queue reload all' (never 'queue reload members')",
        )
    if shared:
        return ok(check, "on, and calls count in every queue of their agent")
    return note(check, f"on in {FILE}; no agent of two queues has had a call yet by which one could see it")


def moved(before: Sequence[Fields], after: Sequence[Fields]) -> bool:
    """Whether members changed between two lists in a way of which an event of class ``agent`` tells."""
    keys = ("paused", "pausedreason", "status", "callstaken", "penalty")

    def picture(members: Sequence[Fields]) -> set[tuple[str, ...]]:
        return {
            (each.get("queue", ""), each.get("location", ""), *(each.get(key, "") for key in keys)) for each in members
        }

    return picture(before) != picture(after)


def none_there() -> Finding:
    """There are no queues at all."""
    return unknown("queues", "Asterisk has none", f"write one into {FILE}; realtime queues come with their first call")


def _texts(member: Fields) -> set[str]:
    return {member.get(key, "") for key in ("name", "location", "stateinterface", "pausedreason")} - {""}


def _by_interface(members: Iterable[Fields]) -> dict[str, list[Fields]]:
    found: dict[str, list[Fields]] = {}
    for member in members:
        found.setdefault(fold(member.get("location", "")), []).append(member)
    return {interface: own for interface, own in found.items() if len(own) > 1}


def _stamp(member: Fields, name: str) -> int:
    return number(member.get(name)) or 0
