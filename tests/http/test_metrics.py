"""``/metrics``: the model's figures at the moment of the scrape, under Prometheus' rules for names, and no caller."""

import asyncio
import re
import subprocess
from pathlib import Path

from gateway.http.labels import label
from tests.ami.scripted_asterisk import ScriptedAsterisk
from tests.http.page import Pages
from tests.http.shift import CALLER_NAME, CALLER_NUMBER, LINKEDID, shift
from tests.service.live import ALICE, Live
from tests.unpacked import program


async def test_the_call_center_as_it_is(pages: Pages, gateway: Live) -> None:
    """Sessions and agents by state are those of the model."""
    found = await pages.metrics()
    assert found['cti_queue_sessions{queue="sales",state="READY"}'] == 2
    assert found['cti_queue_sessions{queue="Support",state="READY"}'] == 1
    assert found['cti_agents{state="READY"}'] == 2
    await gateway.ask("cti/pbx1/session/sales/Bob/PJSIP%2F1002/set", "NOT_READY")
    found = await pages.metrics()
    assert found['cti_queue_sessions{queue="sales",state="NOT_READY"}'] == 1
    assert found['cti_agents{state="NOT_READY"}'] == 1
    assert found['cti_gateway_commands_total{code="ok"}'] == 1
    assert found['cti_gateway_ami_events_total{event="QueueMemberPause"}'] == 1


async def test_a_caller_from_joining_to_hanging_up(pages: Pages, asterisk: ScriptedAsterisk) -> None:
    """Waiting, waits, ways out, service level, calls, talk and wrap-up follow what Asterisk tells."""
    before = await pages.metrics()
    assert 'cti_queue_service_level_ratio{queue="Support"}' not in before
    waiting = await shift(pages, asterisk)
    assert waiting['cti_queue_callers_waiting{queue="Support"}'] == 2
    assert waiting['cti_queue_longest_wait_seconds{queue="Support"}'] > 0
    found = await pages.until_metrics(lambda found: found['cti_queue_calls_handled_total{queue="Support"}'] == 1)
    assert found['cti_queue_callers_waiting{queue="Support"}'] == 0
    assert found['cti_queue_calls_queued_total{queue="Support"}'] == 2
    assert found['cti_queue_calls_answered_total{queue="Support"}'] == 1
    assert found['cti_queue_calls_abandoned_total{queue="Support"}'] == 1
    assert found['cti_queue_wait_seconds_count{queue="Support"}'] == 2
    assert found['cti_queue_talk_seconds_total{queue="Support"}'] > 0
    assert found['cti_queue_calls_handled_total{queue="sales"}'] == 0


async def test_no_caller_is_in_it(pages: Pages, asterisk: ScriptedAsterisk) -> None:
    """Neither number, name, channel nor agent of a call is in a scrape, while it waits and when it is over."""
    await shift(pages, asterisk)
    await pages.until_metrics(lambda found: found['cti_queue_calls_handled_total{queue="Support"}'] == 1)
    text = await pages.text()
    for secret in (CALLER_NUMBER, CALLER_NAME, LINKEDID, ALICE, "Alice", asterisk.secret):
        assert secret not in text


async def test_what_the_links_do_is_counted(pages: Pages, asterisk: ScriptedAsterisk) -> None:
    """A lost link shows as such, and afterwards as a loss, a gap and another resync."""
    before = await pages.metrics()
    assert before['cti_gateway_link_up{link="asterisk"}'] == before['cti_gateway_link_up{link="broker"}'] == 1
    assert before["cti_gateway_picture_current"] == before["cti_gateway_store_usable"] == 1
    assert before["cti_gateway_publishes_total"] > 0
    asterisk.stop_listening()
    asterisk.abort_sessions()
    lost = await pages.until_metrics(lambda found: found['cti_gateway_link_up{link="asterisk"}'] == 0)
    assert lost["cti_gateway_picture_current"] == 0
    await asterisk.listen()
    found = await pages.until_metrics(lambda found: found["cti_gateway_picture_current"] == 1)
    assert found['cti_gateway_link_losses_total{link="asterisk"}'] == 1
    assert found['cti_gateway_gaps_total{outcome="lost"}'] == 1
    assert found["cti_gateway_resyncs_total"] == before["cti_gateway_resyncs_total"] + 1


def test_a_name_that_is_no_utf_8_does_not_spoil_a_scrape() -> None:
    """Bytes that are no UTF-8 are written out, all other text stays as it is."""
    assert label("café") == "café"
    assert label("caf\udce9").encode() == b"caf\\udce9"


async def test_names_are_as_prometheus_wants_them(pages: Pages, tmp_path: Path) -> None:
    """Prometheus' own linter has nothing to say, and every family of the gateway's has a sentence of help."""
    text = await pages.text()
    ours = re.findall(r"(?m)^# HELP (cti_\w+) (.*)$", text)
    assert len(ours) > 30
    assert all(said.endswith(".") for _, said in ours)
    scrape = tmp_path / "scrape"
    scrape.write_text("".join(f"{line}\n" for line in text.splitlines() if "cti_" in line))
    promtool = program("prometheus", "usr/bin/promtool")
    with scrape.open() as lines:
        check = await asyncio.create_subprocess_exec(promtool, "check", "metrics", stdin=lines, stderr=subprocess.PIPE)
        _, said = await check.communicate()
    assert (check.returncode, said) == (0, b"")
