"""The select by which an agent is paused: its options, what it shows, and what it sends.

It shows Asterisk's pause flag, which is set at once, in a call too, and not what the agent's state becomes by it. Where
an agent's sessions differ, it shows nothing.
"""

import json
from collections.abc import Sequence
from typing import Final

from gateway.mqtt.discovery.entities import IS_TOLD

NOT_PAUSED: Final = "Not paused"
PAUSED: Final = "Paused"
"""A pause without a reason, or with one that is no option."""

NO_OPTIONS: Final = frozenset({"none", NOT_PAUSED.lower(), PAUSED.lower()})
"""What no reason can be as an option, in whatever case: the two above, and what Home Assistant takes for nothing."""

_SHOWN: Final = """\
{{% if {is_told} %}}\
{{% set told = value_json.sessions | map(attribute='asterisk') | list %}}\
{{% set paused = told | selectattr('paused') | list %}}\
{{% set reasons = paused | map(attribute='paused_reason') | unique(case_sensitive=true) | list %}}\
{{% if not told or (paused and paused | count < told | count) or reasons | count > 1 %}}None\
{{% elif not paused %}}{not_paused}\
{{% elif reasons[0] in [{reasons}] %}}{{{{ reasons[0] }}}}\
{{% else %}}{paused}{{% endif %}}{{% else %}}None{{% endif %}}"""

COMMAND: Final = (
    f"{{% if value == '{NOT_PAUSED}' %}}"
    '{"state": "READY"}'
    f"{{% elif value == '{PAUSED}' %}}"
    '{"state": "NOT_READY", "reason": null}'
    '{% else %}{"state": "NOT_READY", "reason": {{ value | tojson }}}{% endif %}'
)
"""Template of the command to ``agent/{agent}/set``."""


def options(reasons: Sequence[str]) -> list[str]:
    """What can be chosen."""
    return [NOT_PAUSED, PAUSED, *reasons]


def shown(reasons: Sequence[str]) -> str:
    """Template that makes of an agent's message one of the options, or ``None``."""
    literals = ", ".join(map(_literal, reasons))
    return _SHOWN.format(is_told=IS_TOLD, not_paused=NOT_PAUSED, paused=PAUSED, reasons=literals)


def _literal(text: str) -> str:
    # Jinja reads the escapes of Python, of which JSON's for quotation mark and backslash are two.
    return json.dumps(text, ensure_ascii=False)
