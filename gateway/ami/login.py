"""Logging in: MD5 challenge first, so that the secret does not travel; and what Asterisk's refusals mean."""

import hashlib
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from gateway.ami.action import OutgoingAction
from gateway.ami.message import AmiMessage
from gateway.errors import AmiActionError, AmiAuthenticationError, AmiConnectionError, AmiProtocolError

_log = logging.getLogger(__name__)

# Answers to Challenge that mean "not you" and not "I do not know what that is"; the connection is closed after them.
_REFUSALS: Final = ("authentication failed", "login already in use")
_GOING_DOWN: Final = "shutting down"

Request = Callable[[OutgoingAction], Awaitable[list[AmiMessage]]]


def challenge_key(challenge: str, secret: str) -> str:
    """The answer to an MD5 challenge. Lower case: Asterisk takes no other."""
    return hashlib.md5((challenge + secret).encode(), usedforsecurity=False).hexdigest()


async def log_in(request: Request, username: str, secret: str, on_message: Callable[[AmiMessage], None]) -> None:
    """Log in for all events the user may read.

    Args:
        request: Sends an action and waits for its answer.
        username: The name of the section in Asterisk's ``manager.conf``.
        secret: Its secret; sent as it is only if the server does not know the MD5 challenge.
        on_message: Called with the answer to Login before any message behind it is read.

    Raises:
        AmiAuthenticationError: Refused, in Asterisk's own words, which do not say whether name, secret or
            address is wrong.
        AmiConnectionError: The connection ended before an answer, or Asterisk is going down.
        AmiTimeoutError: No answer in time.
    """
    headers = {"Username": username, "Events": "on"}
    challenge = await _challenge(request)
    if challenge is None:
        _log.warning("Asterisk does not know the MD5 challenge: the secret is sent as it is")
        headers["Secret"] = secret
    else:
        headers |= {"AuthType": "MD5", "Key": challenge_key(challenge, secret)}
    try:
        await request(OutgoingAction("Login", headers, on_message=on_message))
    except AmiActionError as error:
        _raise_if_going_down(error)
        raise AmiAuthenticationError(f"Asterisk refused the login of {username!r}: {error.message}") from error


async def _challenge(request: Request) -> str | None:
    try:
        (answer,) = await request(OutgoingAction("Challenge", {"AuthType": "MD5"}))
    except AmiActionError as error:
        _raise_if_going_down(error)
        if error.message.lower() in _REFUSALS:
            raise AmiAuthenticationError(f"Asterisk refused the login: {error.message}") from error
        return None
    if not (challenge := answer.fields.get("challenge", "")):
        raise AmiProtocolError("Asterisk's answer to Challenge holds no challenge")
    return challenge


def _raise_if_going_down(error: AmiActionError) -> None:
    """An Asterisk on its way down answers everything with an error; that is not a verdict on the secret."""
    if _GOING_DOWN in error.message.lower():
        raise AmiConnectionError(error.message) from error
