"""Who gets in, and to where."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Windows
from tests.browser.console_server import Console
from tests.browser.pages import SHOP, focused, log_in, log_out, permalinks
from tests.browser.watch import Watch

pytestmark = pytest.mark.browser


def test_login_leads_to_the_only_app_and_logging_out_ends_it(windows: Windows, console: Console, scripts: bool) -> None:
    page = windows.open(who=None, scripts=scripts)
    log_in(page, "support", console.passwords["support"])
    # The only app.
    page.wait_for_url(f"**{SHOP}")
    page.goto("/")
    expect(page.get_by_role("main").get_by_role("link")).to_have_text(["Shop Production Times in Asia/Shanghai"])

    log_out(page)
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()
    page.goto(SHOP)
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()


def test_login_with_a_wrong_password_shows_an_error(windows: Windows, scripts: bool) -> None:
    page = windows.open(who=None, scripts=scripts)
    log_in(page, "support", "wrong")
    expect(page.get_by_role("alert")).to_contain_text("not correct")
    expect(page.get_by_label("Username")).to_have_value("support")


def test_login_leads_back_to_the_page_that_was_asked_for(windows: Windows, console: Console) -> None:
    page = windows.open(who=None)
    page.goto(f"{SHOP}?sort=title")
    log_in(page, "support", console.passwords["support"])
    page.wait_for_url(f"**{SHOP}?sort=title")


def test_logout_page_asks_first(page: Page) -> None:
    page.goto("/accounts/logout/")
    expect(page.get_by_role("heading", name="Log out?")).to_be_visible()


def test_app_of_others_is_not_found(windows: Windows, scripts: bool, watch: Watch) -> None:
    page = windows.open(who="support", scripts=scripts)
    watch.expect(404)
    answer = page.goto("/apps/bank/messages/")
    assert answer
    assert answer.status == 404
    expect(page.get_by_role("heading", name="There is nothing here")).to_be_visible()
    expect(page.locator("#menu")).to_be_visible()


def test_expired_session_leads_through_login_back_to_the_list(windows: Windows, console: Console) -> None:
    page = windows.open()
    page.goto(f"{SHOP}?sort=title")
    rows = permalinks(page)
    page.context.clear_cookies()

    page.locator("#sort-status").click()

    expect(page.get_by_role("heading", name="Log in")).to_be_visible()
    expect(page.locator("header")).to_have_count(1)  # a whole page, not one in another
    log_in(page, "support", console.passwords["support"])
    page.wait_for_url(f"**{SHOP}?sort=title")
    assert permalinks(page) == rows


def test_expired_session_leads_to_login_from_a_row_too(windows: Windows) -> None:
    page = windows.open()
    page.goto(SHOP)
    page.context.clear_cookies()
    page.locator(".opener").first.click()
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()


def test_skip_link_leads_past_the_frame(page: Page) -> None:
    page.goto(f"{SHOP}?sort=title")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_in_viewport()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_label("Outcome")).to_be_focused()
    page.goto(f"{SHOP}?sort=title")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the search")).to_be_in_viewport()
    page.keyboard.press("Enter")
    assert focused(page) == "id_target_id"
