"""A row opens in place, and has a page of its own."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.pages import SHOP, cells, column, open_row, permalinks, search_for, sort_by
from tests.browser.watch import Watch

pytestmark = pytest.mark.browser


def test_row_leads_to_the_page_of_its_message(page: Page) -> None:
    page.goto(SHOP)
    link = page.locator(".message-row th a").first
    customer_message_id, permalink = cells(page, "customer_message_id")[0], permalinks(page)[0]
    link.click()
    page.wait_for_url(f"**{permalink}")
    expect(page.locator(".facts")).to_contain_text(customer_message_id)
    expect(page.get_by_role("heading", name="Timeline")).to_be_visible()
    page.get_by_role("link", name="All messages").click()
    page.wait_for_url(f"**{SHOP}")


def test_row_opens_and_closes_with_its_button_and_is_loaded_once(live_page: Page, watch: Watch) -> None:
    live_page.goto(SHOP)
    row = live_page.locator(".message").first
    permalink = permalinks(live_page)[0]
    detail = open_row(live_page, row)
    expect(row.locator(".opener")).to_have_attribute("aria-expanded", "true")
    expect(detail.get_by_role("link", name="This message", exact=True)).to_have_attribute("href", permalink)

    for visible in (False, True):
        row.locator(".opener").click()
        expect(row.locator(".opener")).to_have_attribute("aria-expanded", str(visible).lower())
        expect(detail).to_be_visible(visible=visible)
    assert len(watch.asked_for(permalink)) == 1


def test_row_opens_and_closes_with_a_click_on_its_cells(live_page: Page, watch: Watch) -> None:
    live_page.goto(SHOP)
    row = live_page.locator(".message").nth(1)
    row.locator(".col-status").click()
    expect(row.locator(".detail")).to_be_visible()
    row.locator(".col-push_type").click()
    expect(row.locator(".detail")).to_be_hidden()
    assert len(watch.asked_for(permalinks(live_page)[1])) == 1


def test_row_opens_with_the_keyboard(live_page: Page) -> None:
    live_page.goto(SHOP)
    opener = live_page.locator(".opener").nth(2)
    opener.focus()
    live_page.keyboard.press("Enter")
    expect(live_page.locator(".message").nth(2).locator(".detail")).to_be_visible()
    expect(opener).to_be_focused()
    live_page.keyboard.press("Space")
    expect(live_page.locator(".message").nth(2).locator(".detail")).to_be_hidden()


def test_row_stays_as_it_is_while_its_text_is_selected(live_page: Page) -> None:
    live_page.goto(SHOP)
    box = live_page.locator(".col-target_id").first.bounding_box()
    assert box
    live_page.mouse.move(box["x"] + 12, box["y"] + 15)
    live_page.mouse.down()
    live_page.mouse.move(box["x"] + 90, box["y"] + 15)
    live_page.mouse.up()
    assert live_page.evaluate("getSelection().toString()")
    expect(live_page.locator(".opener").first).to_have_attribute("aria-expanded", "false")


def test_row_survives_quick_clicks(live_page: Page, watch: Watch) -> None:
    live_page.goto(SHOP)
    opener = live_page.locator(".opener").first
    opener.dblclick()
    expect(opener).to_have_attribute("aria-expanded", "false")
    opener.click()
    expect(live_page.locator(".message").first.locator(".detail")).to_be_visible()
    assert len(watch.asked_for(permalinks(live_page)[0])) == 1


def test_rows_open_beside_each_other_and_a_sort_closes_them(live_page: Page, watch: Watch) -> None:
    live_page.goto(SHOP)
    wanted = permalinks(live_page)[:4]
    # All at once: none may cancel another's request.
    live_page.evaluate("[...document.querySelectorAll('.opener')].slice(0, 4).forEach(opener => opener.click())")
    expect(live_page.locator(".detail:visible")).to_have_count(4)
    shown = live_page.get_by_role("link", name="This message", exact=True).evaluate_all(
        "links => links.map(link => link.pathname)"
    )
    assert shown == wanted

    sort_by(live_page, "title", "ascending")
    expect(live_page.locator(".detail")).to_have_count(0)
    expect(live_page.locator("[aria-expanded='true']")).to_have_count(0)
    open_row(live_page, live_page.locator(".message").nth(3))


def test_row_that_cannot_be_loaded_says_so(live_page: Page, watch: Watch) -> None:
    watch.expect(404)
    live_page.goto(SHOP)
    live_page.route(f"**{permalinks(live_page)[0]}", lambda route: route.fulfill(status=404, body=""))
    live_page.locator(".opener").first.click()
    expect(live_page.locator(".detail-row").first).to_contain_text("could not be loaded (error 404)")
    again = live_page.get_by_role("button", name="Try again")
    expect(again).to_be_focused()
    live_page.unroute(f"**{permalinks(live_page)[0]}")
    again.click()
    expect(live_page.locator(".detail").first).to_be_visible()


def test_double_click_selects_an_id_and_does_not_open_the_row(live_page: Page) -> None:
    live_page.goto(SHOP)
    cell = live_page.locator(".col-target_id").nth(1)
    cell.dblclick()
    assert live_page.evaluate("getSelection().toString()").strip() == cell.get_attribute("title")
    live_page.wait_for_timeout(400)
    expect(live_page.locator("[aria-expanded='true']")).to_have_count(0)
    live_page.evaluate("getSelection().removeAllRanges()")
    cell.click()
    expect(live_page.locator(".detail").first).to_be_visible()


def test_row_link_opens_in_a_new_tab_as_a_whole_page(live_page: Page) -> None:
    live_page.goto(SHOP)
    with live_page.context.expect_page() as opened:
        live_page.locator(".message-row th a").first.click(modifiers=["ControlOrMeta"])
    expect(opened.value.get_by_role("link", name="Pushlog", exact=True)).to_be_visible()
    expect(opened.value.locator(".facts")).to_be_visible()
    expect(live_page.locator(".detail")).to_have_count(0)


def test_row_leads_to_messages_of_its_status_and_to_its_code(live_page: Page) -> None:
    live_page.goto(f"{SHOP}?status=own+0")
    detail = open_row(live_page, live_page.locator(".message").first)
    detail.get_by_role("link", name="About this code").click()
    live_page.wait_for_url("**/status-codes/#common-0")
    live_page.go_back()
    # The row is open again by itself.
    detail.get_by_role("link", name="Messages with this status").click()
    expect(live_page.locator(".active-filters")).to_contain_text("Own channel")


@pytest.mark.parametrize(
    ("button", "field"), [("All to this target", "target_id"), ("All with this ID", "customer_message_id")]
)
def test_row_leads_to_all_messages_like_it(live_page: Page, button: str, field: str) -> None:
    live_page.goto(SHOP)
    shared = live_page.locator(f".message-row .col-{field}", has_text=re.compile("campaign|^\\+"))
    value = shared.first.get_attribute("title")
    assert value
    row = live_page.locator(".message", has=live_page.locator(f".col-{field}[title='{value}']")).first
    open_row(live_page, row).get_by_role("button", name=button).click()
    live_page.wait_for_url(re.compile("/targets/|search="))
    assert value not in live_page.url
    assert set(cells(live_page, field)) == {value}
    expect(column(live_page, "created_at")).to_have_attribute("aria-sort", "descending")


def test_long_content_is_shown_in_full_on_demand(page: Page, log: list[dict[str, Any]]) -> None:
    wanted = max(log, key=lambda row: len(row["content"]))
    page.goto(SHOP)
    search_for(page, target_id=wanted["target_id"], customer_message_id=wanted["customer_message_id"])
    preview, whole = page.locator(".content").first, page.locator(".phone details .content")
    expect(whole).to_be_hidden()
    page.get_by_text(f"Show all {len(wanted['content'])} characters").click()
    expect(whole).to_have_text(wanted["content"])
    expect(preview).to_be_hidden()
