"""The agent handler on a real Asterisk: what it says of itself."""

from pathlib import Path

import pytest

from tests.broker import Broker
from tests.e2e.running import running
from tests.lab import pbx
from tests.lab.asterisk import Asterisk
from tests.lab.driver import Driver
from tests.lab.gateway_process import NODE

pytestmark = [pytest.mark.lab, pytest.mark.timeout(60)]

WRAP_UP = {queue.name: queue.wrapuptime for queue in pbx.QUEUES}
CAROL = pbx.Member("Carol", "a5")


async def test_the_handler_says_which_groups_and_addresses_it_has(
    asterisk: Asterisk, broker: Broker, driver: Driver, tmp_path: Path
) -> None:
    """``bridge/info`` names every queue, and every address at which somebody is logged in."""
    static = {member.interface for queue in pbx.QUEUES for member in queue.members}
    async with running(asterisk, broker, tmp_path, wrap_up=WRAP_UP) as gateway:
        info = await gateway.subscriber.wait_for(
            lambda m: m.topic == "bridge/info" and m.json["sessions"] == sum(len(q.members) for q in pbx.QUEUES)
        )
        assert info.json["agent_handler"] == {
            "name": NODE,
            "acd_groups": sorted(queue.name for queue in pbx.QUEUES),
            "usable_addresses": sorted(static),
        }
        await driver.add("empty", CAROL)
        await gateway.subscriber.wait_for(lambda m: m.topic.startswith("session/empty/Carol/"))
        await gateway.subscriber.publish("bridge/request", '{"request": "health"}')
        info = await gateway.subscriber.wait_for(
            lambda m: m.topic == "bridge/info" and CAROL.interface in m.json["agent_handler"]["usable_addresses"]
        )
        assert info.json["sessions"] == sum(len(queue.members) for queue in pbx.QUEUES) + 1
