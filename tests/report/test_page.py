"""The page of a report in a real Chromium: it can be read by everybody, and it prints on A4."""

import os
from pathlib import Path

import pytest
from playwright.async_api import Page

from gateway.report.html import page as html
from tests.conftest import REQUIRE
from tests.report.test_written import report
from tests.wallboard.axe import faults
from tests.wallboard.chromium import ChromiumUnavailableError, chromium, ensure_chromium

PRINTED = 1047
"""CSS pixels of an A4 page, lying, between margins of a centimetre: 277 mm at 96 to the inch."""


@pytest.fixture
def browser_there() -> None:
    """A Chromium; it is installed where it is missing."""
    try:
        ensure_chromium()
    except ChromiumUnavailableError as error:
        if os.environ.get(REQUIRE) == "require":
            raise
        pytest.skip(str(error))


async def widest(page: Page) -> float:
    """How far the widest thing on the page reaches to the right."""
    reach: float = await page.evaluate(
        "Math.max(...[...document.querySelectorAll('body *')].map((each) => each.getBoundingClientRect().right))"
    )
    return reach


@pytest.mark.usefixtures("browser_there")
@pytest.mark.parametrize("by", ["agent", "day", "session"])
async def test_is_accessible_and_prints(tmp_path: Path, by: str) -> None:
    """Axe finds no fault; on paper nothing reaches over the edge, and each page has the head of its table."""
    made = report(tmp_path, by)
    made.sessions[0][1].not_ready["training on the new ticket system"] = 3_000_000_000
    made.sessions.extend(made.sessions * 60)
    (tmp_path / "report.html").write_text(html(made, node="pbx1"), encoding="utf-8")
    async with chromium() as browser:
        page = await browser.new_page(viewport={"width": 1280, "height": 900})
        problems: list[str] = []
        page.on("console", lambda message: problems.append(message.text))
        page.on("request", lambda request: problems.append(request.url) if "report.html" not in request.url else None)
        await page.goto((tmp_path / "report.html").as_uri())
        assert await faults(page) == []
        await page.set_viewport_size({"width": PRINTED, "height": 700})
        await page.emulate_media(media="print")
        assert await widest(page) <= PRINTED
        printed = await page.pdf(prefer_css_page_size=True)
    assert printed.count(b"/Type /Page\n") >= (3 if by != "session" else 1)
    assert problems == []
