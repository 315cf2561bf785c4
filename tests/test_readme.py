"""The README's examples are what the gateway says, key for key."""

import json
import re
from pathlib import Path

import pytest

from gateway.mqtt.payloads import AnswerPayload, SessionPayload

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def example(name: str) -> dict[str, object]:
    """The JSON block behind the comment that names it."""
    found = re.search(rf"<!-- {name}: .*?-->\n```json\n(.*?)```", README, re.DOTALL)
    assert found is not None
    content: dict[str, object] = json.loads(found[1])
    return content


def test_the_session_is_what_is_published() -> None:
    """Every key of a session stands in the README, and none that is not published."""
    shown = example("session")
    assert list(SessionPayload.model_validate(shown).model_dump(by_alias=True)) == list(shown)


def test_the_answer_is_what_is_published() -> None:
    """Every key of a command's answer stands in the README."""
    shown = example("answer")
    assert list(AnswerPayload.model_validate(shown).model_dump(exclude={"sessions"})) == list(shown)


@pytest.mark.parametrize("path", re.findall(r"\]\(([^):]+)\)", README))
def test_links_lead_somewhere(path: str) -> None:
    """What the README points to is there."""
    assert (ROOT / path).exists()


@pytest.mark.parametrize("page", sorted((ROOT / "deploy" / "docs").glob("*.md")), ids=lambda page: page.name)
def test_links_of_the_pages_lead_somewhere(page: Path) -> None:
    """What a page in deploy/docs points to is there, and a heading is one of that page."""
    text = page.read_text(encoding="utf-8")
    for link in re.findall(r"\]\(([^):]+)\)", text):
        path, _, heading = link.partition("#")
        assert (page.parent / path).exists(), link
        if heading:
            there = (page.parent / path if path else page).read_text(encoding="utf-8")
            assert heading in [
                re.sub("[^a-z0-9 -]", "", line.lower()).strip().replace(" ", "-")
                for line in re.findall("(?m)^#+ (.*)$", there)
            ]


@pytest.mark.parametrize("script", ["deploy/try.sh", "tests/run.sh"])
def test_the_two_commands_can_be_run(script: str) -> None:
    """Both commands of the README are there, and may be executed."""
    assert script in README
    assert (ROOT / script).stat().st_mode & 0o111
