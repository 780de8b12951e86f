"""Rows that are open are open again: on the way back, after a reload, and for who gets the link."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Windows
from tests.browser.pages import PHONE, SHOP, WIDE, open_row, permalinks, search_for, sort_by
from tests.browser.travel import MESSAGES, SALE, SALE_PAGE, TARGETS
from tests.browser.watch import Watch, stored

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("travel")]


@pytest.fixture
def live_page(windows: Windows) -> Page:
    """A window of the operator, with JavaScript."""
    return windows.open(who="operator")


def row(page: Page, name: str) -> Locator:
    """The row of a message, by its customer message ID."""
    return page.locator(".message", has=page.locator(f".col-customer_message_id[title='{name}']"))


def expect_open(page: Page, *names: str) -> None:
    """These rows are open, and loaded, and no others."""
    expect(page.locator(".message .detail:visible")).to_have_count(len(names))
    for name in names:
        expect(row(page, name).locator(".detail")).to_be_visible()
        expect(row(page, name).locator(".opener")).to_have_attribute("aria-expanded", "true")


@pytest.mark.parametrize("width", [WIDE["width"], PHONE["width"]], ids=["wide", "phone"])
def test_from_a_message_to_its_task_and_back_with_the_row_still_open(windows: Windows, width: int) -> None:
    page = windows.open(who="operator", width=width)
    page.goto(f"{MESSAGES}?sort=customer_message_id")
    for name in ("sale-003", "sale-040", "sale-020"):
        open_row(page, row(page, name))
    row(page, "sale-040").get_by_role("link", name=SALE).click()
    page.wait_for_url(f"**{SALE_PAGE}")

    page.go_back()

    expect_open(page, "sale-003", "sale-020", "sale-040")
    expect(row(page, "sale-040")).to_be_in_viewport()
    expect(row(page, "sale-040").locator(".detail-status")).to_be_in_viewport()

    page.go_forward()
    expect(page.get_by_role("heading", name="Weekend sale")).to_be_visible()
    page.go_back()
    expect_open(page, "sale-003", "sale-020", "sale-040")


def test_reload_and_link_open_the_row_again(live_page: Page, windows: Windows) -> None:
    live_page.goto(MESSAGES)
    open_row(live_page, row(live_page, "sale-030"))
    live_page.reload()
    expect_open(live_page, "sale-030")
    expect(row(live_page, "sale-030")).to_be_in_viewport()

    colleague = windows.open(who="operator")
    colleague.goto(live_page.url)
    expect_open(colleague, "sale-030")
    expect(row(colleague, "sale-030")).to_be_in_viewport()


def test_rows_of_a_task_are_open_again_too(live_page: Page) -> None:
    live_page.goto(SALE_PAGE)
    open_row(live_page, row(live_page, "sale-010"))
    row(live_page, "sale-011").locator("th a").click()
    expect(live_page.get_by_role("heading", name="Timeline")).to_be_visible()
    live_page.go_back()
    expect_open(live_page, "sale-010")


def test_row_that_was_closed_stays_closed(live_page: Page) -> None:
    live_page.goto(f"{MESSAGES}?sort=title")
    opened = live_page.locator(".message").nth(2)
    open_row(live_page, opened)
    assert "#open=" in live_page.url
    opened.locator(".opener").click()
    live_page.wait_for_url(re.compile(rf"{MESSAGES}\?sort=title$"))
    live_page.reload()
    expect(live_page.locator(".message")).to_have_count(50)
    expect(live_page.locator(".detail")).to_have_count(0)


def test_row_that_is_on_this_page_no_more_is_nothing(live_page: Page, watch: Watch) -> None:
    live_page.goto(f"{MESSAGES}#open=019a9b3c-0000-7000-8000-000000000000,x,%22%5D,")
    expect(live_page.locator(".message")).to_have_count(50)
    expect(live_page.locator("[aria-expanded='true']")).to_have_count(0)
    open_row(live_page, live_page.locator(".message").first)
    assert live_page.url.endswith(f"#open={permalinks(live_page)[0].split('/')[-2]}")


def test_sort_closes_rows_and_the_way_back_opens_them(live_page: Page) -> None:
    live_page.goto(MESSAGES)
    open_row(live_page, row(live_page, "sale-001"))
    sort_by(live_page, "title", "ascending")
    live_page.wait_for_url(re.compile(r"sort=title$"))
    expect(live_page.locator(".detail")).to_have_count(0)
    live_page.go_back()
    expect_open(live_page, "sale-001")


def test_rows_are_no_pages_of_the_history(live_page: Page) -> None:
    live_page.goto("/")
    live_page.goto(MESSAGES)
    for name in ("sale-001", "sale-002"):
        open_row(live_page, row(live_page, name))
    live_page.go_back()
    expect(live_page.get_by_role("heading", name="My apps")).to_be_visible()


def test_link_pasted_over_the_address_of_the_same_list_opens_its_row(live_page: Page) -> None:
    live_page.goto(MESSAGES)
    identifier = permalinks(live_page)[5].split("/")[-2]
    live_page.evaluate(f"location.hash = 'open={identifier}'")
    expect(live_page.locator(".message").nth(5).locator(".detail")).to_be_visible()


def test_open_rows_are_kept_in_the_address_and_nowhere_else(live_page: Page, watch: Watch) -> None:
    live_page.goto(MESSAGES)
    search_for(live_page, target_id=TARGETS[3])
    opened = live_page.locator(".message").first
    open_row(live_page, opened)
    opened.get_by_role("link", name=SALE).click()
    live_page.wait_for_url(f"**{SALE_PAGE}")
    live_page.go_back()
    expect(live_page.locator(".message").first.locator(".detail")).to_be_visible()

    assert stored(live_page) == {}
    assert TARGETS[3] not in live_page.url
    # What stands behind the # is not sent.
    assert not [address for address in watch.requests if "open=" in address and "#" not in address]


def test_row_of_the_demo_is_open_again(live_page: Page) -> None:
    live_page.goto(SHOP)
    opened = live_page.locator(".message").nth(45)
    open_row(live_page, opened)
    link = opened.get_by_role("link", name="About this code")
    link.click()
    live_page.wait_for_url("**/status-codes/**")
    live_page.go_back()
    expect(live_page.locator(".message").nth(45).locator(".detail")).to_be_visible()
    expect(live_page.locator(".message").nth(45)).to_be_in_viewport()
