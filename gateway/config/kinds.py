"""The kinds of value a key can have, each with the sentence that says what is expected and an example.

``description`` and ``examples`` are what a user is told when a value does not fit: see ``problems``. Numbers and
booleans are strict, so that ``"5038"`` in the file is a mistake and not a port; text from the environment is turned
into numbers before it comes here.
"""

import re
from collections.abc import Callable
from datetime import time
from pathlib import Path
from typing import Annotated, Final, NamedTuple

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_core import PydanticCustomError

#: Type of the errors whose text replaces the description of the key.
OWN_ERROR: Final = "gateway"
DAY_S: Final = 86_400
YEAR_S: Final = 365 * DAY_S
#: Asterisk reads reasons into AST_MAX_EXTENSION (80 bytes with the closing NUL).
REASON_LIMIT_BYTES: Final = 79

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_TIME_OF_DAY = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")
_LISTEN = re.compile(r"(?P<host>\[[0-9A-Fa-f:.%]+\]|[^\s:/@\[\]]+):(?P<port>[0-9]{1,5})")
_PORT_MAX = 65_535


class ListenAddress(NamedTuple):
    """Where the gateway listens: a host name or address (IPv6 without its brackets) and a TCP port."""

    host: str
    port: int


def wrong(expected: str) -> PydanticCustomError:
    """Make the error that tells *expected* in place of the key's description."""
    return PydanticCustomError(OWN_ERROR, "{expected}", {"expected": expected})


def _refuse(unfit: Callable[[str], object]) -> AfterValidator:
    """Make a validator that refuses every text for which *unfit* is true."""

    def check(value: str) -> str:
        if unfit(value):
            raise ValueError
        return value

    return AfterValidator(check)


def _empty_is_none(value: object) -> object:
    return None if value == "" else value


def _path(value: object) -> object:
    if not isinstance(value, str):
        return value
    if not value or _CONTROL.search(value):
        raise ValueError
    value.encode()  # refuses, as a ValueError, the lone surrogates by which bytes that are no UTF-8 come here
    return Path(value)


def _path_or_none(value: object) -> object:
    return None if value == "" else _path(value)


def _time_of_day(value: object) -> object:
    if isinstance(value, time) and value.replace(second=0, microsecond=0, tzinfo=None) == value:
        return value
    if value is None or value == "":
        return None
    found = _TIME_OF_DAY.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError
    return time(int(found[1]), int(found[2]))


def _listen(value: object) -> object:
    if isinstance(value, ListenAddress):
        return value
    if value is None or value == "":
        return None
    found = _LISTEN.fullmatch(value) if isinstance(value, str) else None
    if found is None or not 1 <= int(found["port"]) <= _PORT_MAX:
        raise ValueError
    return ListenAddress(found["host"].strip("[]"), int(found["port"]))


def _not_a_prefix(value: str) -> bool:
    return value.startswith(("$", "/")) or value.endswith("/") or bool(re.search("[+#]", value))


def _not_a_reason(value: str) -> bool:
    return len(value.encode()) > REASON_LIMIT_BYTES or bool(re.search("[|,;]", value))


Flag = Annotated[bool, Field(strict=True, description="true or false", examples=[True])]
Port = Annotated[
    int, Field(strict=True, ge=1, le=_PORT_MAX, description="a port number from 1 to 65535", examples=[1883])
]
Seconds = Annotated[
    float,
    Field(
        strict=True, gt=0, le=DAY_S, allow_inf_nan=False, description="seconds, more than 0, up to 86400", examples=[60]
    ),
]
WholeSeconds = Annotated[
    int, Field(strict=True, ge=1, le=YEAR_S, description="whole seconds, from 1 up to 31536000 (a year)", examples=[10])
]
Megabytes = Annotated[
    int, Field(strict=True, ge=1, le=1_000_000, description="whole megabytes, from 1 to 1000000", examples=[512])
]
Days = Annotated[int, Field(strict=True, ge=0, le=36_500, description="whole days, from 0 to 36500", examples=[400])]
Count = Annotated[
    int, Field(strict=True, ge=1, le=100_000, description="a whole number from 1 to 100000", examples=[100])
]

Text = Annotated[
    str,
    Field(strict=True, min_length=1, max_length=255, description="text without control characters, not empty"),
    _refuse(_CONTROL.search),
]
OptionalText = Annotated[
    Text | None,
    BeforeValidator(_empty_is_none),
    Field(description='text without control characters; "" for none'),
]
Host = Annotated[
    Text,
    _refuse(re.compile(r"[\s/@\[\]]").search),
    Field(description="a host name or an address alone (no mqtt://, no user, no port)", examples=["127.0.0.1"]),
]
Prefix = Annotated[
    Text,
    _refuse(_not_a_prefix),
    Field(
        description="a topic prefix: no + or #, no slash at either end, no $ in front, not empty",
        examples=["cti"],
    ),
]
Pattern = Annotated[
    Text, Field(description="a pattern in which * and ? stand for any characters", examples=["PJSIP/*"])
]
Reason = Annotated[
    Text,
    _refuse(_not_a_reason),
    Field(description="a pause reason of at most 79 bytes of UTF-8, without | , ;", examples=["wrapup"]),
]
FilePath = Annotated[
    Path,
    BeforeValidator(_path),
    Field(description="the path of a file as text", examples=["/var/lib/cti-gateway/gateway.db"]),
]
OptionalPath = Annotated[
    Path | None,
    BeforeValidator(_path_or_none),
    Field(description='the path of a file as text; "" for none', examples=["/etc/cti-gateway/ca.pem"]),
]
TimeOfDay = Annotated[
    time | None,
    BeforeValidator(_time_of_day),
    Field(description='a local time of day as "HH:MM"; "" for none', examples=["00:00"]),
]
Listen = Annotated[
    ListenAddress | None,
    BeforeValidator(_listen),
    Field(description='"host:port", an IPv6 address in brackets; "" for off', examples=["127.0.0.1:9810"]),
]
