"""The gateway with less time for members to come back after a restart of Asterisk, so that a test need not wait for it.

Runs and takes arguments as the gateway does. Nothing else is different; ``CTI_GATEWAY_RETURN_TIME`` gives the seconds.
"""

import os
from typing import Final

from gateway import cli
from gateway.domain.instant import SECOND
from gateway.queue_log import recovered_members
from gateway.service import picture

RETURN_TIME: Final = int(os.environ.get("CTI_GATEWAY_RETURN_TIME", "2"))
"""Seconds; as shipped it is a minute."""

if __name__ == "__main__":
    for module in (picture, recovered_members):
        assert "RETURN_TIME" in vars(module)
        vars(module)["RETURN_TIME"] = RETURN_TIME * SECOND
    cli.app()
