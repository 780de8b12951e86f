"""A support person reveals what the role does not show."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Windows
from tests.browser.pages import SHOP, focused, open_row
from tests.browser.watch import Watch

pytestmark = pytest.mark.browser


def reveal(page: Page, reason: str) -> None:
    page.get_by_label("Ticket number or reason").fill(reason)
    page.get_by_role("button", name="Reveal this message").click()


def test_a_message_is_revealed_on_its_page(windows: Windows, scripts: bool, watch: Watch) -> None:
    watch.expect(400)
    page = windows.open(who="support", scripts=scripts)
    page.goto(SHOP)
    page.locator(".message-row th a").nth(3 if scripts else 2).click()
    target = page.locator(".facts > div", has_text="Target ID").locator("code")
    expect(target).to_have_text(re.compile("•••|…"))

    reveal(page, "")
    expect(page.get_by_role("alert")).to_have_text("Say why: a ticket number, or a reason.")
    expect(page.get_by_label("Ticket number or reason")).to_be_focused()
    reveal(page, "ticket 12")

    expect(page.get_by_text("Revealed by you until")).to_be_visible()
    expect(target).not_to_have_text(re.compile("•••|…"))
    expect(page.get_by_role("button", name="Reveal this message")).to_have_count(0)


def test_a_row_is_revealed_in_place_by_keys(windows: Windows) -> None:
    page = windows.open(who="support")
    page.goto(SHOP)
    detail = open_row(page, page.locator(".message").nth(4))
    page.get_by_label("Ticket number or reason").focus()
    page.keyboard.type("ticket 13")
    page.keyboard.press("Enter")

    expect(detail.get_by_text("Revealed by you until")).to_be_focused()
    expect(detail.locator(".content").first).to_be_visible()
    assert focused(page) == "P"


def test_a_reveal_that_gets_no_answer_says_so(windows: Windows, watch: Watch) -> None:
    watch.expect(503)
    page = windows.open(who="support")
    page.goto(SHOP)
    open_row(page, page.locator(".message").nth(5))
    page.route("**/reveal/", lambda route: route.fulfill(status=503, body=""))

    reveal(page, "ticket 14")

    expect(page.locator(".failure")).to_have_text("The answer took too long to load. Try again.")
