"""What stands on the page, as a person would find it."""

from playwright.async_api import Locator, Page


def queue(page: Page, name: str) -> Locator:
    """A queue's card or line."""
    return page.locator(".queue").filter(has=page.get_by_role("button", name=name, exact=True))


def person(page: Page, name: str) -> Locator:
    """An agent's tile."""
    return page.locator(".person").filter(has=page.get_by_role("button", name=name, exact=True))


def column(page: Page, name: str) -> Locator:
    """All agents in one state."""
    return page.get_by_role("region", name=name)


def standing(page: Page) -> Locator:
    """What is said of the picture while it is not current."""
    return page.locator(".standing")


async def dialog(page: Page, name: str) -> Locator:
    """Open what there is to see of an agent or a queue."""
    await page.get_by_role("button", name=name, exact=True).click()
    opened = page.get_by_role("dialog")
    await opened.wait_for()
    return opened


def seconds(text: str) -> int:
    """A time as the page shows it, ``1:02:03`` or ``12:30``, in seconds."""
    total = 0
    for part in text.split(":"):
        total = 60 * total + int(part)
    return total


async def lasting(tile: Locator) -> int:
    """For how many seconds an agent is in its state, as its tile shows it."""
    return seconds(await tile.locator(".time").inner_text())


async def drawn(page: Page) -> None:
    """Wait until the page has its fonts and has been drawn with them: measured before, it is another."""
    await page.evaluate(
        """async () => {
             await document.fonts.ready;
             for (let turn = 0; turn < 2; turn += 1) { await new Promise(requestAnimationFrame); } }"""
    )


async def sign_in(page: Page, user: str, password: str) -> None:
    """Fill in the form that opens with "Sign in", and send it."""
    if not await page.get_by_role("dialog").count():
        await page.get_by_role("button", name="Sign in").click()
    form = page.get_by_role("dialog")
    await form.get_by_label("User").fill(user)
    await form.get_by_label("Password").fill(password)
    await form.get_by_role("button", name="Sign in").click()
