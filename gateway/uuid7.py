"""UUIDs that sort by time (RFC 9562, version 7), which the standard library makes only from Python 3.14 on."""

import os
from uuid import UUID


def uuid7(wall: int) -> str:
    """A UUIDv7 of a time of day, microseconds since the epoch; what is not time in it is random."""
    milliseconds = max(0, wall // 1000)
    random = int.from_bytes(os.urandom(10), "big")
    value = (milliseconds & 0xFFFF_FFFF_FFFF) << 80 | random
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return str(UUID(int=value))
