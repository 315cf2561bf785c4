"""Which interface is whose, from a log that never says it."""

import pytest

from tests.replay.model import directory_of

BEGIN = 1_795_000_000


def lines(*rows: str) -> list[bytes]:
    """Lines a second apart."""
    return [f"{BEGIN + number}|{row}".encode() for number, row in enumerate(rows)]


def names(*rows: str, known: dict[str, str] | None = None) -> dict[str, str]:
    """Name by interface."""
    _, directory = directory_of(lines(*rows), known)
    return dict(directory.members.values())


ALICE, BOB = "NONE|support|PJSIP/1|ADDMEMBER|", "NONE|support|PJSIP/2|ADDMEMBER|"


def test_name_that_only_one_interface_can_have_is_its_name() -> None:
    """Alice is named while only her phone is in, and then the other phone can only be Bob's."""
    rows = (ALICE, "NONE|support|Alice|PAUSE|", BOB, "NONE|support|Bob|PAUSE|", "NONE|support|Alice|UNPAUSE|")
    assert names(*rows) == {"PJSIP/1": "Alice", "PJSIP/2": "Bob"}


def test_nobody_guesses() -> None:
    """Two who come and are named together may be either."""
    rows = (ALICE, BOB, "NONE|support|Bob|PAUSE|", "NONE|support|Alice|PAUSE|")
    _, directory = directory_of(lines(*rows))
    assert dict(directory.members.values()) == {"PJSIP/1": "PJSIP/1", "PJSIP/2": "PJSIP/2"}
    assert directory.unsure == ["PJSIP/1", "PJSIP/2"]
    assert {each.name for each in directory.arrivals} == {"Alice", "Bob"}


def test_whoever_knows_better_is_believed() -> None:
    """What is told beside the log leaves fewer who may be meant."""
    rows = (ALICE, BOB, "NONE|support|Bob|PAUSE|", "NONE|support|Alice|PAUSE|")
    assert names(*rows, known={"pjsip/1": "Alice"}) == {"PJSIP/1": "Alice", "PJSIP/2": "Bob"}


def test_log_that_names_members_alike_everywhere_needs_no_thought() -> None:
    """``log_membername_as_agent`` puts names into logins."""
    rows = ("NONE|support|Alice|ADDMEMBER|", "NONE|support|Bob|ADDMEMBER|", "NONE|support|Bob|PAUSE|")
    assert names(*rows) == {"Alice": "Alice", "Bob": "Bob"}


@pytest.mark.parametrize("late", [0, 60])
def test_call_may_be_answered_after_the_logout(late: int) -> None:
    """A phone that rang at the logout is answered a little later, and is still that member's."""
    rows = [ALICE, "NONE|support|Alice|PAUSE|", "NONE|support|PJSIP/1|REMOVEMEMBER|"]
    log = [*lines(*rows), f"{BEGIN + 3 + late}|1.1|support|Alice|CONNECT|1|1.2|1".encode()]
    _, directory = directory_of(log)
    assert dict(directory.members.values()) == {"PJSIP/1": "Alice"}


def test_logout_without_a_login_is_of_somebody_who_was_there() -> None:
    """A log that begins in the middle of a shift: the session begins with it."""
    _, directory = directory_of(lines("NONE|support|Alice|PAUSE|", "NONE|support|PJSIP/1|REMOVEMEMBER|"))
    assert [(each.time, each.interface, each.name) for each in directory.arrivals] == [(BEGIN, "PJSIP/1", "Alice")]
