"""The search, its address, and what it says when there is nothing."""

from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect

from pushlog.demo.messages import HEAVY_TARGET, SHARED_CUSTOMER_ID
from tests.browser.conftest import Windows
from tests.browser.pages import SHOP, cells, choose_theme, permalinks, search_for
from tests.browser.watch import Watch, stored

pytestmark = pytest.mark.browser

Log = list[dict[str, Any]]


def test_search_by_target_finds_all_to_it(page: Page) -> None:
    page.goto(SHOP)
    search_for(page, target_id=f"  {HEAVY_TARGET} ")
    assert cells(page, "target_id") == [HEAVY_TARGET] * 50
    expect(page.get_by_role("heading", level=1)).to_contain_text(HEAVY_TARGET)
    first = permalinks(page)
    page.locator("#next-bottom").click()
    expect(page.locator("#previous-top")).to_be_visible()
    assert cells(page, "target_id") == [HEAVY_TARGET] * 50
    assert not set(first) & set(permalinks(page))


def test_search_by_customer_message_id_finds_all_with_it(page: Page) -> None:
    page.goto(SHOP)
    search_for(page, customer_message_id=SHARED_CUSTOMER_ID)
    assert cells(page, "customer_message_id") == [SHARED_CUSTOMER_ID] * 50


def test_search_by_both_finds_the_one_message(page: Page, log: Log) -> None:
    wanted = next(row for row in reversed(log) if row["customer_message_id"] == SHARED_CUSTOMER_ID)
    page.goto(SHOP)
    search_for(page, target_id=wanted["target_id"], customer_message_id=SHARED_CUSTOMER_ID)
    # One hit opens at once.
    expect(page.locator(".facts")).to_contain_text(wanted["target_id"])
    expect(page.locator(".facts")).to_contain_text(SHARED_CUSTOMER_ID)
    page.get_by_role("link", name="Back to the search").click()
    assert set(cells(page, "target_id")) == {wanted["target_id"]}
    assert set(cells(page, "customer_message_id")) == {SHARED_CUSTOMER_ID}
    expect(page.locator(".pager")).to_have_count(0)


def test_search_finds_multiple_messages_and_the_list_does_not(page: Page, log: Log) -> None:
    wanted = next(row for row in reversed(log) if row["mode"] == "multiple")
    created = wanted["created_at"][:16]
    page.goto(f"{SHOP}?created_from=2026-01-01T00:00&sort=created_at")
    assert wanted["customer_message_id"] not in page.content(), created
    search_for(page, customer_message_id=wanted["customer_message_id"])
    expect(page.locator(".facts")).to_contain_text(", multiple")
    expect(page.locator(".facts")).to_contain_text(wanted["task"])


def test_search_never_finds_a_broadcast(page: Page, log: Log) -> None:
    broadcast = next(row for row in reversed(log) if row["mode"] == "broadcast")
    page.goto(SHOP)
    search_for(page, customer_message_id=broadcast["customer_message_id"])
    expect(page.locator("#results-heading")).to_have_text("No messages")


def test_search_without_a_match_explains_itself_and_can_be_cleared(page: Page) -> None:
    page.goto(SHOP)
    search_for(page, target_id="nobody@example.com", customer_message_id=SHARED_CUSTOMER_ID)
    nothing = page.locator(".nothing")
    expect(nothing).to_contain_text("Nothing was found in Shop (Production)")
    expect(nothing).to_contain_text("nobody@example.com")
    expect(nothing).to_contain_text("This customer message ID exists, but for another target ID.")
    page.get_by_role("link", name="Clear").click()
    page.wait_for_url(f"**{SHOP}")
    expect(page.locator("#results-heading")).to_contain_text("newest first")
    expect(page.get_by_role("search").get_by_label("Target ID")).to_have_value("")


def test_the_first_field_takes_a_customer_message_id_and_swapped_ones_are_swapped(page: Page) -> None:
    page.goto(SHOP)
    search_for(page, target_id=SHARED_CUSTOMER_ID)
    expect(page.locator("#results-heading")).to_contain_text("50 messages")
    assert set(cells(page, "customer_message_id")) == {SHARED_CUSTOMER_ID}
    target = cells(page, "target_id")[0]
    search_for(page, target_id=SHARED_CUSTOMER_ID, customer_message_id=target)
    page.get_by_role("button", name="Swap the two IDs").click()
    assert set(cells(page, "target_id")) <= {target} or page.locator(".facts").count()


def test_search_without_terms_says_what_to_enter(page: Page, watch: Watch) -> None:
    watch.expect(400)
    page.goto(SHOP)
    page.get_by_role("button", name="Search").click()
    expect(page.locator("#id_target_id_error")).to_have_text("Type or paste an ID.")
    expect(page.locator(".message-row")).to_have_count(50)


def test_search_address_holds_nothing_of_the_terms_and_works_for_others(
    page: Page, windows: Windows, watch: Watch
) -> None:
    terms = ["+8610000000000", "campaign-2026-11"]
    page.goto(SHOP)
    search_for(page, target_id=HEAVY_TARGET)
    page.locator("#sort-title").click()
    page.wait_for_url("**sort=title")
    page.locator("#next-top").click()
    page.wait_for_url("**after=**")
    rows = permalinks(page)
    for address in watch.requests:
        assert not any(term in address or quote(term) in address for term in terms)

    colleague = windows.open(who="operator")
    colleague.goto(page.url)
    assert permalinks(colleague) == rows


def test_search_stays_through_sorts_and_filters(page: Page) -> None:
    page.goto(SHOP)
    search_for(page, target_id=HEAVY_TARGET)
    page.locator("#sort-title").click()
    page.wait_for_url("**sort=title")
    page.get_by_label("Outcome").select_option("received")
    if (button := page.get_by_role("button", name="Apply", exact=True)).is_visible():
        button.click()
    expect(page.locator(".active-filters")).to_contain_text("Outcome: Received")
    assert set(cells(page, "target_id")) == {HEAVY_TARGET}
    expect(page.locator("#results-heading")).to_contain_text("by title")


def test_browser_keeps_nothing_but_the_theme(live_page: Page) -> None:
    live_page.goto(SHOP)
    search_for(live_page, target_id=HEAVY_TARGET)
    live_page.locator("#sort-title").click()
    live_page.wait_for_url("**sort=title")
    live_page.locator(".opener").first.click()
    expect(live_page.locator(".detail")).to_be_visible()
    live_page.locator("#next-top").click()
    live_page.wait_for_url("**after=**")
    assert stored(live_page) == {}
    choose_theme(live_page, "Dark")
    assert stored(live_page) == {"pushlog-theme": "dark"}
    # Nor is what was typed offered to the next person at this desk.
    expect(live_page.get_by_role("search")).to_have_attribute("autocomplete", "off")
