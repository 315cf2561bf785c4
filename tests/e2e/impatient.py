"""The gateway with less patience towards the broker than it is shipped with, so that a test need not have more.

Runs and takes arguments as the gateway does. Nothing else is different: how long a broker may be silent, and how long
the gateway waits at most before it tries again. ``CTI_GATEWAY_KEEP_ALIVE`` gives the seconds of the first.
"""

import os
from functools import partial
from typing import Final

from gateway import cli, settings
from gateway.mqtt.interface import MqttSettings

KEEP_ALIVE: Final = int(os.environ.get("CTI_GATEWAY_KEEP_ALIVE", "1"))
"""Seconds; as shipped it is 15."""

if __name__ == "__main__":
    hasty = partial(MqttSettings, keep_alive=KEEP_ALIVE, connect_timeout=2.0, backoff_max=1.0)
    assert "MqttSettings" in vars(settings)
    vars(settings)["MqttSettings"] = hasty
    cli.app()
