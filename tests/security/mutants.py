"""Bytes that were something sensible once: what fuzzing feeds, the same for the same seed.

A mutation-based fuzzer of a few lines: it begins with recordings and samples, so that what it makes gets deep.
"""

import os
import random
import time
from collections.abc import Iterator, Sequence
from typing import Final

SECONDS: Final = float(os.environ.get("CTI_GATEWAY_FUZZ_SECONDS", "2"))
"""For each target: a few in every run, thousands by hand."""

SEED: Final = int(os.environ.get("CTI_GATEWAY_FUZZ_SEED", "0"))
"""Where the numbering of the cases begins; that of a failing case brings it back."""

TOKENS: Final = (
    *(b"", b"\0", b"\r", b"\n", b"\r\n", b"\r\n\r\n", b":", b"|", b"%", b"%0d%0a", b"\xff", b"\xc3", b"\xe2\x82"),
    *(b"-1", b"0", b"1", b"99999999999999999999", b"1e309", b"NaN", b"0x10", b" ", b"\t", b"'", b'"', b"\\", b"\\n"),
    *(b"Event: ", b"Response: Success\r\n", b"ActionID: ", b"Queue: ", b"Uniqueid: ", b"DestUniqueid: "),
    *(b"{", b"}", b"[", b"]", b"null", b"true", b'"id":', b'"state":"READY"', b"[" * 2000, b"#", b"=", b"\xef\xbb\xbf"),
    *(b"\xf0\x9f", b"--END COMMAND--", "\u2028".encode(), "\ufeff".encode(), "\U0001f4de".encode(), b"\xed\xa0\x80"),
)  # fmt: skip


class Chance(random.Random):
    """A source of chance that knows the number of its case, which is its seed."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def cases() -> Iterator[Chance]:
    """Yield a source of chance for each case, for `SECONDS`; its number is its seed."""
    until = time.monotonic() + SECONDS
    number = SEED
    while time.monotonic() < until:
        yield Chance(number)
        number += 1


def mutated(chance: Chance, data: bytes, others: Sequence[bytes] = ()) -> bytes:
    """Return *data* with some bytes changed, left out, doubled, moved, or replaced by a part of one of *others*."""
    for _ in range(chance.choice((0, 1, 1, 1, 2, 3, 8))):
        start = chance.randint(0, len(data))
        end = min(len(data), start + chance.choice((0, 1, 1, 2, 4, 16, 200)))
        part = data[start:end]
        match chance.randrange(6):
            case 0:
                new = chance.choice(TOKENS)
            case 1:
                new = bytes(byte ^ 1 << chance.randrange(8) for byte in part)
            case 2:
                new = part * chance.choice((0, 2, 3, 50))
            case 3:
                new = chance.randbytes(chance.randint(0, 6))
            case 4 if others:
                other = chance.choice(others)
                cut = chance.randint(0, len(other))
                new = other[cut : cut + 40]
            case _:
                new = part[::-1]
        data = data[:start] + new + data[end:]
    return data


def in_pieces(chance: Chance, data: bytes) -> Iterator[bytes]:
    """Yield *data* as TCP may cut it."""
    start = 0
    while start < len(data):
        end = start + chance.choice((1, 3, 50, 1000, 100_000))
        yield data[start:end]
        start = end
