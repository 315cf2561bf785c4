"""How long Asterisk waits for a client that does not read: measured, since nothing in AMI tells it.

A connection of its own, without events, asks for more than the kernel's buffers hold and reads nothing for a while. If
it is cut off meanwhile, Asterisk waited for less. Only that connection's own thread waits in Asterisk.

Source: ``ast_iostream_write()`` in Asterisk's main/iostream.c, called with the user's ``writetimeout``.
"""

import asyncio
import socket
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

from gateway.ami.login import challenge_key
from gateway.doctor.link import CONNECT_TIMEOUT, AmiTarget

WAIT: Final = 1.5
"""Seconds for which nothing is read once the buffers are full."""

_ENOUGH: Final = 5 * 1024 * 1024
"""Bytes of answers that fill the buffers at both ends."""

_MOST_ACTIONS: Final = 20_000
_ASK: Final = b"Action: ListCommands\r\n\r\n"
_SAMPLE: Final = 16  # this part of the answers is read at once, to see how quick Asterisk is
_MOST_FILLING: Final = 2.5  # seconds; a machine that takes longer is too busy to be measured
_MOST_UNREAD: Final = 4.5  # seconds; who is cut off after them may have been waited for long enough
_TRIES: Final = 3
_WINDOW: Final = 4096  # bytes; as little as the kernel grants
_MOST_READ: Final = 60.0  # seconds for reading what was not read


async def waits_for_readers(target: AmiTarget) -> bool | None:
    """Whether Asterisk waits ``WAIT`` seconds for a client that does not read; None if that could not be measured."""
    for _ in range(_TRIES):
        if (waits := await _measured(target)) is not None:
            return waits
    return None


async def _measured(target: AmiTarget) -> bool | None:
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT):
            reader, writer = await _connect(target)
    except (OSError, TimeoutError):
        return None
    try:
        async with asyncio.timeout(_MOST_READ):
            return await _try(reader, writer, target)
    except (OSError, EOFError, TimeoutError, asyncio.LimitOverrunError):
        return None
    finally:
        writer.transport.abort()


async def _connect(target: AmiTarget) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    family, kind, protocol, _, where = found[0]
    sock = socket.socket(family, kind, protocol)
    try:
        sock.setblocking(False)  # noqa: FBT003  the library's signature
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _WINDOW)  # before the connection: its window follows
        await loop.sock_connect(sock, where)
        name = (target.server_name or target.host) if target.tls else None
        # The reader stops reading by itself when twice its limit waits in it.
        return await asyncio.open_connection(sock=sock, ssl=target.tls, server_hostname=name, limit=1 << 18)
    except BaseException:
        sock.close()
        raise


async def _try(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, target: AmiTarget) -> bool | None:
    await reader.readline()
    _send(writer, {"Action": "Challenge", "AuthType": "MD5"})
    challenge = _header(await _answer(reader), b"challenge")
    key = challenge_key(challenge, target.secret)
    login = {"Action": "Login", "AuthType": "MD5", "Username": target.username, "Key": key, "Events": "off"}
    _send(writer, login)
    if _header(await _answer(reader), b"response") != "Success":
        return None
    _send(writer, {"Action": "ListCommands"})
    size = len(await _answer(reader))
    count = min(_MOST_ACTIONS, _ENOUGH // size + 1)
    if size * count < _ENOUGH:
        return None
    loop = asyncio.get_running_loop()
    started = loop.time()
    sample = count // _SAMPLE + 1
    writer.write(_ASK * sample)
    for _ in range(sample):
        await _answer(reader)
    # So long does Asterisk take until the buffers are full, and only then does it begin to wait.
    filled = (loop.time() - started) * _SAMPLE
    if filled > _MOST_FILLING:
        return None
    started = loop.time()
    writer.write(_ASK * count)
    await asyncio.sleep(filled + WAIT)
    unread = loop.time() - started
    answers = 0
    with suppress(asyncio.IncompleteReadError, ConnectionError):
        while answers < count:
            await _answer(reader)
            answers += 1
    if answers < count and unread > _MOST_UNREAD:
        return None
    return answers == count


def _send(writer: asyncio.StreamWriter, headers: Mapping[str, str]) -> None:
    writer.write("".join(f"{name}: {value}\r\n" for name, value in headers.items()).encode() + b"\r\n")


async def _answer(reader: asyncio.StreamReader) -> bytes:
    return await reader.readuntil(b"\r\n\r\n")


def _header(answer: bytes, name: bytes) -> str:
    for line in answer.split(b"\r\n"):
        key, _, value = line.partition(b":")
        if key.strip().lower() == name:
            return value.strip().decode("ascii", "replace")
    return ""
