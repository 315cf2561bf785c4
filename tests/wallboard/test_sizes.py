"""The wallboard on a wall, on a desk and on a phone, dark and light: readable by everybody.

``CTI_GATEWAY_WALLBOARD_PICTURES=FOLDER`` in the environment keeps a picture of each.
"""

import os
from pathlib import Path
from typing import Any

import aiomqtt
import axe_playwright_python
import pytest
from playwright.async_api import Page, expect

from tests.wallboard.center import a_busy_day
from tests.wallboard.conftest import USERS, OpenBoard
from tests.wallboard.seen import sign_in

pytestmark = pytest.mark.asyncio(loop_scope="package")

PICTURES = os.environ.get("CTI_GATEWAY_WALLBOARD_PICTURES")
SIZES = {"wall": (1920, 1080), "desk": (1280, 800), "phone": (390, 844)}
AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

#: On a 55 inch screen a pixel is 0.63 mm. At five metres, letters are legible from 7.3 mm on (five minutes of arc).
MILLIMETRES = 0.634
CAPITAL = 0.727  # of the font's size
LEGIBLE = 7.3


async def faults(page: Page) -> list[dict[str, Any]]:
    """What axe finds against WCAG 2.2 AA on the page as it is."""
    await page.evaluate(AXE)
    found = await page.evaluate("rules => axe.run(document, {runOnly: rules})", RULES)
    return [
        {"rule": each["id"], "where": [node["html"][:120] for node in each["nodes"]]} for each in found["violations"]
    ]


async def picture(page: Page, name: str) -> None:
    """Keep a picture of the page, if pictures are wanted."""
    if PICTURES:
        await page.screenshot(path=Path(PICTURES) / f"{name}.png")


@pytest.mark.parametrize("size", SIZES)
async def test_is_accessible_at_every_size(size: str, open_board: OpenBoard, client: aiomqtt.Client) -> None:
    """At each size, dark and light, also while not current, axe finds no fault against WCAG AA; nothing sticks out."""
    center = a_busy_day(client)
    await center.open()
    width, height = SIZES[size]
    page = await open_board(width=width, height=height)
    await expect(page.locator(".person")).to_have_count(24)
    for scheme in ("dark", "light"):
        await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        await picture(page, f"{size}-{scheme}")
        assert await faults(page) == []
    await center.tell_link("down", "Connection refused")
    await expect(page.locator(".standing")).to_contain_text("no link")
    assert await faults(page) == []
    assert await page.evaluate("document.documentElement.scrollWidth") <= width


async def test_dialogs_are_accessible(open_board: OpenBoard, client: aiomqtt.Client) -> None:
    """The forms and dialogs of a supervisor are sound too, and all is reached by the keyboard."""
    await a_busy_day(client).open()
    width, height = SIZES["phone"]
    page = await open_board(width=width, height=height)
    await page.get_by_role("button", name="Sign in").click()
    assert await faults(page) == []
    await sign_in(page, "supervisor", USERS["supervisor"])
    await expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await page.get_by_role("button", name="David Meyer").focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("dialog")).to_contain_text("David Meyer")
    await picture(page, "phone-agent")
    assert await faults(page) == []
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="Support", exact=True).click()
    await picture(page, "phone-queue")
    assert await faults(page) == []
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="Log in an agent").click()
    assert await faults(page) == []


async def test_can_be_read_from_five_metres(open_board: OpenBoard, client: aiomqtt.Client) -> None:
    """On a 55 inch screen all is legible at five metres; names, states, times and main figures are by far."""
    await a_busy_day(client).open()
    page = await open_board()
    await expect(page.locator(".person")).to_have_count(24)
    sizes: list[tuple[str, float]] = await page.evaluate(
        """() => [...document.querySelectorAll("main *, .standing *")]
             .filter((each) => [...each.childNodes].some((node) => node.nodeType === 3 && node.data.trim()))
             .filter((each) => !each.closest(".hidden"))
             .map((each) => [each.className || each.tagName, parseFloat(getComputedStyle(each).fontSize)])"""
    )
    small = {name: size for name, size in sizes if size * CAPITAL * MILLIMETRES < LEGIBLE}
    assert small == {}
    main: list[float] = await page.evaluate(
        """() => [...document.querySelectorAll(".totals dd, .big dd, .who, .lasting, .column h3")]
             .map((each) => parseFloat(getComputedStyle(each).fontSize))"""
    )
    assert min(main) * CAPITAL * MILLIMETRES > 1.5 * LEGIBLE


async def test_stays_as_it_was_chosen(open_board: OpenBoard, client: aiomqtt.Client) -> None:
    """Dark and light follow the system until somebody chooses, and the choice outlives a reload."""
    await a_busy_day(client).open()
    page = await open_board(dark=True)
    scheme = "getComputedStyle(document.documentElement).colorScheme"
    assert await page.evaluate(scheme) == "dark"
    await page.get_by_role("button", name="Colours: Auto").click()
    await page.get_by_role("button", name="Colours: Dark").click()
    assert await page.evaluate(scheme) == "light"
    await page.reload()
    await expect(page.get_by_role("button", name="Colours: Light")).to_be_visible()
    assert await page.evaluate(scheme) == "light"
