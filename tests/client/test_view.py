"""A client's picture while it is being made: what is retained comes, and what happens meanwhile."""

import json

import pytest

from gateway.client.view import View
from gateway.contract.files import examples

SESSION = "session/support/Alice/PJSIP%2F1001"


def connected(*, retained: dict[str, bytes], live: dict[str, bytes]) -> View:
    """A view that has connected a second time: messages that were there before, and those that came meanwhile."""
    view = View()
    for _ in range(2):
        view.connecting()
        for topic, payload in retained.items():
            list(view.take(topic, payload, retained=True))
        for topic, payload in live.items():
            list(view.take(topic, payload, retained=False))
        list(view.ready())
    return view


def example(kind: str) -> bytes:
    """A message as it is sent."""
    return json.dumps(examples()[kind]).encode()


@pytest.mark.parametrize("is_retained", [True, False])
def test_what_came_while_it_connected_is_known(*, is_retained: bool) -> None:
    """Told just before, and thus retained, or at this very moment: a gateway that starts is not overlooked."""
    asterisk = json.dumps(examples()["bridge_asterisk"] | {"link": "up", "current": True}).encode()
    told = {"bridge/state": b"online", "bridge/asterisk": asterisk, SESSION: example("session")}
    view = connected(retained=told if is_retained else {}, live={} if is_retained else told)
    assert view.why_not_current == ""
    assert list(view.snapshots) == [SESSION]


def test_what_went_while_it_connected_is_gone() -> None:
    """A session that was retained and is removed at this moment, and a gateway that was there, are not known."""
    retained = {"bridge/state": b"online", SESSION: example("session")}
    view = connected(retained=retained, live={"bridge/state": b"", SESSION: b""})
    assert (view.state, view.snapshots) == (None, {})


def test_what_does_not_come_again_is_gone() -> None:
    """After another connection only what is retained then is known."""
    view = connected(retained={"bridge/state": b"online", SESSION: example("session")}, live={})
    view.connecting()
    list(view.ready())
    assert (view.state, view.snapshots) == (None, {})
