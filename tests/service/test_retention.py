"""What is over stays in a gateway's store for ``store.keep_days``, and no longer."""

import time
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.domain.session import Rules
from gateway.store.archive import DAY
from gateway.store.past import read_past
from tests.broker import Broker
from tests.domain.support import RULES
from tests.service.live import live, pbx
from tests.store.support import new_store
from tests.store.test_archive import batch, session


@pytest.mark.parametrize(("keep_days", "left"), [(400, [30, 3, 0]), (7, [3, 0]), (1, [0]), (0, [])])
async def test_a_gateway_forgets_what_is_older(broker: Broker, tmp_path: Path, keep_days: int, left: list[int]) -> None:
    """Sessions of a month, of three days and of an hour ago, as a report finds them after a gateway has run."""
    path, now = tmp_path / "gateway.db", time.time_ns() // 1000
    ended = {age: now - age * DAY - DAY // 24 for age in (30, 3, 0)}
    store = new_store(path)
    store.open(RULES)
    store.write(batch(*(replace(session(age, at), agent=str(age)) for age, at in ended.items())))
    store.close()
    async with pbx() as asterisk, live(broker, asterisk, store=path, keep_days=keep_days):
        pass
    past = read_past(path, now - 60 * DAY, now, Rules())
    found = sorted((each for each in past.sessions if each.agent.isdigit()), key=lambda each: each.ended)
    assert [int(each.agent) for each in found] == left
    assert len(past.calls) == len(past.spells) == len(left)
