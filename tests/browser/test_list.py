"""The list: its order and its pages, with JavaScript and without."""

import re

import pytest
from playwright.sync_api import Page, Route, expect

from console.lists.tables import SORTS
from tests.browser.conftest import Windows
from tests.browser.pages import SHOP, cells, choose_theme, column, permalinks, sort_by
from tests.browser.watch import Watch

pytestmark = pytest.mark.browser

HEADING = "#results-heading"


def test_list_is_reached_from_my_apps_and_begins_with_the_newest(page: Page) -> None:
    page.goto("/")
    page.get_by_role("link", name="Shop").click()
    expect(page.locator(HEADING)).to_have_text("50 messages on this page, newest first")
    expect(column(page, "created_at")).to_have_attribute("aria-sort", "descending")
    created = cells(page, "created_at")
    assert len(created) == 50
    assert created == sorted(created, reverse=True)


@pytest.mark.parametrize("name", SORTS)
def test_list_sorts_by_every_column_both_ways(page: Page, name: str) -> None:
    page.goto(SHOP)
    shown = {}
    for direction in ("ascending", "descending"):
        sort_by(page, name, direction)
        shown[direction] = permalinks(page), cells(page, name)
        expect(page.locator("[aria-sort]")).to_have_count(1)
    assert not set(shown["ascending"][0]) & set(shown["descending"][0])
    if name in {"target_id", "customer_message_id", "created_at"}:
        # By code point, as the database does it; the others are words in the order of their numbers, or cut.
        assert shown["ascending"][1] == sorted(shown["ascending"][1])
        assert shown["descending"][1] == sorted(shown["descending"][1], reverse=True)
    else:
        assert shown["ascending"][1] != shown["descending"][1]


def test_pager_and_history_show_the_same_rows_again(page: Page, scripts: bool) -> None:
    page.goto(f"{SHOP}?sort=title")
    pages = [permalinks(page)]
    for _ in range(2):
        page.locator("#next-top").click()
        expect(page.locator(".message-row th a").first).not_to_have_attribute("href", pages[-1][0])
        pages.append(permalinks(page))
    assert len({row for rows in pages for row in rows}) == 150

    for wanted in (pages[1], pages[0]):
        page.go_back()
        _expect_whole_page(page, wanted)
    page.go_forward()
    _expect_whole_page(page, pages[1])

    page.locator("#previous-bottom").click()
    expect(page.locator(".message-row th a").first).to_have_attribute("href", pages[0][0])
    assert permalinks(page) == pages[0]
    page.locator("#next-bottom").click()
    expect(page.locator(".message-row th a").first).to_have_attribute("href", pages[1][0])
    page.locator("#first-top").click()
    expect(page.locator("#first-top")).to_have_count(0)
    assert permalinks(page) == pages[0]


def _expect_whole_page(page: Page, rows: list[str]) -> None:
    expect(page.locator(".message-row th a").first).to_have_attribute("href", rows[0])
    assert permalinks(page) == rows
    expect(page.get_by_role("link", name="Pushlog", exact=True)).to_be_visible()
    expect(page.get_by_role("search")).to_be_visible()


def test_history_leaves_a_page_that_works(live_page: Page) -> None:
    live_page.goto(SHOP)
    sort_by(live_page, "title", "ascending")
    sort_by(live_page, "title", "descending")
    live_page.go_back()
    expect(column(live_page, "title")).to_have_attribute("aria-sort", "ascending")
    choose_theme(live_page, "Dark")
    expect(live_page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    live_page.locator(".opener").first.click()
    expect(live_page.locator(".detail").first).to_be_visible()
    sort_by(live_page, "status", "ascending")


def test_sort_and_pages_are_in_the_address(page: Page) -> None:
    page.goto(SHOP)
    sort_by(page, "target_id", "ascending")
    page.wait_for_url(f"**{SHOP}?sort=target_id")
    page.locator("#next-top").click()
    page.wait_for_url(re.compile(r"\?sort=target_id&after="))
    rows = permalinks(page)
    page.reload()
    assert permalinks(page) == rows
    # Another order begins at its first page.
    sort_by(page, "title", "ascending")
    page.wait_for_url(f"**{SHOP}?sort=title")


def test_last_page_has_no_next_one(page: Page) -> None:
    page.goto(f"{SHOP}?sort=title&push_type=harmony")
    while page.locator("#next-top").count():
        before = permalinks(page)[0]
        page.locator("#next-top").click()
        expect(page.locator(".message-row th a").first).not_to_have_attribute("href", before)
    expect(page.locator(HEADING)).to_have_text(re.compile(r"^\d+ messages?( on this page)?, by title, "))


def test_quick_clicks_end_with_the_last_one(live_page: Page, watch: Watch) -> None:
    watch.expect_failure("net::ERR_ABORTED")  # the requests of the clicks before it
    live_page.goto(SHOP)
    live_page.evaluate(
        "for (const name of ['title', 'status', 'target_id']) document.getElementById('sort-' + name).click()"
    )
    expect(column(live_page, "target_id")).to_have_attribute("aria-sort", "ascending")
    live_page.wait_for_url(f"**{SHOP}?sort=target_id")


def test_header_opens_in_a_new_tab_as_a_whole_page(live_page: Page) -> None:
    live_page.goto(SHOP)
    with live_page.context.expect_page() as opened:
        live_page.locator("#sort-title").click(modifiers=["ControlOrMeta"])
    expect(opened.value.get_by_role("link", name="Pushlog", exact=True)).to_be_visible()
    expect(column(opened.value, "title")).to_have_attribute("aria-sort", "ascending")
    expect(column(live_page, "created_at")).to_have_attribute("aria-sort", "descending")


def test_list_that_cannot_be_loaded_says_so_and_stays(live_page: Page, watch: Watch) -> None:
    watch.expect_failure("net::ERR_FAILED")
    watch.expect(503)
    live_page.goto(SHOP)
    rows = permalinks(live_page)
    failures = [
        (lambda route: route.abort(), "there is no connection"),
        (lambda route: route.fulfill(status=503, body="<h1>busy</h1>"), "took too long"),
    ]
    for fail, words in failures:
        live_page.route("**/*sort=title*", fail)
        live_page.locator("#sort-title").click()
        expect(live_page.locator(".failure")).to_contain_text(words)
        assert permalinks(live_page) == rows
        live_page.unroute("**/*sort=title*")
    live_page.locator("#sort-title").click()
    expect(column(live_page, "title")).to_have_attribute("aria-sort", "ascending")
    expect(live_page.locator(".failure")).to_have_count(0)


def test_slow_list_is_dimmed_meanwhile(live_page: Page) -> None:
    live_page.goto(SHOP)
    held: list[Route] = []
    live_page.route("**/*sort=title*", lambda route: held.append(route))
    live_page.locator("#sort-title").click()
    expect(live_page.locator("#results")).to_have_css("opacity", "0.5")
    held[0].continue_()
    expect(column(live_page, "title")).to_have_attribute("aria-sort", "ascending")
    expect(live_page.locator("#results")).to_have_css("opacity", "1")


def test_list_of_another_app_is_in_its_own_zone(windows: Windows) -> None:
    page = windows.open(who="operator")
    page.goto("/")
    page.get_by_role("link", name="Bank").click()
    expect(page.locator("thead")).to_contain_text("UTC+01:00")
