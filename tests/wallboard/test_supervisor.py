"""A supervisor signs in on the wallboard and gives commands to a real gateway, beside a scripted Asterisk."""

from pathlib import Path

import aiomqtt
import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from tests.service.live import live, pbx
from tests.wallboard.center import a_busy_day
from tests.wallboard.conftest import USERS, OpenBoard, WebBroker
from tests.wallboard.seen import column, dialog, person, queue, sign_in, standing

pytestmark = pytest.mark.asyncio(loop_scope="package")


@pytest_asyncio.fixture(loop_scope="package")
async def signed_in(open_board: OpenBoard, client: aiomqtt.Client) -> Page:
    """A page of a simulated center, on which nobody signed in yet."""
    await a_busy_day(client).open()
    page = await open_board()
    await expect(page.locator(".person")).to_have_count(24)
    return page


async def answered(page: Page, words: str) -> None:
    """Wait for the words that say what became of a command."""
    await expect(page.get_by_role("dialog").locator(".answer")).to_have_text(words)


async def test_supervises_a_real_gateway(open_board: OpenBoard, web: WebBroker, tmp_path: Path) -> None:
    """Pause, unpause, log in and log out are done by Asterisk, answered on the page, and seen on the board."""
    async with pbx() as asterisk, live(web.broker, asterisk, store=tmp_path / "gateway.db") as gateway:
        page = await open_board()
        await expect(standing(page)).to_have_text("")
        await sign_in(page, "supervisor", USERS["supervisor"])
        await expect(page.get_by_role("button", name="Sign out supervisor")).to_be_visible()
        opened = await dialog(page, "Alice")
        await opened.get_by_label("Reason").fill("lunch")
        await opened.get_by_role("button", name="Pause", exact=True).click()
        await answered(page, "Pause: done.")
        await expect(column(page, "Not ready").locator(".about")).to_have_text("lunch")
        await opened.get_by_role("button", name="Unpause", exact=True).click()
        await answered(page, "Unpause: done.")
        await opened.get_by_role("button", name="Unpause", exact=True).click()
        await answered(page, "Unpause: it was so already.")
        await opened.get_by_role("button", name="Pause in Support", exact=True).click()
        await answered(page, "Pause in Support: done.")
        await expect(person(page, "Alice").locator(".about")).to_have_text("ready in 1 of 2 queues")
        await opened.get_by_role("button", name="Log out", exact=True).click()
        await expect(opened.locator(".answer")).to_contain_text("Log out: in sales not: ")
        await expect(opened.locator(".answer")).to_contain_text("(NOT_DYNAMIC)")
        await expect(opened.locator("tbody tr")).to_have_count(1)
        await page.keyboard.press("Escape")
        await page.get_by_role("button", name="Log in an agent").click()
        form = page.get_by_role("dialog")
        await form.get_by_label("Agent").fill("Zoë 100 %")
        await form.get_by_label("Queue").select_option("Support")
        await form.get_by_label("Address").fill("PJSIP/1003")
        await form.get_by_role("button", name="Log in").click()
        await answered(page, "Log in Zoë 100 % to Support: done.")
        await page.keyboard.press("Escape")
        opened = await dialog(page, "Zoë 100 %")
        await opened.get_by_role("button", name="Log out", exact=True).click()
        await answered(page, "Log out: done.")
        await expect(person(page, "Zoë 100 %")).to_have_count(0)
        added = [fields for name, fields in gateway.asked("QueueAdd")]
        assert [(each["Queue"], each["Interface"], each["MemberName"]) for each in added] == [
            ("Support", "PJSIP/1003", "Zoë 100 %")
        ]


async def test_outlives_a_restart_of_the_gateway(open_board: OpenBoard, web: WebBroker, tmp_path: Path) -> None:
    """A gateway that stops is told at once, and after its next start the board is current again."""
    async with pbx() as asterisk:
        async with live(web.broker, asterisk, store=tmp_path / "first.db"):
            page = await open_board()
            await expect(standing(page)).to_have_text("")
            await expect(page.locator(".person")).to_have_count(2)
        await expect(standing(page)).to_contain_text("pbx1: its gateway is not running.")
        async with live(web.broker, asterisk, store=tmp_path / "second.db"):
            await expect(standing(page)).to_have_text("")
            await expect(page.locator(".person")).to_have_count(2)


async def test_who_has_not_signed_in_can_command_nothing(signed_in: Page) -> None:
    """Without a person who signed in there is no command on the page."""
    opened = await dialog(signed_in, "Ben Okafor")
    await expect(opened.get_by_role("button")).to_have_text(["Close"])


async def test_refuses_without_rights(signed_in: Page) -> None:
    """What the broker does not let a user do is told in words, at once, and nothing happens."""
    await sign_in(signed_in, "wallboard", USERS["wallboard"])
    opened = await dialog(signed_in, "Ben Okafor")
    await opened.get_by_role("button", name="Pause", exact=True).click()
    await answered(signed_in, "Pause: The broker does not let “wallboard” give this command.")


async def test_refuses_a_wrong_password_and_lets_one_try_again(signed_in: Page) -> None:
    """A wrong password is told in the form; after the right one the page is as it was, and callers are shown."""
    await sign_in(signed_in, "supervisor", "wrong")
    await answered(signed_in, "The broker refuses “supervisor” or the password.")
    await expect(standing(signed_in)).to_contain_text("The broker refuses “supervisor” or the password.")
    await sign_in(signed_in, "supervisor", USERS["supervisor"])
    await expect(signed_in.get_by_role("dialog")).to_have_count(0)
    await expect(standing(signed_in)).to_have_text("")
    opened = await dialog(signed_in, "Support")
    await expect(opened.locator(".callers li").first).to_contain_text("A. Caller, +49301234567")
    await signed_in.keyboard.press("Escape")
    await signed_in.get_by_role("button", name="Sign out").click()
    await expect(signed_in.get_by_role("button", name="Sign in")).to_be_visible()
    await expect(queue(signed_in, "Support")).to_be_visible()


async def test_says_that_a_user_may_see_nothing(open_board: OpenBoard, client: aiomqtt.Client) -> None:
    """A user whom the broker lets in and shows nothing finds that said, and no empty board."""
    await a_busy_day(client).open()
    page = await open_board()
    await sign_in(page, "stranger", USERS["stranger"])
    await expect(page.locator(".empty")).to_have_text(
        "No gateway is to be seen below cti/+. None was ever there, or the broker does not let “stranger” read it."
    )
    await expect(page.locator(".person")).to_have_count(0)


async def test_a_gateway_that_does_not_answer_is_told(signed_in: Page) -> None:
    """A command that nobody answers ends with words that say what is not known."""
    await sign_in(signed_in, "supervisor", USERS["supervisor"])
    opened = await dialog(signed_in, "Ben Okafor")
    await opened.get_by_role("button", name="Pause", exact=True).click()
    await expect(opened.locator(".answer")).to_have_text(
        "Pause: No answer came. Whether it was done, the board will show."
    )
