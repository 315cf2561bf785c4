"""Calls to a listener that cannot do harm: a fault of ours there must not cost a connection, or what came with it."""

import logging
from collections.abc import Callable
from typing import ParamSpec, TypeVar

_logger = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")


def tell(method: Callable[P, T], *arguments: P.args, **keywords: P.kwargs) -> T | None:
    """Call *method* and return what it returns; None if it raised, which is logged with a traceback."""
    try:
        return method(*arguments, **keywords)
    except Exception:  # a fault of ours in a listener must not cost the connection or the messages after it
        _logger.exception("a fault in %s", getattr(method, "__qualname__", method))
        return None
