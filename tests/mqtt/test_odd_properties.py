"""Messages whose MQTT 5 properties hold what a library may stumble over."""

import pytest
from paho.mqtt.exception import MalformedPacket
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from gateway.mqtt.mends import _read_utf
from tests.broker import Broker
from tests.mqtt.recorder import TOPICS, client_of, running, settings_for

SET = TOPICS.session_set("support", "Alice", "PJSIP/1001")


@pytest.mark.parametrize("name", ["ResponseTopic", "ContentType", "UserProperty"])
async def test_a_byte_order_mark_does_not_cost_the_connection(broker: Broker, name: str) -> None:
    """MQTT allows U+FEFF in any text; a sender of one must not keep the gateway from the broker for ever."""
    properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
    setattr(properties, name, ("\ufeff", "\ufeff") if name == "UserProperty" else "my/\ufeff")
    async with running(settings_for(broker)) as run, client_of(broker, "commander") as commander:
        await commander.publish(SET, b"READY", qos=1, properties=properties)
        await run.recorder.until_told("command")
        assert run.recorder.count("disconnected") == 0
        assert run.recorder.commands[0].response_topic == ("my/\ufeff" if name == "ResponseTopic" else None)


def test_bytes_that_are_no_text_are_kept_apart() -> None:
    """What a careless broker lets through is read, and can be no topic; what is too long is malformed."""
    assert _read_utf(b"\x00\x03a\xffbrest", 9) == ("a\udcffb", 5)
    for broken in (b"", b"\x00", b"\x00\x02a"):
        with pytest.raises(MalformedPacket):
            _read_utf(broken, 20)
    with pytest.raises(MalformedPacket):
        _read_utf(b"\x00\x03abc", 4)
