"""Calling the gateway's own code from inside the connection, so that a fault there stays there."""

import logging
from collections.abc import Callable
from typing import TypeVarTuple

_Args = TypeVarTuple("_Args")

_log = logging.getLogger(__name__)


def tell(callback: Callable[[*_Args], None], *args: *_Args) -> None:
    """Call *callback*; if it raises, log that with its traceback and go on.

    In asyncio an exception on the way of a received byte ends the connection, and with it every message
    that came in the same read. One fault in a reader must not cost the others their facts.
    """
    try:
        callback(*args)
    except Exception:  # noqa: BLE001  # a fault of our own, whatever it is; see above
        _log.exception("a reader of AMI messages failed")
