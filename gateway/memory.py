"""What the garbage collector and the C library are told, so that many sessions cost neither time nor memory."""

import ctypes
import gc
from contextlib import suppress
from typing import Final

YOUNG: Final = 20_000
"""Objects that are made before the youngest are looked through. Sessions refer to each other in no circle, so that
nearly all that is let go of goes at once; to look through hundreds of thousands for the rest is what takes time."""


def collect_seldom() -> None:
    """Look for circles of objects after thousands, not hundreds."""
    gc.set_threshold(YOUNG, 10, 10)


def keep_what_there_is() -> None:
    """A picture was made: its objects stay, and what its making took for a moment goes back to the system.

    The C library keeps the pages between those that are in use until it is asked; one that cannot is left alone:
    ``malloc_trim`` is glibc's.
    """
    gc.collect(1)
    gc.freeze()
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
