"""AGENT_SESSION_STATE, AGENT_SESSION_EVENT, and the steps between states."""

from itertools import pairwise, product

import pytest

from gateway.domain.state import (
    EVENT_OF_STATE,
    TRANSITIONS,
    AgentSessionEvent,
    AgentSessionState,
    check_transition,
    steps,
)
from gateway.errors import IllegalTransitionError

S = AgentSessionState
PAIRS = list(product(S, S))
#: TAPI's own list of valid transitions, written out a second time.
VALID = {
    (S.NOT_READY, S.READY),
    (S.READY, S.NOT_READY),
    (S.READY, S.BUSY_ON_CALL),
    (S.BUSY_ON_CALL, S.BUSY_WRAPUP),
    (S.BUSY_ON_CALL, S.READY),
    (S.BUSY_ON_CALL, S.NOT_READY),
    (S.BUSY_WRAPUP, S.READY),
    (S.BUSY_WRAPUP, S.NOT_READY),
    (S.NOT_READY, S.SESSION_ENDED),
    (S.READY, S.SESSION_ENDED),
    (S.BUSY_ON_CALL, S.SESSION_ENDED),
    (S.BUSY_WRAPUP, S.SESSION_ENDED),
}


def test_values_are_those_of_tapi() -> None:
    """States and events have the numbers that TAPI gives them."""
    assert [(state.name, state.value) for state in S] == [
        ("NOT_READY", 0),
        ("READY", 1),
        ("BUSY_ON_CALL", 2),
        ("BUSY_WRAPUP", 3),
        ("SESSION_ENDED", 4),
    ]
    assert [(event.name, event.value) for event in AgentSessionEvent] == [
        ("NEW_SESSION", 0),
        ("NOT_READY", 1),
        ("READY", 2),
        ("BUSY", 3),
        ("WRAPUP", 4),
        ("END", 5),
    ]


def test_table_has_every_state() -> None:
    """Every state has a row in the table and an event of its own."""
    assert set(TRANSITIONS) == set(EVENT_OF_STATE) == set(S)
    assert len(set(EVENT_OF_STATE.values())) == len(S)
    assert AgentSessionEvent.NEW_SESSION not in EVENT_OF_STATE.values()


@pytest.mark.parametrize(("current", "requested"), PAIRS)
def test_exactly_the_steps_of_tapi_are_allowed(current: S, requested: S) -> None:
    """Each of the 25 pairs is allowed or refused as TAPI says; a refusal names both states."""
    if (current, requested) in VALID:
        check_transition(current, requested)
        return
    with pytest.raises(IllegalTransitionError) as caught:
        check_transition(current, requested)
    assert (caught.value.current, caught.value.requested) == (current.name, requested.name)
    assert current.name in str(caught.value)
    assert requested.name in str(caught.value)


@pytest.mark.parametrize(("current", "requested"), PAIRS)
def test_steps_lead_there_by_allowed_steps_alone(current: S, requested: S) -> None:
    """The states to tell end in the one asked for, each follows the one before, and READY alone stands between."""
    if current is requested:
        assert steps(current, requested) == ()
    elif current is S.SESSION_ENDED or (requested is S.BUSY_WRAPUP and current is not S.BUSY_ON_CALL):
        with pytest.raises(IllegalTransitionError):
            steps(current, requested)
    else:
        path = steps(current, requested)
        assert path[-1] is requested
        assert set(pairwise((current, *path))) <= VALID
        assert path[:-1] == (() if (current, requested) in VALID else (S.READY,))
