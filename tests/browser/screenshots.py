"""Takes the screenshots of docs/: `make screenshots`."""

import tempfile
from pathlib import Path

from playwright.sync_api import Page

from tests.browser.console_server import ROOT, chromium, running_console

DOCS = ROOT / "docs"
WIDE = {"width": 1366, "height": 850}
PHONE = {"width": 360, "height": 780}


def log_in(page: Page, url: str, name: str, password: str) -> None:
    """Logs a person in."""
    page.goto(f"{url}/accounts/login/")
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()


def open_row(page: Page, status: str) -> None:
    """Opens the first row with this status, and waits for what is in it."""
    page.locator(".message", has_text=status).first.locator(".opener").click()
    page.locator(".detail-row:visible .facts").wait_for()


def main() -> None:
    """Every picture, in both themes: docs/<what>-<theme>.png."""
    with (
        tempfile.TemporaryDirectory() as folder,
        running_console(Path(folder) / "var", demo=20_000) as console,
        chromium() as browser,
    ):
        for theme in ("light", "dark"):
            for size_name, size in (("wide", WIDE), ("phone", PHONE)):
                page = browser.new_context(viewport=size, color_scheme=theme).new_page()  # type: ignore[arg-type]
                log_in(page, console.url, "operator", console.passwords["operator"])

                def shoot(name: str, page: Page = page, suffix: str = f"{size_name}-{theme}") -> None:
                    page.wait_for_load_state("networkidle")
                    page.screenshot(path=DOCS / f"{name}-{suffix}.png")

                shoot("apps")
                page.get_by_role("link", name="Shop").first.click()
                shoot("list")
                open_row(page, "Waiting: no answer")
                shoot("row")
                page.locator(".detail-row:visible dd a").first.click()
                shoot("message")
                page.goto(f"{console.url}/apps/shop/messages/")
                page.get_by_label("Target ID").first.fill("nobody@example.com")
                page.get_by_label("Customer message ID").first.fill("campaign-2026-11")
                page.get_by_role("button", name="Search").click()
                shoot("empty")
                page.goto(f"{console.url}/apps/shop/messages/?outcome=failed&sort=title")
                shoot("filtered")
                page.goto(f"{console.url}/apps/shop/messages/?per_page=10")
                shoot("problem")
                page.goto(f"{console.url}/status-codes/#apns-2009")
                shoot("codes")
                page.goto(f"{console.url}/nothing/")
                shoot("404")


if __name__ == "__main__":
    main()
