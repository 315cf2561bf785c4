"""Sessions as JSON and back. The operator's rules are not kept: those of the present configuration hold.

A key that a later version added may be missing, and one that it dropped may be there: the defaults of the fields and
the ignoring of unknown keys are what carries sessions from version to version.
"""

from typing import Final

from pydantic import TypeAdapter
from pydantic_core import from_json

from gateway.domain.session import AgentSession, Rules

_ADAPTER: Final = TypeAdapter(AgentSession)


def session_to_json(session: AgentSession) -> str:
    """A session as a JSON object: enumerations by value, times as they are, all keys but ``rules``."""
    return _ADAPTER.dump_json(session, exclude={"rules"}).decode()


def session_from_json(text: str, rules: Rules) -> AgentSession:
    """The session that ``session_to_json`` made the text of, under *rules*.

    Raises:
        ValueError: If the text is none of a session.
    """
    body = from_json(text)
    if not isinstance(body, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004 - of the text, not of the caller's argument
    return _ADAPTER.validate_python(body | {"rules": rules})
