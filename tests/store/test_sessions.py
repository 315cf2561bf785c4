"""Sessions as JSON: any session comes back as it was."""

import json
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.domain.facts import ContactLost
from gateway.domain.session import AgentSession, Rules, SessionEvent
from gateway.store.sessions import session_from_json, session_to_json
from tests.domain.histories import History, histories, instant
from tests.domain.support import RULES
from tests.domain.test_properties import new_handler
from tests.store.support import session

FINITE = st.none() | st.floats(allow_nan=False, allow_infinity=False)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.from_type(AgentSession), FINITE)
def test_any_session_comes_back(found: AgentSession, rate: float | None) -> None:
    """Whatever the fields hold, what was written is read, under the rules of the reader."""
    found = replace(found, final_rate=rate)
    assert session_from_json(session_to_json(found), RULES) == replace(found, rules=RULES)


@settings(max_examples=60, deadline=None)
@given(histories(), st.integers(0, 40_000))
def test_sessions_of_a_history_come_back(history: History, lost: int) -> None:
    """Each session of a random history, at each of its changes, comes back with the types it had."""
    handler = new_handler()
    for number, (told_at, fact) in enumerate(history.facts):
        outcomes = handler.apply(fact)
        if number % 7 == 0:
            handler.apply(ContactLost(instant(max(0, told_at - lost)), instant(told_at), "the link was lost"))
        told = [each.session for each in outcomes if isinstance(each, SessionEvent)]
        for each in (*told, *handler.ended()):
            again = session_from_json(session_to_json(each), each.rules)
            assert again == each
            assert repr(again.member) == repr(each.member)
            assert repr(again.calls) == repr(each.calls)
            assert again.state is each.state


def test_rules_are_not_kept() -> None:
    """The rules of the present configuration hold, not those of the time of writing."""
    rules = Rules(frozenset({"acw"}), unreachable_is_not_ready=False)
    text = session_to_json(session(1))
    assert "rules" not in json.loads(text)
    assert session_from_json(text, rules).rules is rules


def test_session_of_an_earlier_version_takes_defaults() -> None:
    """A key that a later version added may be missing at any depth."""
    body = json.loads(session_to_json(session(1)))
    for key in ("unseen", "gaps", "told", "final_rate", "figures"):
        del body[key]
    del body["member"]["login_stamp"]
    expected = replace(session(1, told=0), member=replace(session(1).member, login_stamp=None))
    assert session_from_json(json.dumps(body), RULES) == expected


def test_keys_of_another_version_are_ignored() -> None:
    """A key that this version does not know harms nothing, at any depth."""
    body = json.loads(session_to_json(session(1)))
    body["unheard_of"] = {"a": 1}
    body["member"]["unheard_of"] = body["figures"]["unheard_of"] = 1
    assert session_from_json(json.dumps(body), RULES) == session(1)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "{}", '{"session_id": "a"}', '{"session_id": 1}'])
def test_text_that_is_no_session_is_refused(text: str) -> None:
    """What is no session is told as one kind of error."""
    with pytest.raises(ValueError, match=r".+"):
        session_from_json(text, RULES)
