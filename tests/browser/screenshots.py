"""Takes the screenshots of docs/: `make screenshots`. With `--all FOLDER`, the other pages too, into that folder."""

import re
import tempfile
from argparse import ArgumentParser
from pathlib import Path
from typing import Literal

from playwright.sync_api import Page

from console.url_converters import PushIDConverter
from tests.browser.console_server import ROOT, chromium, running_console
from tests.browser.pages import PHONE, SHOP, WIDE, log_in, open_row, search_for
from tests.browser.travel import HOSTILE, SALE_PAGE, TASKS, add_travel

DOCS = {
    "list-wide-light",
    "list-wide-dark",
    "row-wide-light",
    "empty-wide-light",
    "list-phone-light",
    "row-phone-dark",
    "task-wide-light",
}
THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


class Camera:
    """Puts a picture where it belongs, if anywhere: docs/<what>-<size>-<theme>.png or the folder of the others."""

    def __init__(self, page: Page, suffix: str, others: Path | None) -> None:
        self._page, self._suffix, self._others = page, suffix, others

    def take(self, what: str) -> None:
        """A picture of what the window shows."""
        name = f"{what}-{self._suffix}"
        folder = ROOT / "docs" if name in DOCS else self._others
        if folder:
            self._page.wait_for_load_state("networkidle")
            self._page.screenshot(path=folder / f"{name}.png")


def tour(page: Page, camera: Camera) -> None:
    """Walks through the pages."""
    camera.take("apps")
    page.get_by_role("link", name="Shop").click()
    camera.take("list")
    row = page.locator(".message", has_text="Waiting: no answer").first
    open_row(page, row)
    row.evaluate("row => row.scrollIntoView()")
    camera.take("row")
    row.get_by_role("link", name=re.compile("^[0-9a-f]{8}-")).click()
    page.wait_for_url("**/messages/*-*/")
    camera.take("message")
    page.goto(SHOP)
    search_for(page, target_id="nobody@example.com", customer_message_id="campaign-2026-11")
    camera.take("empty")
    for what, address in (
        ("filtered", f"{SHOP}?outcome=failed&sort=title"),
        ("problem", f"{SHOP}?per_page=10"),
        ("codes", "/status-codes/#apns-2009"),
        ("tasks", TASKS),
        ("tasks-filtered", f"{TASKS}?target_kind=tag&state=failed"),
        ("tasks-missed", f"{TASKS}?push_id=never-reported"),
        ("task", SALE_PAGE),
        ("task-messages", f"{SALE_PAGE}#messages"),
        ("task-to-come", f"{TASKS}{PushIDConverter().to_url(HOSTILE)}/"),
        ("task-broadcast", f"{TASKS}to-all/"),
        ("404", "/nothing/"),
        ("password", "/accounts/password/change/"),
    ):
        page.goto(address)
        camera.take(what)


def main() -> None:
    """All pages, wide and on a phone, in both themes."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--all", type=Path, metavar="FOLDER", help="where the pictures go that docs/ does not need")
    others: Path | None = parser.parse_args().all
    if others:
        others.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        running_console(Path(folder) / "var", demo=20_000) as console,
        chromium() as browser,
    ):
        add_travel(console)
        for theme in THEMES:
            for size, viewport in (("wide", WIDE), ("phone", PHONE)):
                context = browser.new_context(base_url=console.url, viewport=viewport, color_scheme=theme)
                page = context.new_page()
                camera = Camera(page, f"{size}-{theme}", others)
                page.goto("/")
                camera.take("login")
                log_in(page, "operator", console.passwords["operator"])
                tour(page, camera)
                context.close()


if __name__ == "__main__":
    main()
