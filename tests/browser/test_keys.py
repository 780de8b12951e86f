"""From a pasted ID to the ticket, and through lists, with keys alone."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Windows
from tests.browser.pages import SHOP, cells, focused, permalinks
from tests.browser.watch import Watch

pytestmark = pytest.mark.browser


class Keys:
    """Counts what is pressed."""

    def __init__(self, page: Page) -> None:
        self.page, self.pressed = page, 0

    def press(self, key: str) -> None:
        self.page.keyboard.press(key)
        self.pressed += 1


@pytest.fixture
def desk(windows: Windows) -> Page:
    """A window that may read and write the clipboard."""
    page = windows.open()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(SHOP)
    return page


def clipboard(page: Page) -> str:
    return str(page.evaluate("navigator.clipboard.readText()"))


def put_into_clipboard(page: Page, text: str) -> None:
    page.evaluate("text => navigator.clipboard.writeText(text)", text)


@pytest.mark.parametrize("what", ["message ID", "customer message ID"])
def test_from_a_pasted_id_to_the_ticket_in_four_keys(desk: Page, what: str) -> None:
    row = next(
        number for number, text in enumerate(cells(desk, "customer_message_id")) if re.fullmatch(r"ORDER-\d+", text)
    )
    message_id = permalinks(desk)[row].split("/")[-2]
    order = cells(desk, "customer_message_id")[row]
    put_into_clipboard(desk, message_id if what == "message ID" else order)
    expect(desk.locator("#id_target_id")).to_be_focused()

    keys = Keys(desk)
    keys.press("ControlOrMeta+V")
    keys.press("Enter")
    expect(desk.locator(".detail")).to_be_visible()
    keys.press("c")
    expect(desk.get_by_role("button", name="Copied")).to_be_visible()

    text = clipboard(desk)
    assert f"Message ID: {message_id}\n" in text
    assert f"Customer message ID: {order}\n" in text
    assert keys.pressed <= 4
    # The next caller.
    desk.keyboard.press("/")
    expect(desk.locator("#id_target_id")).to_be_focused()
    desk.keyboard.press("Escape")
    assert desk.locator("#id_target_id").input_value() == desk.locator("#id_customer_message_id").input_value() == ""


def test_rows_pages_and_tabs(desk: Page) -> None:
    first = permalinks(desk)
    desk.locator("#id_target_id").blur()
    for key, number in (("j", 0), ("j", 1), ("j", 2), ("k", 1)):
        desk.keyboard.press(key)
        expect(desk.locator(".opener").nth(number)).to_be_focused()
    desk.keyboard.press("o")
    expect(desk.locator(".message").nth(1).locator(".detail")).to_be_visible()
    desk.keyboard.press("c")
    expect(desk.get_by_role("button", name="Copied")).to_be_visible()
    assert first[1] in clipboard(desk)
    desk.keyboard.press("Enter")
    expect(desk.locator(".message").nth(1).locator(".detail")).to_be_hidden()
    desk.keyboard.press("n")
    expect(desk.locator("#previous-top")).to_be_visible()
    desk.keyboard.press("p")
    expect(desk.locator("#previous-top")).to_have_count(0)
    assert permalinks(desk) == first
    for key, place in (("t", "**/tasks/"), ("s", "**/apps/shop/status-codes/"), ("m", f"**{SHOP}")):
        desk.keyboard.press("g")
        desk.keyboard.press(key)
        desk.wait_for_url(place)
        desk.evaluate("document.activeElement.blur()")


def test_help_says_all_and_gives_the_focus_back(desk: Page) -> None:
    desk.locator("#sort-title").focus()
    desk.keyboard.press("?")
    expect(desk.get_by_role("dialog")).to_contain_text("copy the open message for a ticket")
    desk.keyboard.press("j")
    expect(desk.get_by_role("button", name="Close")).to_be_focused()
    desk.keyboard.press("Escape")
    expect(desk.get_by_role("dialog")).to_have_count(0)
    assert focused(desk) == "sort-title"


def test_one_switch_turns_them_off_in_every_browser(desk: Page, windows: Windows) -> None:
    desk.locator("#menu summary").click()
    with desk.expect_response("**/accounts/keys/"):
        desk.get_by_label("Keys of one letter").uncheck()
    other = windows.open()
    for page in (desk, other):
        page.goto("/apps/shop/tasks/")
        page.keyboard.press("/")
        page.keyboard.press("?")
        expect(page.get_by_role("dialog")).to_have_count(0)
        assert focused(page) == "BODY"
    other.locator("#menu summary").click()
    with other.expect_response("**/accounts/keys/"):
        other.get_by_label("Keys of one letter").check()
    desk.reload()
    desk.keyboard.press("?")
    expect(desk.get_by_role("dialog")).to_be_visible()


def test_switch_that_could_not_be_kept_goes_back(desk: Page, watch: Watch) -> None:
    watch.expect_failure("net::ERR_FAILED")
    desk.route("**/accounts/keys/", lambda route: route.abort())
    desk.locator("#menu summary").click()
    desk.get_by_label("Keys of one letter").click()
    expect(desk.locator(".failure")).to_contain_text("was not kept")
    expect(desk.get_by_label("Keys of one letter")).to_be_checked()


def test_help_and_switch_work_without_scripts(windows: Windows) -> None:
    page = windows.open(scripts=False)
    page.goto(SHOP)
    for button, words in (("Turn them off", "are off"), ("Turn them on", "are on")):
        page.locator("#menu summary").click()
        page.get_by_role("link", name="Help on keys").click()
        page.get_by_role("button", name=button).click()
        expect(page.locator(".notices")).to_contain_text(words)
    expect(page.get_by_role("main")).to_contain_text("copy the open message for a ticket")


def test_letters_are_typed_in_fields(desk: Page) -> None:
    desk.keyboard.type("jko?/")
    expect(desk.locator("#id_target_id")).to_have_value("jko?/")


def test_copy_buttons_give_what_is_stored(desk: Page) -> None:
    desk.locator(".opener").first.click()
    detail = desk.locator(".detail").first
    for name, column in (("target ID", "target_id"), ("customer message ID", "customer_message_id")):
        detail.get_by_role("button", name=f"Copy {name}", exact=True).click()
        expect(detail.get_by_role("button", name="Copied")).to_be_visible()
        assert clipboard(desk) == desk.locator(f".col-{column}").first.get_attribute("title")
        expect(detail.get_by_role("button", name="Copied")).to_have_count(0)
    detail.get_by_role("button", name="Copy link").click()
    expect(detail.get_by_role("button", name="Copied")).to_be_visible()
    assert clipboard(desk).endswith(permalinks(desk)[0])
