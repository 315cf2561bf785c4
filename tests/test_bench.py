"""The benchmark itself: that it runs, counts rightly, and would notice what is lost."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.bench import mqtt_wire, templates
from tests.bench.__main__ import SCENARIOS
from tests.bench.bench import NotToldError, check_calls
from tests.bench.figures import figure, percentile, table
from tests.bench.floor import Floor
from tests.bench.lines import ROOT
from tests.bench.listener import Heard
from tests.bench.streams import calls, noise, stamped_places
from tests.bench.world import BASELINE, BASELINE_KEEPING, GATEWAY, UNDISTURBED, World

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="processes are measured by /proc")

SMALL = Floor(queues=2, members=5)


def test_the_gateway_and_its_baseline_are_measured_end_to_end() -> None:
    """One short turn prints figures of both as JSON; nothing in it is lost, or it would say so."""
    command = [sys.executable, "-m", "tests.bench", "--json", "--turns", "1", "--scale", "0.03", "--only", "throughput"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=110, check=False)
    assert done.returncode in {0, 1}, done.stderr
    flood = json.loads(done.stdout)["figures"][0]
    assert flood["value"] > 0
    assert flood["ratio"] == pytest.approx(flood["value"] / flood["baseline"])


@pytest.mark.parametrize("bridge", [GATEWAY, BASELINE, BASELINE_KEEPING])
def test_what_is_paced_is_told_with_its_latency(tmp_path: Path, bridge: str) -> None:
    """Every joining and every answer of a paced call has a latency, and memory and processor time are counted."""
    with World(SMALL, tmp_path, bridge=bridge, settings=UNDISTURBED) as world:
        told = world.pace(500, 0.5)
        check_calls(world.report(), told["due"] // 2, gateway=bridge == GATEWAY)
    assert (tmp_path / "kept.db").exists() == (bridge == BASELINE_KEEPING)
    assert len(told["latencies"]) == told["due"] > 0
    assert all(0 < seconds < 30 for seconds in told["latencies"])


def test_an_event_that_is_missing_is_noticed() -> None:
    """A hole in the stream, and a call that is not told, are each an error."""
    heard = Heard()
    for seq in (1, 2, 4):
        heard.take(b"cti/bench/queue/q/event", json.dumps({"seq": seq}, separators=(",", ":")).encode(), 0.0)
    assert heard.disorder == 1
    whole = dict.fromkeys(("session BUSY", "call", "queue JOINED", "queue CONNECTED", "agent BUSY_ACD"), 1)
    check_calls({"counts": whole, "disorder": 0, "calls_counted": 1}, 1, gateway=True)
    with pytest.raises(NotToldError):
        check_calls({"counts": whole | {"call": 0}, "disorder": 0, "calls_counted": 1}, 1, gateway=True)
    with pytest.raises(NotToldError):
        check_calls({"counts": whole, "disorder": 1, "calls_counted": 1}, 1, gateway=True)


def test_the_places_of_stamps_are_those_of_the_events() -> None:
    """Where the sender is said to tell of a caller it does, also with more calls than go on at once."""
    events = list(calls(SMALL, 7, 23))
    assert len(events) == 23 * len(templates.CALL)
    for caller, (joins, connects) in stamped_places(SMALL, 7, 23).items():
        assert events[joins].startswith(b"Event: QueueCallerJoin\r\n")
        assert events[connects].startswith(b"Event: AgentConnect\r\n")
        assert all(f"\r\nUniqueid: {caller}\r\n".encode() in events[place] for place in (joins, connects))


def test_events_have_one_place_for_the_stamp() -> None:
    """Every event can be stamped, and is a whole AMI message then."""
    for event in [*calls(SMALL, 0, 2), *noise(SMALL, 20)]:
        stamped = event % b"1795333812.744052"
        assert b"\r\nTimestamp: 1795333812.744052\r\n" in stamped
        assert stamped.endswith(b"\r\n\r\n")
        assert stamped.count(b"\r\n\r\n") == 1


@pytest.mark.parametrize("size", [0, 100, 200, 20_000])
def test_packets_are_read_back_wherever_they_are_cut(size: int) -> None:
    """A PUBLISH that is written is read back, and one that is not all there waits."""
    packet = mqtt_wire.publish("a/b", os.urandom(size))
    head = mqtt_wire.split(b"\x00" + packet, 1)
    assert head is not None
    topic, identifier, payload = mqtt_wire.publish_parts(b"\x00" + packet, head)
    assert (topic, identifier, payload) == (b"a/b", b"\x00\x01", packet[len(packet) - size :])
    assert all(mqtt_wire.split(packet[:end], 0) is None for end in (0, 1, 2, len(packet) // 2, len(packet) - 1))


def test_a_target_is_judged_by_the_median() -> None:
    """Of a figure, or of its ratios turn by turn; and the table says which are not met."""
    rate = figure("rate", "events/s", [10, 30, 20], [10, 10, 10], at_least=2.5, of_ratio=True)
    assert (rate.value, rate.ratio, rate.met) == (20, 2.0, False)
    size = figure("size", "MiB", [60.0, 80.0, 65.0], at_most=70)
    assert (size.value, size.met) == (65.0, True)
    assert [line.split("  ")[-1].strip() for line in table([rate, size]).splitlines()[1:]] == ["NOT MET", "met"]
    assert percentile([1, 2, 3, 4], 0.5) == 3


def test_the_document_names_every_scenario() -> None:
    """What can be measured is told to whoever wants to measure it."""
    text = (ROOT / "deploy" / "docs" / "performance.md").read_text("utf-8")
    assert [name for name in SCENARIOS if f"`{name}`" not in text] == []
