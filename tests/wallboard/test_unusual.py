"""The wallboard of call centers it was not drawn for: nothing is cut off, hidden, or beside the screen."""

import re
from collections.abc import Callable
from typing import Any

import aiomqtt
import pytest
from playwright.async_api import Page, expect

from tests.wallboard.center import SimulatedCenter
from tests.wallboard.conftest import USERS, OpenBoard
from tests.wallboard.seen import dialog, drawn, sign_in
from tests.wallboard.test_sizes import SIZES, picture, sound
from tests.wallboard.unusual import AGENTS, LONG, UNBROKEN, many_queues, no_queue, one_queue, strange_names

pytestmark = pytest.mark.asyncio(loop_scope="package")

FIGURES = "dd, .badge, .time, .column strong, .staff li, .clock, .tools button"
"""What may never be cut; a name may, at its end, with an ellipsis."""


async def sticking_out(page: Page, within: str) -> list[Any]:
    """Figures and words that are cut, and whatever reaches over the edge of what it stands in."""
    await drawn(page)
    found: list[Any] = await page.evaluate(
        """([figures, within]) => {
             const width = document.documentElement.clientWidth;
             const shown = [...document.querySelectorAll(`${within} *`)].filter(
               (each) => each.getClientRects().length > 0 && !each.closest(".hidden, thead, svg"));
             const card = (each) => each.closest(".queue, .person, .column h3, .totals dl > div, dialog, .top");
             const over = (each) => {
               const box = each.getBoundingClientRect(), around = card(each)?.getBoundingClientRect();
               return box.right > width + 0.5 || (around && box.right > around.right + 0.5);
             };
             const cut = (each) => each.matches(figures) && each.scrollWidth > each.clientWidth + 1
               && getComputedStyle(each).display !== "inline";
             return shown.filter((each) => over(each) || cut(each)).map((each) => each.outerHTML.slice(0, 160));
           }""",
        [FIGURES, within],
    )
    return found


@pytest.mark.parametrize("make", [strange_names, many_queues, one_queue], ids=lambda make: make.__name__)
async def test_nothing_sticks_out(
    make: Callable[[aiomqtt.Client], SimulatedCenter], open_board: OpenBoard, client: aiomqtt.Client
) -> None:
    """Whatever names are like and however many queues there are, at every size, dark and light."""
    center = make(client)
    await center.open()
    page = await open_board()
    await expect(page.locator(".person")).to_have_count(len(center.workers))
    for size, (width, height) in SIZES.items():
        await page.set_viewport_size({"width": width, "height": height})
        assert await sticking_out(page, "body") == [], size
        assert await page.evaluate("document.documentElement.scrollWidth") <= width
        await picture(page, f"{make.__name__}-{size}")
    await sound(page, f"{make.__name__}-{size}")


@pytest.mark.parametrize("size", SIZES)
async def test_commands_are_on_the_screen(size: str, open_board: OpenBoard, client: aiomqtt.Client) -> None:
    """Who is in five queues of long names has five rows of commands in the dialog, none of them beside the screen."""
    await strange_names(client).open()
    width, height = SIZES[size]
    page = await open_board(width=width, height=height)
    await sign_in(page, "supervisor", USERS["supervisor"])
    await expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    opened = await dialog(page, AGENTS[0])
    rows = opened.get_by_role("table").get_by_role("row")
    await expect(rows).to_have_count(6)
    await expect(rows.nth(5).get_by_role("cell")).to_have_count(7)
    await expect(opened.get_by_role("button", name="Pause in ")).to_have_count(5)
    assert await sticking_out(page, "dialog") == []
    await sound(page, f"strange-agent-{size}")
    await page.keyboard.press("Escape")
    for name in (LONG, UNBROKEN):
        await dialog(page, name)
        assert await sticking_out(page, "dialog") == []
        await page.keyboard.press("Escape")
    await page.get_by_role("button", name="Log in an agent").click()
    assert await sticking_out(page, "dialog") == []


async def test_a_queue_tells_who_is_in_it(open_board: OpenBoard, client: aiomqtt.Client) -> None:
    """A queue's dialog has its agents, calls in progress first, with callers for who is signed in; each leads on."""
    await many_queues(client).open()
    page = await open_board()
    opened = await dialog(page, "Billing 02")
    agents = opened.locator(".agents li")
    await expect(agents).to_have_count(2)
    await expect(agents.first).to_contain_text(re.compile(r"Agent 02 On a call (0:[2-5]|[1-9]:[0-5])\d"))
    await expect(agents.first).to_contain_text(": Billing 02")
    await expect(agents.first).not_to_contain_text("Caller")
    await page.keyboard.press("Escape")
    await sign_in(page, "supervisor", USERS["supervisor"])
    await expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    opened = await dialog(page, "Billing 02")
    await expect(agents.first).to_contain_text(": Billing 02, caller A. Caller, +49301234567")
    await agents.first.get_by_role("button").click()
    await expect(page.get_by_role("dialog", name="Agent 02")).to_be_visible()


async def test_an_empty_board_says_why(open_board: OpenBoard, client: aiomqtt.Client) -> None:
    """No queue yet, none of that name, and nothing that was looked for are three different things."""
    await no_queue(client).open()
    page = await open_board()
    await expect(page.locator(".empty")).to_have_text("There is no queue yet, and nobody is logged in.")
    await page.get_by_role("searchbox").fill("olga")
    await expect(page.locator(".empty")).to_have_text("No agent and no queue has “olga” in its name.")
    other = await open_board(queue="Nowhere")
    await expect(other.locator(".empty")).to_have_text("There is no queue “Nowhere”.")
