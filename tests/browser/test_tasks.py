"""Push tasks: their list, their pages, and the way from a message to its task and back."""

import json

import pytest
from playwright.sync_api import Page, expect

from console.lists.tables import TASK_SORTS
from console.url_converters import PushIDConverter
from tests.browser.conftest import Windows
from tests.browser.pages import cells, more_filters, search_for, sort_by
from tests.browser.travel import COUNT, HOSTILE, MESSAGES, SALE, SALE_PAGE, TARGETS, TASKS
from tests.browser.watch import Watch

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("travel")]

HEADING = "#results-heading"


@pytest.fixture
def page(windows: Windows, scripts: bool) -> Page:
    """A window of the operator, with JavaScript and without."""
    return windows.open(who="operator", scripts=scripts)


@pytest.fixture
def live_page(windows: Windows) -> Page:
    """A window of the operator, with JavaScript."""
    return windows.open(who="operator")


def push_ids(page: Page) -> list[str]:
    """The push IDs of the rows, as they stand in the links."""
    return cells_of(page, "push_id")


def cells_of(page: Page, column: str) -> list[str]:
    """The texts of a column of tasks."""
    return page.locator(f".task-row .col-{column}").all_inner_texts()


def test_tasks_are_reached_by_their_tab_and_begin_with_those_to_come(page: Page) -> None:
    page.goto(MESSAGES)
    page.get_by_role("link", name="Push tasks").click()
    page.wait_for_url(f"**{TASKS}")
    expect(page.get_by_role("link", name="Push tasks", exact=True)).to_have_attribute("aria-current", "page")
    expect(page.locator(HEADING)).to_have_text("50 push tasks on this page, newest first")
    assert push_ids(page)[0] == HOSTILE
    times = cells_of(page, "pushed_at")
    assert times == sorted(times, reverse=True)


@pytest.mark.parametrize("name", TASK_SORTS)
def test_list_sorts_by_every_column_both_ways(page: Page, name: str) -> None:
    page.goto(TASKS)
    shown = {}
    for direction in ("ascending", "descending"):
        sort_by(page, name, direction)
        shown[direction] = push_ids(page), cells_of(page, name)
        expect(page.locator("[aria-sort]")).to_have_count(1)
    assert shown["ascending"] != shown["descending"]
    if name in {"push_id", "pushed_at"}:
        assert shown["ascending"][1] == sorted(shown["ascending"][1])


def test_pages_go_there_and_back(page: Page) -> None:
    page.goto(f"{TASKS}?sort=state")
    pages = [push_ids(page)]
    while page.locator("#next-top").count():
        page.locator("#next-top").click()
        expect(page.locator(".task-row a").first).not_to_have_text(pages[-1][0])
        pages.append(push_ids(page))
    assert len({one for some in pages for one in some}) == sum(map(len, pages)) == COUNT + 3
    page.go_back()
    expect(page.locator(".task-row a").first).to_have_text(pages[-2][0])
    page.locator("#first-top").click()
    expect(page.locator(".task-row a").first).to_have_text(pages[0][0])


def test_filters_show_only_what_fits_and_are_cleared(page: Page) -> None:
    page.goto(TASKS)
    more_filters(page)
    # With scripts, choices act at once.
    button = page.get_by_role("button", name="Apply", exact=True)
    page.get_by_label("Target kind").select_option("Tags")
    if not button.is_visible():
        expect(page.locator(".active-filters")).to_contain_text("Target kind: Tags")
    page.get_by_label("State").select_option("Failed")
    if button.is_visible():
        button.click()
    expect(page.locator(".active-filters")).to_contain_text("State: Failed")
    expect(page.locator(".active-filters")).to_contain_text("Target kind: Tags")
    assert set(cells_of(page, "target_kind")) == {"Tags"}
    assert set(cells_of(page, "state")) == {"Failed"}
    day = cells_of(page, "pushed_at")[-1][:10]
    more_filters(page)
    page.get_by_label("Day").fill(day)
    page.get_by_role("button", name="Apply filters").click()
    expect(page.locator(".active-filters")).to_contain_text(f"Day: {day}")
    assert {text[:10] for text in cells_of(page, "pushed_at")} == {day}
    page.get_by_role("link", name="Clear filters").click()
    expect(page.locator(HEADING)).to_have_text("50 push tasks on this page, newest first")


def test_push_id_leads_to_its_task_and_a_miss_explains_itself(page: Page) -> None:
    page.goto(TASKS)
    search_for(page, target_id=f" {SALE} ")
    page.wait_for_url(f"**{SALE_PAGE}")
    expect(page.get_by_role("heading", name="Weekend sale")).to_be_visible()
    page.get_by_role("link", name="All push tasks").click()
    expect(page.locator(".task-row").first).to_be_visible()
    page.wait_for_load_state("networkidle")
    page.goto(f"{TASKS}?push_id=never-reported")
    expect(page.locator(".nothing")).to_contain_text("No push task with the push ID never-reported is in Travel")
    expect(page.locator(".hints")).to_contain_text("Messages of a task with this push ID are in the log")


def test_whole_row_leads_to_the_page_of_its_task(live_page: Page) -> None:
    live_page.goto(f"{TASKS}?sort=-title")
    wanted = push_ids(live_page)[3]
    live_page.locator(".task-row").nth(3).locator(".col-state").click()
    expect(live_page.locator(".facts").first).to_contain_text(wanted)


def test_page_shows_every_setting_and_shortens_what_is_long(page: Page) -> None:
    page.goto(SALE_PAGE)
    facts = page.locator(".facts").first
    for words in (SALE, "1 day", "Accounts", "https://media.example.com/sale.png", "Notification"):
        expect(facts).to_contain_text(words)
    android, ios = page.locator(".configuration").all()
    expect(android).to_contain_text("opens an activity or the app")
    expect(ios).to_contain_text("aps.alert.subtitle")
    tops = [one.evaluate("list => list.getBoundingClientRect().top") for one in (android, ios)]
    assert tops[0] == tops[1]
    expect(page.locator(".values li:visible")).to_have_text(TARGETS[:10])
    page.get_by_text("Show all 40 targets").click()
    expect(page.locator(".values li:visible")).to_have_text(TARGETS)


def test_hostile_task_is_only_text(page: Page, watch: Watch) -> None:
    page.goto(f"{TASKS}{PushIDConverter().to_url(HOSTILE)}/")
    expect(page.get_by_role("heading", level=1)).to_have_text(HOSTILE)
    expect(page.locator(".configuration").first).to_contain_text(HOSTILE)


def test_raw_json_is_copied(live_page: Page) -> None:
    live_page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    live_page.goto(SALE_PAGE)
    live_page.get_by_text("Raw JSON").click()
    live_page.get_by_role("button", name="Copy").click()
    expect(live_page.get_by_role("button", name="Copied")).to_be_visible()
    expect(live_page.locator("#announcement")).to_have_text("Copied.")
    copied = json.loads(live_page.evaluate("navigator.clipboard.readText()"))
    assert (copied["push_id"], copied["targets"]) == (SALE, TARGETS)


def test_raw_json_can_be_read_without_scripts(windows: Windows) -> None:
    page = windows.open(who="operator", scripts=False)
    page.goto(SALE_PAGE)
    page.get_by_text("Raw JSON").click()
    expect(page.locator("#raw-json")).to_contain_text('"target_kind": "accounts"')
    expect(page.locator("[data-copies]")).to_be_hidden()


def test_messages_of_a_task_are_counted_and_have_pages(page: Page) -> None:
    page.goto(SALE_PAGE)
    expect(page.locator(".outcomes")).to_contain_text("Received96 80.0%")
    expect(page.locator(".outcomes")).to_contain_text("Failed24 20.0%")
    shown = cells(page, "customer_message_id")
    while page.locator("#next-bottom").count():
        page.locator("#next-bottom").click()
        expect(page.locator(".message-row .col-customer_message_id").first).not_to_have_text(shown[-50])
        # Read on where the messages begin, not at the top of the page.
        expect(page.get_by_role("heading", name="Messages", exact=True)).to_be_in_viewport()
        expect(page.get_by_role("heading", name="Weekend sale")).not_to_be_in_viewport()
        shown += cells(page, "customer_message_id")
    assert shown == [f"sale-{number:03d}" for number in range(COUNT)]


def test_messages_of_a_broadcast_are_nowhere(page: Page) -> None:
    page.goto(TASKS)
    assert "to-all" in push_ids(page)
    page.goto(f"{TASKS}to-all/")
    expect(page.locator(".nothing")).to_contain_text("The messages of a broadcast are never shown.")
    expect(page.locator(".message")).to_have_count(0)
    assert "secret" not in page.content()


def test_message_leads_to_its_task_and_back(page: Page) -> None:
    """By way of pages, which needs no script."""
    page.goto(f"{MESSAGES}?sort=customer_message_id")
    page.locator(".message", has=page.locator("[title='sale-007']")).locator("th a").click()
    page.get_by_role("link", name=SALE).click()
    page.wait_for_url(f"**{SALE_PAGE}")
    page.go_back()
    expect(page.locator(".facts")).to_contain_text("sale-007")


def test_message_of_a_task_that_was_not_reported_has_no_link(page: Page) -> None:
    page.goto(MESSAGES)
    page.locator(".message", has=page.locator("[title='alone']")).locator("th a").click()
    expect(page.locator(".facts")).to_contain_text("never-reported")
    expect(page.get_by_role("link", name="never-reported")).to_have_count(0)
