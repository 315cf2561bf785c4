"""Asterisk as those see it who ask it things."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from gateway.ami.client import Pong
from gateway.ami.message import AmiMessage


class Asterisk(Protocol):
    """Who answers actions."""

    async def action(
        self,
        name: str,
        headers: Mapping[str, str | Sequence[str]] | None = None,
        *,
        as_list: bool = False,
        timeout: float | None = None,  # noqa: ASYNC109 - it belongs to the action
        on_message: Callable[[AmiMessage], None] | None = None,
    ) -> list[AmiMessage]:
        """Have Asterisk do something, once."""

    async def ping(self) -> Pong:
        """Ask for a sign of life."""
