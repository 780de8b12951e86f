"""The filters, and query strings that are not right."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Windows
from tests.browser.pages import SHOP, cells, more_filters, open_row, sort_by
from tests.browser.watch import Watch

pytestmark = pytest.mark.browser


def apply(page: Page, **choices: str) -> None:
    """Chooses by label, and applies. With scripts, choices act at once."""
    for label, choice in choices.items():
        place = page.locator("#filter-form") if label == "Outcome" else more_filters(page)
        field = place.get_by_label(label.replace("_", " "), exact=True)
        if field.evaluate("field => field.tagName") == "SELECT":
            field.select_option(label=choice)
        else:
            field.fill(choice)
    button = page.locator("#filter-form").get_by_role("button", name="Apply", exact=True)
    if button.is_visible():
        button.click()
    elif not set(choices) <= {"Outcome", "Push_type", "Mode"}:
        page.get_by_role("button", name="Apply filters").click()


@pytest.mark.parametrize(
    ("label", "choice", "column", "shown"),
    [
        ("Push_type", "iOS device", "push_type", "iOS"),
        ("Push_type", "HarmonyOS device", "push_type", "HarmonyOS"),
        ("Outcome", "Failed", "status", "Failed"),
        ("Outcome", "Received", "status", "Received"),
        ("Outcome", "Waiting", "status", "Waiting"),
        ("Outcome", "Expired", "status", "Expired"),
    ],
)
def test_filter_shows_only_what_fits(page: Page, label: str, choice: str, column: str, shown: str) -> None:
    page.goto(SHOP)
    apply(page, **{label: choice})
    expect(page.locator(".active-filters")).to_contain_text(f"{label.replace('_', ' ')}: {choice}")
    found = cells(page, column)
    assert found
    assert all(shown in text for text in found)


def test_filter_by_mode_shows_only_templates(page: Page) -> None:
    page.goto(SHOP)
    apply(page, Mode="Template")
    expect(page.locator(".active-filters")).to_contain_text("Mode: Template")
    page.locator(".message-row th a").first.click()
    expect(page.locator(".facts")).to_contain_text(", template")


def test_filter_by_status_says_what_is_ambiguous(page: Page, watch: Watch) -> None:
    watch.expect(400)
    page.goto(SHOP)
    apply(page, Status="2")
    expect(page.get_by_role("alert")).to_contain_text("This is several statuses: own 2, apns 2, fcm 2 and others")
    apply(page, Status="own 2")
    expect(page.locator(".active-filters")).to_contain_text("Status: Own channel 2 received")
    assert all("Received" in text for text in cells(page, "status"))


def test_filter_by_status_suggests_the_catalogue_and_acts_at_once(live_page: Page) -> None:
    live_page.goto(SHOP)
    field = more_filters(live_page).get_by_label("Status", exact=True)
    assert live_page.locator("#statuses option").count() == 0
    field.focus()
    gone = live_page.locator("#statuses option[value='apns 2011']")
    expect(gone).to_have_attribute("label", "Apple (APNs) 2011 device token gone")
    # As Chromium tells of a choice: its own list does not open without a screen.
    field.evaluate(
        """field => {
            field.value = "apns 2011";
            field.dispatchEvent(new InputEvent("input", { inputType: "insertReplacementText", bubbles: true }));
        }"""
    )
    live_page.wait_for_url(f"**{SHOP}?status=apns%202011")


def test_link_with_channel_and_code_leads_to_the_status(page: Page) -> None:
    page.goto(f"{SHOP}?channel=apns&code=2011&outcome=failed")
    assert page.url.endswith(f"{SHOP}?outcome=failed&status=apns+2011")


def test_filter_by_time_shows_what_was_created_in_between(page: Page) -> None:
    page.goto(f"{SHOP}?sort=created_at")
    # Not all seconds differ: some messages are created together.
    seconds = sorted({text.replace(" ", "T") for text in cells(page, "created_at")})
    start, end = seconds[1], seconds[-1]
    apply(page, Created_from=start, Created_before=end)
    expect(page.locator(".active-filters")).to_contain_text("Created before")
    created = [text.replace(" ", "T") for text in cells(page, "created_at")]
    assert created[0] == start
    assert all(start <= text < end for text in created)


def test_filters_stay_through_a_sort_and_the_sort_through_filters(page: Page) -> None:
    page.goto(SHOP)
    sort_by(page, "title", "ascending")
    apply(page, Push_type="User")
    expect(page.locator(".active-filters")).to_be_visible()
    expect(page.locator("#results-heading")).to_contain_text("by title")
    sort_by(page, "status", "ascending")
    expect(page.locator(".active-filters")).to_contain_text("Push type: User")
    apply(page, Mode="Simple")
    expect(page.locator(".active-filters")).to_contain_text("Mode: Simple")
    expect(page.locator("#results-heading")).to_contain_text("by status")
    page.get_by_role("link", name="Clear filters").click()
    expect(page.locator(".active-filters")).to_have_count(0)
    expect(page.locator("#results-heading")).to_contain_text("by status")


def test_address_holds_only_filters_that_are_set(live_page: Page) -> None:
    live_page.goto(SHOP)
    apply(live_page, Outcome="Failed")
    live_page.wait_for_url(f"**{SHOP}?outcome=failed")
    apply(live_page, Outcome="Any")
    live_page.wait_for_url(re.compile(rf"{SHOP}$"))


def test_filters_without_a_match_say_what_was_asked(page: Page) -> None:
    page.goto(f"{SHOP}?status=meizu+77")
    expect(page.locator(".nothing")).to_contain_text("fits these filters: status Meizu 77 unknown code")


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("outcme=failed", "“outcme” is not a parameter of this page. Is it “outcome”?"),
        ("sort=colour", "Cannot sort by “colour”"),
        ("after=x", "The link to this page of the list is damaged"),
        ("search=x", "This search link is damaged"),
        ("sort=title&sort=status", "“sort” appears more than once"),
        ("outcome=nice", "Outcome: "),
        ("created_from=2026-11-02T00:00&created_to=2026-11-01T00:00", "This time must be after the other one"),
    ],
)
def test_bad_query_string_shows_its_problem_in_the_frame(page: Page, watch: Watch, query: str, words: str) -> None:
    watch.expect(400)
    answer = page.goto(f"{SHOP}?{query}")
    assert answer
    assert answer.status == 400
    expect(page.get_by_role("alert")).to_contain_text(words)
    expect(page.get_by_role("search")).to_be_visible()
    page.get_by_role("link", name="Show all messages").click()
    expect(page.locator(".message-row")).to_have_count(50)


def test_problem_of_a_filter_can_be_put_right_in_place(page: Page, watch: Watch) -> None:
    watch.expect(400)
    page.goto(SHOP)
    apply(page, Created_from="2026-11-02T00:00", Created_before="2026-11-01T00:00")
    expect(page.get_by_role("alert")).to_contain_text("This time must be after the other one")
    expect(page.locator("header")).to_have_count(1)
    expect(page.locator("#filter-form")).to_have_count(1)
    apply(page, Created_from="", Created_before="")
    expect(page.locator(".message-row")).to_have_count(50)


def test_link_of_an_htmx_page_opens_for_a_colleague(windows: Windows) -> None:
    page = windows.open()
    page.goto(SHOP)
    apply(page, Outcome="Failed")
    page.wait_for_url("**outcome=failed")
    colleague = windows.open(who="operator")
    colleague.goto(page.url)
    assert cells(colleague, "customer_message_id") == cells(page, "customer_message_id")
    expect(colleague.get_by_label("Outcome")).to_have_value("failed")
    open_row(colleague, colleague.locator(".message").first)
