"""Whether a member that is told of is logged in anew."""

from gateway.domain.instant import SECOND
from gateway.domain.member import Member
from gateway.domain.session import AgentSession


def is_another_login(session: AgentSession, told: Member, at: int, *, added: bool) -> bool:
    """Whether a member is another login than the session's: only that moves the LoginTime of a dynamic one.

    Where none is told (before 16.23) the event of a login tells it, unless it is the one whose session a list showed
    just before. A reload moves the LoginTime of static members and ends none; but what was static and is dynamic, or
    the other way, has been added anew.
    """
    known = session.member
    dynamic = told.membership == "dynamic"
    if (known.membership == "dynamic") != dynamic:
        return True
    if not dynamic:
        return False
    if known.login_stamp is None or told.login_stamp is None:
        return added and at > session.first_seen + SECOND
    return told.login_stamp != known.login_stamp
