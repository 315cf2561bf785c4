"""The picture in the README is one of the page as it is.

It says in itself of which build it was taken. After a change of the page, take it anew, and look at it:
``CTI_GATEWAY_WALLBOARD_PICTURE=take .venv/bin/python -m pytest tests/wallboard/test_picture.py``.
"""

import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import aiomqtt
import pytest
from playwright.async_api import expect

from gateway.wallboard import FILES
from tests.wallboard.center import a_busy_day
from tests.wallboard.conftest import OpenBoard

ROOT = Path(__file__).parents[2]
PICTURE = ROOT / "deploy" / "docs" / "wallboard.png"
TAKE = os.environ.get("CTI_GATEWAY_WALLBOARD_PICTURE") == "take"
SIGNATURE = b"\x89PNG\r\n\x1a\n"
KEYWORD = b"built-from\0"


def chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Kind and content of each part of a PNG file."""
    assert png.startswith(SIGNATURE)
    place = len(SIGNATURE)
    while place < len(png):
        (length,) = struct.unpack_from(">I", png, place)
        yield png[place + 4 : place + 8], png[place + 8 : place + 8 + length]
        place += length + 12


def chunk(kind: bytes, content: bytes) -> bytes:
    """A part of a PNG file, as it stands in it."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def built_from() -> bytes:
    """Of which sources the page is."""
    return (FILES / "built-from.txt").read_bytes().strip()


if TAKE:

    @pytest.mark.asyncio(loop_scope="package")
    async def test_take_it(open_board: OpenBoard, client: aiomqtt.Client) -> None:
        """Five queues and two dozen agents on a wall."""
        await a_busy_day(client).open()
        page = await open_board()
        await expect(page.locator(".person")).to_have_count(24)
        await page.evaluate("document.fonts.ready")
        kinds = list(chunks(await page.screenshot()))
        kinds.insert(1, (b"tEXt", KEYWORD + built_from()))
        PICTURE.write_bytes(SIGNATURE + b"".join(chunk(*each) for each in kinds))


def test_it_is_of_the_present_look() -> None:
    """The picture was taken of the page that is checked in, and stands in the README."""
    told = [content.removeprefix(KEYWORD) for kind, content in chunks(PICTURE.read_bytes()) if kind == b"tEXt"]
    assert told == [built_from()]
    assert f"]({PICTURE.relative_to(ROOT).as_posix()})" in (ROOT / "README.md").read_text(encoding="utf-8")
