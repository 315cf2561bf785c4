"""Imports point inwards: what each part of the gateway may know of the others, read from the source."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import gateway

ROOT = Path(gateway.__file__).parent

#: What modules of each part may import of the gateway, besides their own part. A part that is not named may import all
#: but what is kept below.
ALLOWED = {
    "errors": set(),
    "domain": {"errors"},
    "clock": {"errors"},
    "ports": {"domain", "errors"},
    "timeline": {"clock", "domain", "errors"},
    "backoff": set(),
    "guard": set(),
    "ami": {"backoff", "clock", "domain", "errors", "guard", "timeline"},
    "mqtt": {"backoff", "clock", "domain", "errors", "guard"},
    "queue_log": {"clock", "domain", "errors", "timeline"},
    "store": {"clock", "domain", "errors"},
    "config": {"errors"},
    "doctor": {"ami", "clock", "config", "domain", "errors", "mqtt", "store"},
    "logs": set(),
    "http": {"domain", "errors"},
    "contract": {"mqtt"},
    "client": {"backoff", "errors", "mqtt"},
    "systemd": set(),
    "replay": {"domain", "errors", "queue_log", "report"},
    "report": {"domain", "store"},
    "simulate": set(),
}
#: Who alone may import a part of the gateway ...
KEPT = {
    "app": {"cli"},
    "assembly": {"app", "cli"},
    "running": {"assembly"},
    "cli": {"__main__"},
    "config": {"app", "assembly", "cli", "doctor", "rereading", "settings"},
    "logs": {"cli"},
}
KEPT |= {
    "doctor": {"cli"},
    "rereading": {"app"},
    "service": {"assembly", "rereading", "running", "settings"},
    "simulate": {"cli"},
}
KEPT |= {"settings": {"assembly"}}
#: ... or a library.
LIBRARIES = {
    "aiohttp": {"http"},
    "aiomqtt": {"mqtt"},
    "paho": {"mqtt"},
    "prometheus_client": {"http"},
    "panoramisk": {"ami"},
    "pydantic_settings": {"config"},
    "pygal": {"report"},
    "rich": {"cli"},
    "sqlite3": {"store"},
    "typer": {"cli"},
}
#: What the domain may not know even of the standard library: it takes time as a value and returns what happened.
IMPURE = {
    "asyncio",
    "http",
    "json",
    "logging",
    "os",
    "pathlib",
    "random",
    "socket",
    "sqlite3",
    "subprocess",
    "threading",
}
IMPURE |= {"secrets", "time"}
CLOCKS = {"datetime.now", "datetime.utcnow", "datetime.today", "date.today"}


def modules() -> dict[str, Path]:
    """Return the gateway's modules by their name without the ``gateway.`` in front."""
    paths = {path: path.relative_to(ROOT).with_suffix("").parts for path in ROOT.rglob("*.py")}
    return {".".join(parts).removesuffix(".__init__"): path for path, parts in paths.items() if parts != ("__init__",)}


def imports(path: Path) -> Iterator[str]:
    """Yield the full name of everything that a module imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide what is known"
            yield from (f"{node.module}.{name.name}" for name in node.names)


MODULES = modules()


def part_of(module: str) -> str:
    """Return the part a module belongs to: its first name."""
    return module.partition(".")[0]


@pytest.mark.parametrize("module", MODULES)
def test_imports_point_inwards(module: str) -> None:
    """No module imports a part that stands further out, or beside its own."""
    part = part_of(module)
    for name in imports(MODULES[module]):
        known = name.removeprefix("gateway.")
        if known in {name, "__version__"} or part_of(known) == part:
            continue
        allowed = ALLOWED.get(part)
        assert allowed is None or any(f"{known}.".startswith(f"{item}.") for item in allowed), f"{module}: {name}"
        assert part in KEPT.get(part_of(known), {part}), f"{module}: {name}"


@pytest.mark.parametrize("module", MODULES)
def test_each_library_stays_in_its_part(module: str) -> None:
    """A library is known to one part alone, so that changing it changes no other."""
    for name in imports(MODULES[module]):
        assert part_of(module) in LIBRARIES.get(part_of(name), {part_of(module)}), f"{module}: {name}"


@pytest.mark.parametrize("module", [name for name in MODULES if part_of(name) == "domain"])
def test_domain_is_pure(module: str) -> None:
    """The domain knows the standard library alone, nothing of it that waits, writes or reads a clock."""
    for name in imports(MODULES[module]):
        library = part_of(name)
        assert library == "gateway" or library in sys.stdlib_module_names, f"{module}: {name}"
        assert library not in IMPURE, f"{module}: {name}"
    for node in ast.walk(ast.parse(MODULES[module].read_bytes())):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            assert f"{node.value.id}.{node.attr}" not in CLOCKS, f"{module}:{node.lineno} reads a clock"
        assert not (isinstance(node, ast.AsyncFunctionDef | ast.Await)), f"{module}:{node.lineno} waits"


@pytest.mark.parametrize("module", MODULES)
def test_only_the_command_line_prints(module: str) -> None:
    """Nothing but the command line writes to the terminal."""
    if part_of(module) != "cli":
        for node in ast.walk(ast.parse(MODULES[module].read_bytes())):
            called = node.func if isinstance(node, ast.Call) else None
            assert not (isinstance(called, ast.Name) and called.id == "print"), f"{module}: print"
