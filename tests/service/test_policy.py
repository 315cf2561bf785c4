"""What the gateway's own policy lets through."""

import pytest

from gateway.service.policy import Policy

ALL = ("set", "create_session", "end_session", "measurement_period", "resync")


def policy(**changes: tuple[str, ...]) -> Policy:
    """A policy that allows everything but for *changes*."""
    anything: dict[str, tuple[str, ...]] = {"commands": ALL, "groups": ("*",), "addresses": ("*",), "reasons": ("*",)}
    return Policy(**(anything | changes))


@pytest.mark.parametrize("command", ALL)
def test_a_command_is_refused_unless_it_is_allowed(command: str) -> None:
    """Each command must be named; the refusal says where."""
    assert policy().refusal(command) is None
    refused = policy(commands=tuple(each for each in ALL if each != command)).refusal(command)
    assert refused == f"{command} is not allowed here (commands.allow)"


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("PJSIP/1001", True),
        ("pjsip/1001", True),
        ("PJSIP/", True),
        ("SIP/1001", False),
        ("xPJSIP/1001", False),
        (" PJSIP/1001", False),
        ("Local/0900123456@outbound", False),
        ("Local/a1@agents/n", True),
        ("LOCAL/A9@AGENTS/N", True),
        ("Local/a12@agents/n", False),
        ("Local/a1@agents/n/x", False),
        ("", False),
    ],
)
def test_addresses_must_match_as_a_whole(address: str, *, allowed: bool) -> None:
    """A pattern stands for the whole address, in any case of ASCII letters."""
    refused = policy(addresses=("PJSIP/*", "Local/a?@agents/n")).refusal("create_session", address=address)
    assert (refused is None) is allowed


def test_brackets_stand_for_themselves() -> None:
    """Only * and ? are patterns: a bracket must not let through what is inside it."""
    strict = policy(addresses=("SIP/[12]00", "SIP/[::1]/*"))
    assert strict.refusal("create_session", address="SIP/[12]00") is None
    assert strict.refusal("create_session", address="sip/[::1]/1001") is None
    assert strict.refusal("create_session", address="SIP/100") is not None


def test_groups_match_in_any_case_and_reasons_do_not() -> None:
    """Asterisk tells queues apart without regard to ASCII case; reasons are texts."""
    strict = policy(groups=("Support*",), reasons=("lunch", "acw?"))
    assert strict.refusal("set", group="SUPPORT-2") is None
    assert strict.refusal("set", group="sales") == "commands in group sales are not allowed here (commands.groups)"
    assert strict.refusal("set", reason="lunch") is None
    assert strict.refusal("set", reason="Lunch") == "the reason Lunch is not allowed here (commands.reasons)"
    assert strict.refusal("set", reason="acw1") is None


@pytest.mark.parametrize("reason", [None, ""])
def test_no_reason_needs_no_pattern(reason: str | None) -> None:
    """Where only some reasons are allowed, a pause without one still is."""
    assert policy(reasons=("lunch",)).refusal("set", reason=reason) is None


def test_what_is_not_given_is_not_looked_at() -> None:
    """An agent's command has no group: it is looked at session by session."""
    assert policy(groups=(), addresses=(), reasons=()).refusal("set") is None
