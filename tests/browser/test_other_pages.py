"""Pages beside the list, and what they have in common."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Windows
from tests.browser.pages import SHOP, choose_theme
from tests.browser.watch import Watch

pytestmark = pytest.mark.browser


def test_status_code_has_an_anchor_that_is_marked(page: Page) -> None:
    page.goto("/status-codes/#apns-2009")
    entry = page.locator("#apns-2009")
    expect(entry).to_be_in_viewport()
    expect(entry).to_contain_text("BadDeviceToken")
    plain = page.locator("#apns-2010 th")
    colour = "element => getComputedStyle(element).backgroundColor"
    assert entry.locator("th").evaluate(colour) != plain.evaluate(colour)
    page.get_by_role("navigation", name="Channels").get_by_role("link", name="Huawei").click()
    expect(page.get_by_role("heading", name="Huawei")).to_be_in_viewport()


@pytest.mark.parametrize(
    "address", ["/nothing/", f"{SHOP}01a20126-0a80-7ce5-941a-88d24b35d242/", "/apps/nothing/messages/"]
)
def test_not_found_is_a_page_in_the_frame(page: Page, watch: Watch, address: str) -> None:
    watch.expect(404)
    answer = page.goto(address)
    assert answer
    assert answer.status == 404
    expect(page.get_by_role("heading", name="There is nothing here")).to_be_visible()
    page.get_by_role("main").get_by_role("link", name="My apps").click()
    expect(page.get_by_role("heading", name="My apps")).to_be_visible()


def test_theme_switch_persists(live_page: Page) -> None:
    live_page.goto(SHOP)
    html = live_page.locator("html")
    expect(html).to_have_attribute("data-bs-theme", "light")
    choose_theme(live_page, "Dark")
    expect(html).to_have_attribute("data-bs-theme", "dark")
    live_page.goto("/status-codes/")
    expect(html).to_have_attribute("data-bs-theme", "dark")
    choose_theme(live_page, "Light")
    expect(html).to_have_attribute("data-bs-theme", "light")


def test_theme_follows_the_system_until_somebody_chooses(windows: Windows) -> None:
    page = windows.open(theme="dark")
    page.goto(SHOP)
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    page.emulate_media(color_scheme="light")
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "light")
    choose_theme(page, "Dark")
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    choose_theme(page, "System")
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "light")


def test_theme_follows_the_system_without_scripts(windows: Windows) -> None:
    tones = {}
    for theme in ("light", "dark"):
        page = windows.open(scripts=False, theme=theme)
        page.goto(SHOP)
        colours = page.evaluate(
            "[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]"
        )
        tones[theme] = [sum(map(int, re.findall(r"\d+", one)[:3])) for one in colours]
    assert tones["light"][0] > tones["light"][1]
    assert tones["dark"][0] < tones["dark"][1]


def test_theme_switch_is_not_offered_without_scripts(windows: Windows) -> None:
    page = windows.open(scripts=False)
    page.goto(SHOP)
    page.locator("#menu summary").click()
    expect(page.get_by_role("button", name="Log out")).to_be_visible()
    expect(page.locator(".themes")).to_be_hidden()


def test_password_change_says_what_is_wrong(page: Page) -> None:
    page.goto("/")
    page.locator("#menu summary").click()
    page.get_by_role("link", name="Change password").click()
    page.get_by_label("Current Password").fill("not mine")
    page.get_by_label("New Password", exact=True).fill("correct horse battery")
    page.get_by_label("New Password (again)").fill("correct horse battery")
    page.get_by_role("button", name="Change password").click()
    expect(page.locator(".field-error")).to_be_visible()


def test_the_admin_leaves_the_theme_of_the_system(windows: Windows) -> None:
    """It keeps "auto" under the same name."""
    page = windows.open(theme="dark")
    page.goto(SHOP)
    page.evaluate("localStorage.setItem('theme', 'auto')")
    page.reload()

    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
