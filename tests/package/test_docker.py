"""The image and the compose file, where no engine runs: they fit their formats, and what they name is there."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml

from gateway.config import HttpConfig
from gateway.config.keys import VARIABLE_PREFIX
from tests.package.conftest import ROOT, Built, build
from tests.unpacked import missing, program

DOCKER = ROOT / "deploy" / "docker"
DOCKERFILE = DOCKER / "Dockerfile"
COMPOSE = DOCKER / "compose.yaml"

#: What the one who sets it up makes, as the compose file says.
MADE_BY_HAND = {"gateway.toml", "secrets/mosquitto.passwd", "secrets/asterisk.password", "secrets/mqtt.password"}


def instructions() -> list[tuple[str, str]]:
    """Name and rest of each instruction of the Dockerfile, in order."""
    lines = [line for line in DOCKERFILE.read_text().splitlines() if line.strip() and not line.startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ")
    pairs = [line.split(None, 1) for line in joined.splitlines()]
    return [(name, rest.strip()) for name, rest in pairs]


def last_stage() -> dict[str, str]:
    """The instructions of the image itself; the last of each name."""
    found: dict[str, str] = {}
    for name, rest in instructions():
        found = {} if name == "FROM" else {**found, name: rest}
    return found


def test_hadolint_finds_nothing() -> None:
    """The linter of Dockerfiles is content."""
    tool = shutil.which("hadolint", path=f"{sysconfig.get_path('scripts')}:{os.environ.get('PATH', '')}")
    if tool is None:
        missing("There is no hadolint here; the other tests look at the Dockerfile without it.")
    assert tool is not None
    done = subprocess.run([tool, DOCKERFILE], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_what_is_copied_is_enough(built: Built, tmp_path: Path) -> None:
    """From the files that the Dockerfile copies, and the engine is sent, the same wheel is built."""
    sent = [line[1:] for line in (DOCKER / "Dockerfile.dockerignore").read_text().splitlines() if line.startswith("!")]
    for name, rest in instructions():
        if name != "COPY" or rest.startswith("--from"):
            continue
        *sources, target = rest.split()
        for source in sources:
            assert source in sent
            place = tmp_path / (source if target.endswith("/") else target)
            if (built.sources / source).is_dir():
                shutil.copytree(built.sources / source, place)
            else:
                shutil.copy(built.sources / source, place)
    build(tmp_path, tmp_path / "dist", "wheel")
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    with zipfile.ZipFile(wheel) as ours, zipfile.ZipFile(built.wheel) as expected:
        assert {each.filename: each.CRC for each in ours.infolist()} == {
            each.filename: each.CRC for each in expected.infolist()
        }


def test_image_is_not_roots() -> None:
    """It runs as a user with a number, its command is the gateway, and a stop is SIGTERM."""
    image = last_stage()
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", image["USER"])
    assert (json.loads(image["ENTRYPOINT"]), image["STOPSIGNAL"]) == (["cti-gateway"], "SIGTERM")
    assert json.loads(image["CMD"])[0] == "run"
    listen = HttpConfig().listen
    assert listen is not None
    assert image["EXPOSE"] == str(listen.port)


@contextmanager
def answering(status: int) -> Iterator[int]:
    """A server whose every answer has that status; yields its port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/healthz" else 404)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, name="health")
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.mark.parametrize(("status", "is_healthy"), [(200, True), (503, False)])
def test_health_is_that_of_the_gateway(status: int, *, is_healthy: bool) -> None:
    """The image's health check is content with 200 on /healthz, and with nothing else."""
    text = last_stage()["HEALTHCHECK"]
    command = json.loads(text[text.index("CMD ") + 4 :])
    assert command[:2] == ["python", "-c"]
    with answering(status) as port:
        code = command[2].replace(":9810/", f":{port}/")
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert (done.returncode == 0) is is_healthy


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    """The compose file."""
    read: dict[str, Any] = yaml.safe_load(COMPOSE.read_text())
    return read


def test_compose_file_fits_its_schema(compose: dict[str, Any]) -> None:
    """It is valid by the schema of the Compose specification, as Debian's docker-compose has it."""
    schema = program("docker-compose", "usr/lib/python3/dist-packages/compose/config/compose_spec.json")
    validator = jsonschema_rs.validator_for(json.loads(schema.read_text()))
    assert [error.message for error in validator.iter_errors(compose)] == []


def mounts(service: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Where each file or folder comes from, and where it is in the container."""
    for each in service["volumes"]:
        source, target, *_ = each.split(":")
        yield source, target


def test_what_compose_mounts_is_there(compose: dict[str, Any]) -> None:
    """Each file of the checkout that it names exists, apart from those it says how to make; volumes are declared."""
    named = [source for service in compose["services"].values() for source, _ in mounts(service)]
    named += [secret["file"] for secret in compose["secrets"].values()]
    in_checkout = {source for source in named if source.startswith(".")}
    missing = {source.removeprefix("./") for source in in_checkout if not (DOCKER / source).exists()}
    assert missing <= MADE_BY_HAND
    assert {source for source in named if not source.startswith((".", "/"))} == set(compose["volumes"])
    head = COMPOSE.read_text().partition("\nservices:")[0]
    assert all(name in head for name in MADE_BY_HAND)
    built_from = compose["services"]["gateway"]["build"]
    assert (DOCKER / built_from["context"] / built_from["dockerfile"]).resolve() == DOCKERFILE


def test_files_that_mosquitto_reads_are_mounted(compose: dict[str, Any]) -> None:
    """Each file that its configuration names is where the container has it."""
    mounted = {target: source for source, target in mounts(compose["services"]["mosquitto"])}
    texts = [(DOCKER / source).read_text() for target, source in mounted.items() if target.endswith(".conf")]
    named = dict(re.findall(r"^(\w+_file|persistence_location|include_dir) (\S+)", "\n".join(texts), re.MULTILINE))
    assert named["acl_file"] in mounted
    assert named["password_file"] in mounted
    assert named["persistence_location"].rstrip("/") in mounted
    assert sum(target.startswith(f"{named['include_dir']}/") for target in mounted) == 1


def test_environment_names_keys(compose: dict[str, Any]) -> None:
    """Each variable that compose sets is a key of the configuration, and each secret is where it says."""
    gateway = compose["services"]["gateway"]
    assert set(gateway["environment"]) == {f"{VARIABLE_PREFIX}{peer}__PASSWORD_FILE" for peer in ("ASTERISK", "MQTT")}
    assert {path.removeprefix("/run/secrets/") for path in gateway["environment"].values()} == set(gateway["secrets"])
    assert set(gateway["secrets"]) == set(compose["secrets"])
    command = shlex.join(json.loads(last_stage()["CMD"]))
    assert command.split()[-1] in {target for _, target in mounts(gateway)}
