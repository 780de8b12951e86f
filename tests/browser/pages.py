"""What browser tests do on the pages, and read off them."""

import re
from typing import Any

from playwright.sync_api import Locator, Page, ViewportSize, expect

WIDE: ViewportSize = {"width": 1366, "height": 850}
PHONE: ViewportSize = {"width": 360, "height": 780}
SHOP = "/apps/shop/messages/"


def log_in(page: Page, name: str, password: str) -> None:
    """Fills in the login page; opens it if another page is shown."""
    if "/accounts/login/" not in page.url:
        page.goto("/accounts/login/")
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()


def confirm(page: Page, password: str) -> None:
    """Says again that it is this person: the admin asks for it every quarter of an hour."""
    page.goto("/accounts/reauthenticate/")
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Confirm").click()
    page.wait_for_url(lambda address: "reauthenticate" not in address)


def log_out(page: Page) -> None:
    page.locator("#menu summary").click()
    page.get_by_role("button", name="Log out").click()


def choose_theme(page: Page, name: str) -> None:
    """Light, Dark or System, in the menu."""
    if page.locator("#menu").get_attribute("open") is None:
        page.locator("#menu summary").click()
    page.get_by_label(name, exact=True).check()


def more_filters(page: Page) -> Locator:
    """The filters that wait behind a click."""
    details = page.locator("#filter-form details")
    if details.get_attribute("open") is None:
        details.locator("summary").click()
    return details


def search_for(page: Page, *, target_id: str = "", customer_message_id: str = "") -> None:
    """Fills in the search form, and sends it."""
    form = page.get_by_role("search")
    form.get_by_label("Target ID").fill(target_id)
    form.get_by_label("Customer message ID").fill(customer_message_id)
    form.get_by_role("button", name="Search").click()
    page.wait_for_url(re.compile(r"search=|/targets/|/tasks/|/messages/[0-9a-f-]{36}/"))


def cells(page: Page, column: str) -> list[str]:
    """The texts of a column, once the page has loaded: its rows come in pieces."""
    page.wait_for_load_state()
    return page.locator(f".message-row .col-{column}").all_inner_texts()


def permalinks(page: Page) -> list[str]:
    """The rows of a page, once it has loaded: where each leads to."""
    page.wait_for_load_state()
    found: list[str] = page.locator(".message-row th a").evaluate_all("links => links.map(link => link.pathname)")
    return found


def column(page: Page, name: str) -> Locator:
    """The header of a column, by its name in addresses."""
    return page.locator("th", has=page.locator(f"#sort-{name}"))


def sort_by(page: Page, name: str, direction: str) -> None:
    """Clicks on the header of a column until the list is sorted as wanted: `ascending` or `descending`."""
    header = column(page, name)
    while (order := header.get_attribute("aria-sort")) != direction:
        page.locator(f"#sort-{name}").click()
        expect(header).not_to_have_attribute("aria-sort", order or "")
        expect(header).to_have_attribute("aria-sort", re.compile("ending"))


def open_row(page: Page, row: Locator) -> Locator:
    """Opens a row in place, and waits for what is in it: the detail."""
    row.locator(".opener").click()
    detail = row.locator(".detail-row .detail")
    expect(detail).to_be_visible()
    return detail


def focused(page: Page) -> str:
    """The ID of what has the focus; of what has none, the name of its element."""
    name: Any = page.evaluate("document.activeElement.id || document.activeElement.tagName")
    return str(name)


def overflow(page: Page) -> int:
    """By how many pixels the page is wider than the window."""
    return int(page.evaluate("document.documentElement.scrollWidth - innerWidth"))
