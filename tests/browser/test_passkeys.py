"""Passkeys, with Chromium's own virtual key."""

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.conftest import Windows
from tests.browser.console_server import Console
from tests.browser.pages import log_out

pytestmark = pytest.mark.browser

KEY = {
    "protocol": "ctap2",
    "transport": "usb",
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


def plug_in(page: Page) -> tuple[Any, str]:
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    return session, session.send("WebAuthn.addVirtualAuthenticator", {"options": KEY})["authenticatorId"]


def at(page: Page, console: Console, path: str) -> None:
    # Browsers bind passkeys to a name; an address is none.
    page.goto(console.url.replace("127.0.0.1", "localhost") + path)


def test_a_passkey_is_added_and_asked_for(windows: Windows, console: Console) -> None:
    page = windows.open(who=None)
    windows.watch.url = console.url.replace("127.0.0.1", "localhost")
    session, key = plug_in(page)
    at(page, console, "/accounts/login/")
    page.get_by_label("Username").fill("viewer")
    page.get_by_label("Password").fill(console.passwords["viewer"])
    page.get_by_role("button", name="Log in").click()
    page.locator("#menu summary").click()
    page.get_by_role("link", name="Second factors").click()
    page.get_by_role("link", name="Add a passkey").click()
    page.get_by_label("Password").fill(console.passwords["viewer"])
    page.get_by_role("button", name="Confirm").click()
    page.get_by_label("Name").fill("blue key")
    page.get_by_role("button", name="Add").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    log_out(page)
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()

    at(page, console, "/accounts/login/")
    page.get_by_label("Username").fill("viewer")
    page.get_by_label("Password").fill(console.passwords["viewer"])
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", name="Second step")).to_be_visible()
    found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]})
    assert not found.response["violations"], found.generate_report()
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.locator("#menu")).to_be_visible()

    # Without the key, the way is closed, and the page says so.
    log_out(page)
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()
    session.send("WebAuthn.setUserVerified", {"authenticatorId": key, "isUserVerified": False})
    session.send("WebAuthn.clearCredentials", {"authenticatorId": key})
    at(page, console, "/accounts/login/")
    page.get_by_label("Username").fill("viewer")
    page.get_by_label("Password").fill(console.passwords["viewer"])
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("alert")).to_contain_text("not used")


@pytest.mark.parametrize("path", ["/accounts/mfa/", "/accounts/sessions/", "/accounts/mfa/webauthn/"])
@pytest.mark.parametrize("width", [320, 900])
def test_pages_about_the_own_account_fit_and_are_accessible(windows: Windows, path: str, width: int) -> None:
    page = windows.open(who="support", width=width, theme="dark" if width == 320 else "light")
    page.goto(path)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]})
    assert not found.response["violations"], found.generate_report()
