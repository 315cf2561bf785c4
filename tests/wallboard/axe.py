"""What axe, the usual judge of accessibility, finds against WCAG 2.2 AA."""

from pathlib import Path
from typing import Any, Final

import axe_playwright_python
from playwright.async_api import Page

AXE: Final = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()
RULES: Final = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")


async def faults(page: Page) -> list[dict[str, Any]]:
    """Its findings on the page as it is; of a page behind a dialog nobody can make use."""
    await page.evaluate(AXE)
    found = await page.evaluate(
        "rules => axe.run(document.querySelector('dialog[open]') ?? document, {runOnly: rules})", list(RULES)
    )
    return [
        {"rule": each["id"], "where": [node["html"][:120] for node in each["nodes"]]} for each in found["violations"]
    ]
