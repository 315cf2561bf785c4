"""The wallboard of ``cti-gateway demo``, from the gateway's own HTTP server: all of it as somebody sees it first."""

from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.test_demo import demo
from tests.wallboard.conftest import OpenBoard
from tests.wallboard.seen import standing

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def test_shows_the_demo_center_and_takes_commands(open_board: OpenBoard, tmp_path: Path) -> None:
    """The page it names shows its queues and agents, changes as they work, and pauses one with the answer shown."""
    async with demo(tmp_path) as running:
        address = (await running.until(r"page +(http://\S+)"))[1]
        page = await open_board.at(address)
        await expect(standing(page)).to_have_text("")
        await expect(page.locator(".top .name p")).to_have_text("demo")
        await expect(page.locator(".column .person").first).to_be_visible()
        await expect(page.locator(".queue").first).to_be_visible()
        callers = page.locator(".totals dd").nth(4)
        before = await callers.inner_text()
        await expect(callers).not_to_have_text(before)
        await page.get_by_role("button", name="Sign in").click()
        await page.get_by_role("dialog").get_by_role("button", name="Sign in").click()
        await page.locator(".in-ready .person button, .in-call .person button").first.click()
        opened = page.get_by_role("dialog")
        await opened.get_by_label("Reason").fill("a look at the demo")
        await opened.get_by_role("button", name="Pause", exact=True).click()
        await expect(opened.locator(".answer")).to_have_text("Pause: done.")
        await page.keyboard.press("Escape")
        await expect(
            page.locator(".in-away .about")
            .get_by_text("a look at the demo")
            .or_(page.locator(".about").get_by_text("then not ready"))
            .first
        ).to_be_visible()
