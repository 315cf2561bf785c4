"""The dashboard, against what Grafana publishes of its format: Grafana itself is no package of Debian, PyPI or npm.

What its panels ask is run in a real Prometheus in ``tests/http/test_prometheus.py``.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.npm import installed

pytestmark = pytest.mark.timeout(400)  # the packages are fetched on a machine's first run

SOURCE = Path(__file__).parent
GRAFANA = Path(__file__).parents[2] / "deploy" / "grafana"
DASHBOARD = GRAFANA / "cti-gateway.json"
PANELS = "@grafana/schema/dist/esm/raw/composable"

#: Grafana's types, in which enumerations are names of TypeScript's, with the values that stand in a file; all optional.
HEAD = f"""
import type {{ Dashboard }} from "@grafana/schema";
import type * as stat from "{PANELS}/stat/panelcfg/x/StatPanelCfg_types.gen";
import type * as table from "{PANELS}/table/panelcfg/x/TablePanelCfg_types.gen";
import type * as timeseries from "{PANELS}/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen";
type Plain<T> = T extends string ? `${{T}}`
    : T extends number ? (`${{T}}` extends `${{infer N extends number}}` ? N : T)
    : T extends boolean | null | undefined ? T
    : T extends (infer E)[] ? Plain<E>[]
    : {{ [K in keyof T]?: Plain<T[K]> }};
"""


def program(dashboard: dict[str, Any]) -> str:
    """A program that compiles if the dashboard has Grafana's types: as a whole, and each panel's own settings."""
    lines = [HEAD, f"export const dashboard: Plain<Dashboard> = {json.dumps(dashboard, indent=1)};"]
    for panel in dashboard["panels"]:
        if panel["type"] != "row":
            name, kind = panel["id"], panel["type"]
            lines.append(f"export const options{name}: Plain<{kind}.Options> = {json.dumps(panel.get('options', {}))};")
            if custom := panel["fieldConfig"]["defaults"].get("custom"):
                lines.append(f"export const custom{name}: Plain<{kind}.FieldConfig> = {json.dumps(custom)};")
    return "\n".join(lines) + "\n"


def problems(dashboard: dict[str, Any], folder: Path) -> str:
    """What the compiler says."""
    if shutil.which("node") is None:
        pytest.fail("npm is there, and node is not")
    modules = folder / "node_modules"
    if not modules.exists():
        modules.symlink_to(installed(SOURCE) / "node_modules")
    (folder / "package.json").write_text('{"type": "module"}')
    (folder / "dashboard.ts").write_text(program(dashboard))
    compiler = os.fspath(modules / "typescript" / "bin" / "tsc")
    options = ("--noEmit", "--strict", "--skipLibCheck", "--module", "nodenext", "--moduleResolution", "nodenext")
    done = subprocess.run(
        ["node", compiler, *options, "dashboard.ts"], cwd=folder, capture_output=True, text=True, check=False
    )
    return done.stdout


def shipped() -> dict[str, Any]:
    """The dashboard."""
    content: dict[str, Any] = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    return content


def test_has_the_types_of_grafana(tmp_path: Path) -> None:
    """Every key is one that Grafana knows in that place, and has a value that it knows."""
    assert problems(shipped(), tmp_path) == ""


def _unknown_key(dashboard: dict[str, Any]) -> None:
    dashboard["panels"][1]["titel"] = "x"


def _wrong_choice(dashboard: dict[str, Any]) -> None:
    next(each for each in dashboard["panels"] if each["type"] == "stat")["options"]["colorMode"] = "pink"


def _wrong_kind(dashboard: dict[str, Any]) -> None:
    next(each for each in dashboard["panels"] if each["type"] == "table")["gridPos"]["h"] = "4"


@pytest.mark.parametrize("spoil", [_unknown_key, _wrong_choice, _wrong_kind])
def test_a_mistake_would_be_seen(spoil: Callable[[dict[str, Any]], None], tmp_path: Path) -> None:
    """A key, a choice or a type that Grafana has not is told: the test above can fail."""
    dashboard = shipped()
    spoil(dashboard)
    assert "error TS" in problems(dashboard, tmp_path)


def test_provisioning_finds_the_dashboard() -> None:
    """The files for Grafana's provisioning fit each other: one source, and the folder in which the dashboard is put."""
    (source,) = yaml.safe_load((GRAFANA / "datasource.yaml").read_text())["datasources"]
    (provider,) = yaml.safe_load((GRAFANA / "provider.yaml").read_text())["providers"]
    assert (source["type"], source["access"], provider["type"]) == ("prometheus", "proxy", "file")
    page = (GRAFANA.parent / "docs" / "grafana.md").read_text(encoding="utf-8")
    for name in ("datasource.yaml", "provider.yaml", "cti-gateway.json"):
        assert f"deploy/grafana/{name}" in page
    assert provider["options"]["path"] in page
    variable = next(each for each in shipped()["templating"]["list"] if each["type"] == "datasource")
    assert variable["query"] == source["type"]
