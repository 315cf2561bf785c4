"""The alert rules and the dashboard, in a real Prometheus that scrapes a gateway."""

import asyncio
import json
import re
import shutil
import signal
import subprocess
import textwrap
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml

from tests.ami.scripted_asterisk import ScriptedAsterisk
from tests.broker import free_port
from tests.http.page import WITHIN, Pages
from tests.http.shift import shift
from tests.unpacked import program

DEPLOY = Path(__file__).parent.parent.parent / "deploy"
RULES = DEPLOY / "prometheus" / "cti-gateway.rules.yml"
DASHBOARD = DEPLOY / "grafana" / "cti-gateway.json"
RULE_TESTS = Path(__file__).parent / "rules.test.yml"

CONFIGURATION = """
global: {{scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 200ms}}
rule_files: [{rules}]
scrape_configs:
  - job_name: cti-gateway
    static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
"""


def promtool(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Run Prometheus' own checker."""
    tool = program("prometheus", "usr/bin/promtool")
    return subprocess.run([tool, *map(str, arguments)], capture_output=True, text=True, check=False)


def test_the_rules_are_rules() -> None:
    """Prometheus' own checker finds nothing wrong with them."""
    done = promtool("check", "rules", RULES)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_rules_fire_when_they_should_and_only_then() -> None:
    """Made-up series raise the alerts that are meant for them, and a quiet night raises none."""
    done = promtool("test", "rules", RULE_TESTS)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_rule_is_seen_to_fire() -> None:
    """What is made up in the tests of the rules has each alert in it once."""
    rules = yaml.safe_load(RULES.read_text())
    alerts = sorted(rule["alert"] for group in rules["groups"] for rule in group["rules"])
    assert sorted(re.findall(r"alertname=\"(\w+)\"", RULE_TESTS.read_text())) == alerts


def test_the_pages_lines_are_a_configuration(tmp_path: Path) -> None:
    """What the page for operators shows of ``prometheus.yml`` is one, with the rules beside it."""
    page = (DEPLOY / "docs" / "prometheus.md").read_text()
    found = re.search(r"<!-- checked by .*? -->\n *```yaml\n(.*?)```", page, re.DOTALL)
    assert found is not None
    (tmp_path / "prometheus.yml").write_text(textwrap.dedent(found[1]))
    shutil.copy(RULES, tmp_path)
    done = promtool("check", "config", tmp_path / "prometheus.yml")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 rule files found" in done.stdout


class Prometheus:
    """A running Prometheus."""

    def __init__(self, session: aiohttp.ClientSession, port: int) -> None:
        self._session = session
        self._base = f"http://127.0.0.1:{port}"

    async def ask(self, path: str, **query: str) -> Any:
        """The data of one answer of its interface."""
        async with self._session.get(f"{self._base}/api/v1/{path}", params=query) as answer:
            body = await answer.json()
        assert body["status"] == "success", (query, body)
        return body["data"]

    async def query(self, expression: str) -> list[Any]:
        """The series that an expression gives now."""
        found: list[Any] = (await self.ask("query", query=expression))["result"]
        return found

    async def until_ready(self) -> None:
        """Wait until it answers."""
        async with asyncio.timeout(WITHIN):
            while True:
                try:
                    async with self._session.get(f"{self._base}/-/ready") as answer:
                        if answer.status == 200:
                            return
                except aiohttp.ClientError:
                    pass
                await asyncio.sleep(0.05)

    async def until(self, expression: str) -> None:
        """Wait until an expression gives anything."""
        async with asyncio.timeout(WITHIN):
            while not await self.query(expression):  # noqa: ASYNC110  nothing tells when it has scraped
                await asyncio.sleep(0.05)


@asynccontextmanager
async def prometheus(folder: Path, gateway_port: int, *, more: str = "") -> AsyncIterator[Prometheus]:
    """Run one that scrapes a gateway several times a second, with *more* in its configuration."""
    port = free_port()
    configuration = folder / "prometheus.yml"
    configuration.write_text(CONFIGURATION.format(rules=RULES, port=gateway_port) + more)
    with (folder / "prometheus.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            program("prometheus", "usr/bin/prometheus"),
            f"--config.file={configuration}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
            stdout=log,
            stderr=log,
        )
    try:
        async with aiohttp.ClientSession() as session:
            running = Prometheus(session, port)
            await running.until_ready()
            yield running
    finally:
        process.send_signal(signal.SIGKILL)
        await process.wait()


def expressions() -> Iterator[str]:
    """Every expression of the dashboard, with its variables as Grafana would fill them in."""
    dashboard = json.loads(DASHBOARD.read_text())
    for panel in dashboard["panels"]:
        for target in panel.get("targets", []):
            yield re.sub(r"\$(instance|queue)\b", ".*", target["expr"]).replace("$__rate_interval", "1m")
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            found = re.fullmatch(r"label_values\((.+), \w+\)", variable["query"]["query"])
            assert found is not None
            yield found[1].replace("$instance", ".*")


def names_in(text: str) -> set[str]:
    """The metrics that are named in expressions."""
    return set(re.findall(r"\b(?:cti|process)_\w+\b", text))


async def test_a_real_prometheus_takes_all_of_it(
    pages: Pages, asterisk: ScriptedAsterisk, port: int, tmp_path: Path
) -> None:
    """It scrapes the gateway, evaluates every rule, and knows what every panel of the dashboard asks for."""
    await shift(pages, asterisk)
    await pages.until_metrics(lambda found: found['cti_queue_calls_handled_total{queue="Support"}'] == 1)
    async with prometheus(tmp_path, port) as running:
        await running.until('cti_queue_calls_handled_total{queue="Support"} == 1 and on (instance) up == 1')
        # A scrape that took too long on a busy machine takes all series away until the next, so each is waited for.
        async with asyncio.timeout(WITHIN):
            while any((each["health"], each["lastError"]) != ("up", "") for each in await targets(running)):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        assert len(await targets(running)) == 1
        for expression in expressions():
            if "ami_lag" not in expression:  # the scripted Asterisk stamps nothing
                assert await running.query(f"count({expression}) or vector(0)")
            for name in names_in(expression) - {"cti_gateway_ami_lag_seconds", "cti_queue_service_level_ratio"}:
                await running.until(name)
        async with asyncio.timeout(WITHIN):
            while not all(each["health"] == "ok" and is_quiet(each) for each in await rules(running)):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        assert len(await rules(running)) > 10
        unknown = {"cti_gateway_ami_lag_seconds", "up"}
        for name in names_in(RULES.read_text()) - unknown:
            if name != "cti_gateway":
                await running.until(name)


async def targets(running: Prometheus) -> list[Any]:
    """What is scraped, and how that went."""
    found: list[Any] = (await running.ask("targets"))["activeTargets"]
    return found


def is_quiet(rule: dict[str, Any]) -> bool:
    """Whether there is no alert, but for the one on a store that is new."""
    return bool(rule["state"] == "inactive" or rule["name"] == "CtiGapNotRecovered")


async def rules(running: Prometheus) -> list[Any]:
    """All rules, and how their evaluation went."""
    return [each for group in (await running.ask("rules"))["groups"] for each in group["rules"]]


def test_the_dashboard_is_whole() -> None:
    """Every panel has a title, a place of its own and an id of its own, and asks the source that is chosen."""
    panels = json.loads(DASHBOARD.read_text())["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        place = panel["gridPos"]
        assert panel["title"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken
        assert max(x for x, _ in cells) < 24
        taken |= cells
        for target in panel.get("targets", []):
            assert target["datasource"]["uid"] == "${datasource}"


@pytest.mark.parametrize("name", ["cti_gateway_ami_lag_seconds", "cti_queue_service_level_ratio"])
def test_what_a_scrape_may_lack_is_made_somewhere(name: str) -> None:
    """The metrics that are there only once something has happened are written as the dashboard has them."""
    source = Path(__file__).parent.parent.parent / "gateway" / "http"
    assert any(f'"{name}"' in path.read_text() for path in source.glob("*.py"))
