"""The list without a mouse, and what a screen reader is told."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.pages import SHOP, column, focused, more_filters
from tests.browser.watch import Watch

pytestmark = pytest.mark.browser


def test_sort_keeps_the_focus_and_is_announced(live_page: Page) -> None:
    live_page.goto(SHOP)
    for direction, words in (("ascending", "ascending"), ("descending", "descending")):
        live_page.locator("#sort-title").focus()
        live_page.keyboard.press("Enter")
        expect(column(live_page, "title")).to_have_attribute("aria-sort", direction)
        expect(live_page.locator("#sort-title")).to_be_focused()
        announcement = live_page.locator("#announcement[role=status]")
        expect(announcement).to_have_text(f"50 messages on this page, by title, {words}.")
    expect(live_page.locator("#announcement")).to_have_count(1)


def test_pager_keeps_the_focus_or_hands_it_to_the_heading(live_page: Page) -> None:
    live_page.goto(f"{SHOP}?push_type=harmony")
    pages = 1
    while True:
        first = live_page.locator(".message-row th a").first.get_attribute("href") or ""
        live_page.locator("#next-bottom").focus()
        live_page.keyboard.press("Enter")
        expect(live_page.locator(".message-row th a").first).not_to_have_attribute("href", first)
        pages += 1
        if not live_page.locator("#next-bottom").count():
            break
        expect(live_page.locator("#next-bottom")).to_be_focused()
    assert pages > 1
    expect(live_page.locator("#results-heading")).to_be_focused()
    assert live_page.evaluate("scrollY") == 0  # a new page is read from its top

    live_page.locator("#first-top").focus()
    live_page.keyboard.press("Enter")
    expect(live_page.locator("#first-top")).to_have_count(0)
    expect(live_page.locator("#results-heading")).to_be_focused()


def test_problem_gets_the_focus_nowhere_but_is_an_alert(live_page: Page, watch: Watch) -> None:
    watch.expect(400)
    live_page.goto(SHOP)
    more_filters(live_page)
    live_page.get_by_label("Status").fill("3")
    live_page.keyboard.press("Enter")
    expect(live_page.get_by_role("alert")).to_be_visible()
    expect(live_page.get_by_label("Status")).to_be_focused()
    expect(live_page.locator("#announcement")).to_have_text("This list cannot be shown.")


def test_everything_is_reached_in_the_order_of_the_page(page: Page) -> None:
    page.goto(f"{SHOP}?sort=-created_at")
    reached = []
    for _ in range(40):
        page.keyboard.press("Tab")
        reached.append(_name(page))
    wanted = [
        "Skip to the content",
        "Skip to the search",
        "Pushlog",
        "id_target_id",
        "id_customer_message_id",
        "Search",
        "operator",
        "tab-messages",
        "tab-tasks",
        "tab-status-codes",
        "id_outcome",
        "More filters",
        "range-hour",
        "range-all",
        "next-top",
        *(
            f"sort-{name}"
            for name in ("created_at", "status", "target_id", "title", "customer_message_id", "push_type")
        ),
    ]
    assert [name for name in reached if name in wanted] == wanted
    # Without scripts nothing opens in place: rows are links.
    assert any(name.startswith(("Details of", "20")) for name in reached)


def test_focus_is_seen_and_not_under_the_head(page: Page) -> None:
    page.goto(SHOP)
    page.locator(".message-row th a").nth(40).focus()
    for _ in range(40):
        page.keyboard.press("Shift+Tab")
        box = page.locator(":focus").bounding_box()
        head = page.locator("thead").bounding_box()
        assert box
        assert head
        assert box["y"] >= head["y"] + head["height"] - 1, focused(page)
    outline = page.locator(":focus").evaluate("element => getComputedStyle(element).outlineStyle")
    assert outline == "solid"


def _name(page: Page) -> str:
    return str(
        page.locator(":focus").evaluate(
            "element => element.id || element.getAttribute('aria-label') || element.textContent.trim()"
        )
    )
