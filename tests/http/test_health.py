"""``/healthz``: 200 only while what is shown is what is."""

import sqlite3
from contextlib import closing

import pytest

from gateway.http.health import Health
from tests.ami.scripted_asterisk import ScriptedAsterisk
from tests.broker import Broker
from tests.http.page import Pages
from tests.service.live import Live


async def test_all_well_is_200(pages: Pages) -> None:
    """With a current picture, a broker and a store, nothing fails."""
    status, said = await pages.health()
    assert (status, said["status"], said["failing"]) == (200, "ok", [])
    assert said["asterisk"] == {"link": "up", "current": True, "last_error": None}


async def test_a_lost_asterisk_is_503_until_the_picture_is_current(pages: Pages, asterisk: ScriptedAsterisk) -> None:
    """While Asterisk is away the answer says so, and after its return it is well again."""
    asterisk.stop_listening()
    asterisk.abort_sessions()
    _, said = await pages.until_health(lambda status, _: status == 503)
    assert said["failing"] == ["asterisk"]
    assert said["asterisk"]["link"] == "down"
    assert said["asterisk"]["last_error"]
    await asterisk.listen()
    await pages.until_health(lambda status, _: status == 200)


async def test_a_lost_broker_is_503_until_it_is_back(pages: Pages, broker: Broker) -> None:
    """While the broker is away the answer says so, and after its return it is well again."""
    broker.stop()
    _, said = await pages.until_health(lambda status, _: status == 503)
    assert said["failing"] == ["broker"]
    broker.start()
    await pages.until_health(lambda status, _: status == 200)


async def test_a_store_that_refuses_is_503_with_its_reason(
    pages: Pages, gateway: Live, asterisk: ScriptedAsterisk
) -> None:
    """While another program holds the store the answer says so, and afterwards it is well again."""
    path = gateway.gateway.store._path
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        asterisk.set_status("PJSIP/1002", 2)
        _, said = await pages.until_health(lambda status, _: status == 503)
        assert said["failing"] == ["store"]
        assert "locked by another program" in said["store"]["failure"]
        other.execute("ROLLBACK")
    await pages.until_health(lambda status, _: status == 200)
    assert (await pages.metrics())["cti_gateway_store_failures_total"] == 1


@pytest.mark.parametrize("current", [True, False])
@pytest.mark.parametrize("connected", [True, False])
@pytest.mark.parametrize("failure", [None, "no space"])
def test_one_fault_is_enough(failure: str | None, *, current: bool, connected: bool) -> None:
    """Health is good only if nothing fails, and names all that does."""
    link = "up" if current else "resyncing"
    health = Health(link=link, current=current, link_error=None, connected=connected, store_failure=failure)
    failing = health.as_json()["failing"]
    assert health.is_good == (not failing)
    assert failing == [
        name for name, bad in (("asterisk", not current), ("broker", not connected), ("store", failure)) if bad
    ]


def test_the_line_for_systemctl_says_the_same() -> None:
    """One line has links and store."""
    good = Health(link="up", current=True, link_error=None, connected=True, store_failure=None)
    bad = Health(link="resyncing", current=False, link_error=None, connected=False, store_failure="no space")
    assert good.as_line() == "Asterisk: up; broker: connected"
    assert bad.as_line() == "Asterisk: making the picture; broker: not connected; store: no space"
