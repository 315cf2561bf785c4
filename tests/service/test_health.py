"""What ``bridge/health`` counts."""

from tests.service.live import TOPICS, Live
from tests.service.outage import health_of


async def test_what_makes_no_sense_or_interests_nobody_is_counted(gateway: Live) -> None:
    """Lines of AMI without a header name, and events that nobody wants; over a new link, too."""
    before = await health_of(gateway)
    gateway.asterisk.send(b"Event: QueueMemberPause\r\nnonsense\r\n\r\n")
    for _ in range(3):
        gateway.asterisk.send_event("VarSet", Variable="x", Value="y")
    assert await counted(gateway) == (before["ami_malformed"] + 1, before["ami_dropped"] + 3)
    since = len(gateway.client.messages)
    gateway.asterisk.close_sessions()
    for current in (False, True):
        message = await gateway.client.wait_for(
            lambda m, current=current: m.topic == "bridge/asterisk" and m.json["current"] is current,  # type: ignore[misc]
            since=since,
        )
        since = gateway.client.messages.index(message)
    assert await counted(gateway) >= (before["ami_malformed"] + 1, before["ami_dropped"] + 3)


async def counted(gateway: Live) -> tuple[int, int]:
    """The two numbers, once a list has come back behind what was sent before."""
    await gateway.ask(TOPICS.bridge_request, {"request": "resync", "id": len(gateway.client.messages)})
    health = await health_of(gateway)
    return health["ami_malformed"], health["ami_dropped"]
