"""Any log gives the same sessions by the lean way and by the model itself."""

import os
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.domain.instant import SECOND
from gateway.replay.rules import ReplayRules
from tests.ami.recordings import FOLDER, names
from tests.replay.model import Model, replayed

BEGIN = 1_795_000_000
EVENTS = [
    "ENTERQUEUE", "CONNECT", "CONNECT", "CONNECT", "COMPLETEAGENT", "COMPLETECALLER", "COMPLETECALLER",
    "BLINDTRANSFER", "ATTENDEDTRANSFER", "RINGNOANSWER", "ABANDON", "PAUSE", "PAUSE", "UNPAUSE", "UNPAUSE",
    "ADDMEMBER", "ADDMEMBER", "REMOVEMEMBER", "PENALTY", "QUEUESTART", "CONFIGRELOAD",
]  # fmt: skip
AGENTS = ["Alice", "Bob", "Mallory", "PJSIP/1001", "PJSIP/1002", "pjsip/1002", "PJSIP/1003"]
KNOWN = [{}, {"PJSIP/1001": "Alice", "PJSIP/1002": "Bob"}, {"PJSIP/1001": "Alice", "PJSIP/1002": "Alice"}]
RULES = [
    ReplayRules(),
    ReplayRules(wrap_up={"support": 15 * SECOND}),
    ReplayRules(wrap_up={"Support": 15 * SECOND, "sales": 3 * SECOND}, ring=True),
]
DATA = ["", "0", "1", "3", "7", "20", "PAUSED", "lunch", "wrapup", "acw", "Auto-Unpause", "x|y"]
STEPS = [0, 0, 0, 1, 1, 2, 5, 14, 15, 16, 61, 130]


def random_log(chance: random.Random) -> list[bytes]:
    """A log over few names, in which things meet; the clock is sometimes set back."""
    lines, time, starts = [], BEGIN, 0
    for number in range(chance.randrange(60)):
        time += chance.choice(STEPS)
        if chance.randrange(40) == 0:
            time -= chance.randrange(30)
        event = chance.choice(EVENTS)
        caller = chance.choice(["1.1", "1.2", "1.3", f"1.{number + 10}"])
        queue = chance.choice(["support", "support", "SUPPORT", "sales"])
        data = [chance.choice(DATA) for _ in range(chance.randrange(4))]
        starts += event == "QUEUESTART"
        if event == "CONNECT":
            channel = f"{starts}.{chance.choice([1, 2, 10 + number])}"  # which no later Asterisk gives again
            data = [chance.choice(DATA), channel, chance.choice(DATA), *data[:1]]
        elif event.startswith("COMPLETE"):
            data = ["1", str(chance.randrange(20)), "1", *data[:1]]
        lines.append("|".join((str(time), caller, queue, chance.choice(AGENTS), event, *data)).encode())
    lines.append(f"{time + chance.choice(STEPS) + 100}|NONE|NONE|NONE|CONFIGRELOAD|".encode())
    return lines


@settings(max_examples=int(os.environ.get("CTI_GATEWAY_REPLAY_EXAMPLES", "150")), deadline=None)
@given(st.randoms(use_true_random=False))
def test_any_log_is_replayed_by_the_rules_of_the_model(chance: random.Random) -> None:
    """Every figure of every session is the same, whatever the log says in whatever order."""
    lines, rules, known = random_log(chance), chance.choice(RULES), chance.choice(KNOWN)
    check(lines, rules, known, chance.randrange(3), chance.randint(1, 3))


def check(lines: list[bytes], rules: ReplayRules, known: dict[str, str], rollover: int, parts: int) -> None:
    """Hold both ways against each other."""
    period = (0, 40 * SECOND, 300 * SECOND)[rollover]
    next_rollover = (lambda at: at // period * period + period) if period else None
    expected, recovery = Model(rules, next_rollover).play(lines, known)
    found, player = replayed(lines, rules, known=known, next_rollover=next_rollover, parts=parts)
    assert found == expected
    assert (player.unplaced, player.unmatched) == (len(recovery.unplaced), recovery.calls.unmatched)


@pytest.mark.parametrize("name", names())
@pytest.mark.parametrize("rules", RULES)
def test_recorded_log_is_replayed_by_the_rules_of_the_model(name: str, rules: ReplayRules) -> None:
    """What a real Asterisk wrote in its tour, too."""
    path = (FOLDER / name).with_suffix(".queue_log")
    lines = path.read_bytes().split(b"\n")
    expected, _ = Model(rules).play(lines)
    found, _ = replayed(lines, rules)
    assert found == expected
    assert sum(int(str(each["calls"])) for each in found) > 5
