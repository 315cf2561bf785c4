"""The wallboard on a wall, on a desk and on a phone, dark and light: readable by everybody.

``CTI_GATEWAY_WALLBOARD_PICTURES=FOLDER`` in the environment keeps a picture of each.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import aiomqtt
import pytest
from playwright.async_api import Page, expect

from tests.wallboard.axe import faults
from tests.wallboard.center import SimulatedCenter, a_busy_day
from tests.wallboard.conftest import USERS, OpenBoard
from tests.wallboard.seen import drawn, sign_in
from tests.wallboard.unusual import many_queues

pytestmark = pytest.mark.asyncio(loop_scope="package")

PICTURES = os.environ.get("CTI_GATEWAY_WALLBOARD_PICTURES")
SCHEMES: tuple[Literal["dark", "light"], ...] = ("dark", "light")
SIZES = {"wall": (1920, 1080), "desk": (1280, 800), "phone": (390, 844)}

#: On a 55 inch screen a pixel is 0.63 mm. At five metres, letters are legible from 7.3 mm on (five minutes of arc).
MILLIMETRES = 0.634
CAPITAL = 0.727  # of the font's size
LEGIBLE = 7.3


async def picture(page: Page, name: str) -> None:
    """Keep a picture of the page, if pictures are wanted."""
    if PICTURES:
        await page.screenshot(path=Path(PICTURES) / f"{name}.png")


async def sound(page: Page, name: str) -> None:
    """Hold what the page shows now against WCAG, dark and light; keep a picture of each."""
    for scheme in SCHEMES:
        await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        await picture(page, f"{name}-{scheme}")
        assert await faults(page) == [], f"{name}, {scheme}"


@pytest.mark.parametrize("size", SIZES)
async def test_is_accessible_at_every_size(size: str, open_board: OpenBoard, client: aiomqtt.Client) -> None:
    """At each size, dark and light, also while not current, axe finds no fault against WCAG AA; nothing sticks out."""
    center = a_busy_day(client)
    await center.open()
    width, height = SIZES[size]
    page = await open_board(width=width, height=height)
    await expect(page.locator(".person")).to_have_count(24)
    await sound(page, size)
    await center.tell_link("down", "Connection refused")
    await expect(page.locator(".standing")).to_contain_text("no link")
    await sound(page, f"{size}-stale")
    await drawn(page)
    assert await page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("size", ["desk", "phone"])
async def test_dialogs_are_accessible(size: str, open_board: OpenBoard, client: aiomqtt.Client) -> None:
    """The forms and dialogs of a supervisor are sound too, with what they tell, and all is reached by the keyboard."""
    await a_busy_day(client).open()
    width, height = SIZES[size]
    page = await open_board(width=width, height=height)
    shown, answer = page.get_by_role("dialog"), page.get_by_role("dialog").locator(".answer")
    await page.get_by_role("button", name="David Meyer").click()
    await sound(page, f"{size}-agent")
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="Sign in").click()
    await sound(page, f"{size}-sign-in")
    await sign_in(page, "supervisor", "wrong")
    await expect(answer).to_contain_text("refuses")
    await sound(page, f"{size}-refused")
    await sign_in(page, "supervisor", USERS["supervisor"])
    await expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    await expect(shown).to_have_count(0)
    await page.get_by_role("button", name="David Meyer").focus()
    await page.keyboard.press("Enter")
    await expect(shown).to_contain_text("David Meyer")
    await shown.get_by_role("button", name="Pause in").or_(shown.get_by_role("button", name="Unpause in")).first.click()
    await shown.get_by_text("Log in to another queue").click()
    await expect(answer).to_contain_text("No answer came")
    await sound(page, f"{size}-supervisor")
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="Support", exact=True).click()
    await sound(page, f"{size}-queue")
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="Log in an agent").click()
    await sound(page, f"{size}-log-in")


async def test_no_colour_tells_anything_alone(open_board: OpenBoard, client: aiomqtt.Client) -> None:
    """Each state of an agent and each need of a queue has a word, and a shape of its own."""
    await many_queues(client).open()
    page = await open_board()
    await expect(page.locator(".person")).to_have_count(60)
    for kind, place in (("in", ".column h3"), ("need", ".badge")):
        told: list[list[str]] = await page.evaluate(
            """([kind, place]) => [...document.querySelectorAll(place)].map((each) => [
                 [...each.closest(`[class*="${kind}-"]`).classList].find((name) => name.startsWith(`${kind}-`)),
                 each.innerText.replace(/[^A-Za-z -]/g, "").trim(), each.querySelector("svg").innerHTML])""",
            [kind, place],
        )
        colours, words, shapes = ({each[column] for each in told} for column in range(3))
        assert len(colours) == len(words) == len(shapes) == len({tuple(each) for each in told}) == 4 + (kind == "need")


@pytest.mark.parametrize("make", [a_busy_day, many_queues], ids=["some", "many"])
async def test_can_be_read_from_five_metres(
    make: Callable[[aiomqtt.Client], SimulatedCenter], open_board: OpenBoard, client: aiomqtt.Client
) -> None:
    """On a 55 inch screen all is legible at five metres; names, states, times and main figures are by far."""
    center = make(client)
    await center.open()
    page = await open_board()
    await expect(page.locator(".person")).to_have_count(len(center.workers))
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
    assert min(main) * CAPITAL * MILLIMETRES > (1.5 if make is a_busy_day else 1.2) * LEGIBLE


async def test_a_wall_shows_two_dozen_agents_without_a_hand(open_board: OpenBoard, client: aiomqtt.Client) -> None:
    """Nobody scrolls a wall: five queues and two dozen agents are all on it, whatever state most of them are in."""
    await a_busy_day(client).open()
    page = await open_board()
    await expect(page.locator(".person")).to_have_count(24)
    await drawn(page)
    assert await page.evaluate("document.documentElement.scrollHeight") <= SIZES["wall"][1]


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
