"""Time in the model: whole microseconds on one line that never jumps.

An instant is an ``int``: microseconds since the Unix epoch as Asterisk's clock would tell them had nobody ever
set it. ``gateway.timeline`` makes instants from Asterisk's time stamps and turns them back into times of day. A
difference of two instants is a duration in microseconds, exact also where the clock was stepped between.
"""

from typing import Final

SECOND: Final = 1_000_000
"""Microseconds in a second."""

HOUR: Final = 3_600 * SECOND
"""Microseconds in an hour."""
