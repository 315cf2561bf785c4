"""AGENT_SESSION_STATE and AGENT_SESSION_EVENT of TAPI 3, and the steps between states that TAPI allows."""

from collections.abc import Mapping
from enum import IntEnum
from typing import Final

from gateway.errors import IllegalTransitionError


class AgentSessionState(IntEnum):
    """AGENT_SESSION_STATE (tapi3cc.h), names without the prefix ``ASST_``, values kept."""

    NOT_READY = 0
    READY = 1
    BUSY_ON_CALL = 2
    BUSY_WRAPUP = 3
    SESSION_ENDED = 4


class AgentSessionEvent(IntEnum):
    """AGENT_SESSION_EVENT (tapi3cc.h), names without the prefix ``ASE_``, values kept."""

    NEW_SESSION = 0
    NOT_READY = 1
    READY = 2
    BUSY = 3
    WRAPUP = 4
    END = 5


_S = AgentSessionState

# Source: "valid AgentSession state transitions" in the remarks on AGENT_SESSION_STATE.
TRANSITIONS: Final[Mapping[AgentSessionState, frozenset[AgentSessionState]]] = {
    _S.NOT_READY: frozenset({_S.READY, _S.SESSION_ENDED}),
    _S.READY: frozenset({_S.NOT_READY, _S.BUSY_ON_CALL, _S.SESSION_ENDED}),
    _S.BUSY_ON_CALL: frozenset({_S.NOT_READY, _S.READY, _S.BUSY_WRAPUP, _S.SESSION_ENDED}),
    _S.BUSY_WRAPUP: frozenset({_S.NOT_READY, _S.READY, _S.SESSION_ENDED}),
    _S.SESSION_ENDED: frozenset(),
}

EVENT_OF_STATE: Final[Mapping[AgentSessionState, AgentSessionEvent]] = {
    _S.NOT_READY: AgentSessionEvent.NOT_READY,
    _S.READY: AgentSessionEvent.READY,
    _S.BUSY_ON_CALL: AgentSessionEvent.BUSY,
    _S.BUSY_WRAPUP: AgentSessionEvent.WRAPUP,
    _S.SESSION_ENDED: AgentSessionEvent.END,
}


def check_transition(current: AgentSessionState, requested: AgentSessionState) -> None:
    """Do nothing if TAPI allows the step, else say why not.

    Raises:
        IllegalTransitionError: If *requested* cannot follow *current*. The current state again is not a
            step either: whether a repeated report is noise is for the caller to say.
    """
    if requested not in TRANSITIONS[current]:
        raise IllegalTransitionError(current.name, requested.name)


def steps(current: AgentSessionState, requested: AgentSessionState) -> tuple[AgentSessionState, ...]:
    """The states to tell, in order, to get from *current* to *requested*; empty if they are the same.

    Asterisk makes steps that TAPI forbids: a member answers though paused while ringing, or is called before
    its wrap-up is over. READY is put between, as it is the one state that follows both and leads to a call.

    Raises:
        IllegalTransitionError: If not even READY between makes it legal.
    """
    if current is requested:
        return ()
    if requested in TRANSITIONS[current]:
        return (requested,)
    check_transition(current, _S.READY)
    check_transition(_S.READY, requested)
    return (_S.READY, requested)
