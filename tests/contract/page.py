"""The page for client authors, and the examples in it."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

PAGE: Final = Path(__file__).parent.parent.parent / "deploy" / "docs" / "clients.md"
_BLOCK: Final = re.compile(r"<!-- example: (\w+) -->\n```\w+\n(.*?)```\n", re.DOTALL)


def shown(example: Any) -> str:
    """An example as it stands in the page."""
    return example if isinstance(example, str) else json.dumps(example, indent=2, ensure_ascii=False)


def examples_in(page: str) -> dict[str, str]:
    """The examples of a page, by the message's name."""
    return {found[1]: found[2].removesuffix("\n") for found in _BLOCK.finditer(page)}


def with_examples(page: str, examples: Mapping[str, Any]) -> str:
    """A page with these examples in their places."""

    def block(found: re.Match[str]) -> str:
        example = examples[found[1]]
        kind = "text" if isinstance(example, str) else "json"
        return f"<!-- example: {found[1]} -->\n```{kind}\n{shown(example)}\n```\n"

    return _BLOCK.sub(block, page)
