"""The audit of the dependencies: what is vulnerable fails, and that nobody can be asked is told and does not."""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.audit import CONSTRAINTS, audit
from tests.broker import free_port

VULNERABLE = {
    "id": "PYSEC-2026-1",
    "summary": "It is said to leak.",
    "affected": [{"package": {"name": "leaky", "ecosystem": "PyPI"}}],
}


@pytest.fixture
def constraints(tmp_path: Path) -> Path:
    """Two dependencies."""
    path = tmp_path / "constraints.txt"
    path.write_text("leaky==1.0\ntight==2.0\n")
    return path


@contextmanager
def osv(vulnerable: Mapping[str, Any]) -> Iterator[str]:
    """A service that knows of vulnerabilities by package; yields its URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            known = vulnerable.get(asked["package"]["name"])
            body = json.dumps({} if known is None else {"vulns": [known]}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, name="osv")
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1/query"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_vulnerable_dependency_fails(constraints: Path) -> None:
    """It is named, with the number of what is wrong with it."""
    with osv({"leaky": VULNERABLE}) as url:
        assert audit(url, constraints) == (1, "leaky: PYSEC-2026-1")


def test_without_any_it_is_content(constraints: Path) -> None:
    """And says how many it looked up."""
    with osv({}) as url:
        assert audit(url, constraints) == (0, "2 dependencies audited, none vulnerable; 0 could not be looked up")


def test_that_nobody_answers_is_told_and_no_failure(constraints: Path) -> None:
    """A machine without the Internet can pass the tests."""
    status, text = audit(f"http://127.0.0.1:{free_port()}/v1/query", constraints)
    assert status == 0
    assert text.startswith("the dependencies could not be audited: ")
    assert "refused" in text


def test_every_dependency_is_pinned_and_so_audited() -> None:
    """Each line is a name and a version: nothing of what is installed can pass by."""
    lines = CONSTRAINTS.read_text().splitlines()
    assert lines
    assert all(line.count("==") == 1 for line in lines)
