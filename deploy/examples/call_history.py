"""Call records and session events into PostgreSQL, each once: also over restarts of this, the broker and the database.

PGHOST=db PGDATABASE=cti PGUSER=call_history python call_history.py BROKER [PORT]

Needs psycopg beside the gateway's own packages, call_history.sql in the database, and a user of the broker's that may
read cti/#, in MQTT_USERNAME and MQTT_PASSWORD. Ends where the broker refuses it or the database fails: let systemd
start it again.
"""

import os
import sys
from typing import Any

import paho.mqtt.client as mqtt
import psycopg
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from psycopg.sql import SQL, Identifier

# Keys without a column are left out; what is there already, because it was sent again, stays as it is.
INSERT = "INSERT INTO {0} SELECT * FROM jsonb_populate_record(NULL::{0}, %s) ON CONFLICT DO NOTHING"
WRITES = {
    "cti/+/call/+/+/+": SQL(INSERT).format(Identifier("calls")),
    "cti/+/session/+/+/+/event": SQL(INSERT).format(Identifier("session_events")),
}
KEPT_FOR = 7 * 86400  # seconds for which the broker keeps what comes while this program is away


def call_history(broker: str, port: int = 1883) -> None:
    """Write until Ctrl-C."""
    # It is acknowledged when the database has it, and not before: until then the broker keeps it and sends it again.
    client = mqtt.Client(CallbackAPIVersion.VERSION2, "call-history", protocol=mqtt.MQTTv5, manual_ack=True)
    client.username_pw_set(os.environ.get("MQTT_USERNAME"), os.environ.get("MQTT_PASSWORD"))

    def on_connect(_client: mqtt.Client, _data: Any, _flags: Any, reason: ReasonCode, _properties: Any) -> None:
        if reason.is_failure:
            raise SystemExit(f"The broker says: {reason}")
        client.subscribe([(topic, 1) for topic in WRITES])

    with psycopg.connect(autocommit=True) as database:

        def on_message(_client: mqtt.Client, _data: Any, message: mqtt.MQTTMessage) -> None:
            for topic, insert in WRITES.items():
                if mqtt.topic_matches_sub(topic, message.topic):
                    try:
                        database.execute(insert, [message.payload.decode()])
                    except (psycopg.DataError, psycopg.IntegrityError, UnicodeError) as error:
                        # Not the gateway's: it would be refused for ever, and all behind it would wait.
                        print(f"left out, on {message.topic}: {error}", file=sys.stderr, flush=True)
            client.ack(message.mid, message.qos)

        client.on_connect, client.on_message = on_connect, on_message
        client.on_subscribe = lambda *_: print("connected", flush=True)
        kept = Properties(PacketTypes.CONNECT)
        kept.SessionExpiryInterval = KEPT_FOR
        client.connect(broker, port, clean_start=False, properties=kept)
        client.loop_forever()


if __name__ == "__main__":
    call_history(sys.argv[1], *map(int, sys.argv[2:3]))
