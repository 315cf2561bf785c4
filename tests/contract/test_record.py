"""The examples of the contract are such as a run on a real Asterisk gives."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.contract.files import examples
from tests.contract.record import run

pytestmark = [pytest.mark.lab, pytest.mark.timeout(120)]


def keys(value: Any, place: str = "") -> Iterator[str]:
    """Every key in a message, with the place at which it stands; of texts and numbers there is none."""
    if isinstance(value, dict):
        for key, each in value.items():
            yield f"{place}.{key}"
            yield from keys(each, f"{place}.{key}")
    elif isinstance(value, list):
        for each in value:
            yield from keys(each, f"{place}[]")


async def test_a_run_gives_what_the_examples_show(tmp_path: Path) -> None:
    """Message by message it has the keys of the examples, in their order; else: python -m tests.contract.record."""
    recorded = await run(tmp_path)
    shown = examples()
    assert set(recorded) == set(shown)
    for name, message in recorded.items():
        assert list(keys(message)) == list(keys(shown[name])), name
