"""One console and one Chromium for all browser tests; each test has a window of its own."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Literal, TypedDict, Unpack

import pytest
from playwright.sync_api import Browser, Page, StorageState

from pushlog.demo import messages
from tests.browser.console_server import Console, chromium, running_console
from tests.browser.pages import WIDE, confirm, log_in
from tests.browser.travel import add_travel
from tests.browser.watch import Watch

MESSAGES = 3000


# Of this folder, not of the session: while Playwright runs, Django allows no queries, and other tests make some.
@pytest.fixture(scope="package")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    """The console with its demo."""
    with running_console(tmp_path_factory.mktemp("console") / "var", demo=MESSAGES) as console:
        yield console


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Debian's Chromium."""
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="package")
def cookies(console: Console, browser: Browser) -> dict[str, StorageState]:
    """What a browser keeps of somebody's login, for each person. Logging in is limited to some times a minute."""
    kept = {}
    for name in ("support", "operator", "admin", "auditor"):
        page = browser.new_context(base_url=console.url).new_page()
        log_in(page, name, console.passwords[name])
        page.locator("#menu").wait_for()
        if name == "admin":  # the admin asks for the password again
            confirm(page, console.passwords[name])
        kept[name] = page.context.storage_state()
        page.context.close()
    return kept


@pytest.fixture(scope="package")
def travel(console: Console) -> None:
    """The app of push tasks, of which the operator is a member (tests/browser/travel.py)."""
    add_travel(console)


class Options(TypedDict, total=False):
    """How a window is opened; the defaults are those of `Windows.open`."""

    who: str | None
    scripts: bool
    theme: Literal["light", "dark"]
    width: int


class Windows:
    """Opens windows, and watches them all."""

    def __init__(self, browser: Browser, url: str, cookies: dict[str, StorageState]) -> None:
        self._browser, self._url, self._cookies = browser, url, cookies
        self.watch = Watch(url)

    def open(self, **options: Unpack[Options]) -> Page:
        """A window in which somebody is logged in (nobody for None), in a browser of its own."""
        who = options.get("who", "operator")
        context = self._browser.new_context(
            base_url=self._url,
            storage_state=self._cookies[who] if who else None,
            java_script_enabled=options.get("scripts", True),
            color_scheme=options.get("theme", "light"),
            viewport={**WIDE, "width": options.get("width", WIDE["width"])},
            reduced_motion="reduce",
        )
        context.set_default_timeout(10_000)
        self.watch.follow(context)
        return context.new_page()


@pytest.fixture
def windows(console: Console, browser: Browser, cookies: dict[str, StorageState]) -> Iterator[Windows]:
    """Windows for a test, which fails if anything went wrong in one of them."""
    windows = Windows(browser, console.url, cookies)
    yield windows
    for context in list(browser.contexts):
        context.close()
    assert windows.watch.problems == []


@pytest.fixture
def watch(windows: Windows) -> Watch:
    """What happens in the windows."""
    return windows.watch


@pytest.fixture(params=[True, False], ids=["scripts", "plain"])
def scripts(request: pytest.FixtureRequest) -> bool:
    """Whether JavaScript is on. All that uses this fixture runs with and without."""
    return bool(request.param)


@pytest.fixture
def page(windows: Windows, scripts: bool) -> Page:
    """A window of the operator, with JavaScript and without."""
    return windows.open(scripts=scripts)


@pytest.fixture
def live_page(windows: Windows) -> Page:
    """A window of the operator, with JavaScript."""
    return windows.open()


@pytest.fixture(scope="package")
def log(console: Console, browser: Browser, cookies: dict[str, StorageState]) -> list[dict[str, Any]]:
    """The rows that the demo has put into the log of Shop: made again, for the moment when the console did it."""
    page = browser.new_context(base_url=console.url, storage_state=cookies["operator"]).new_page()
    page.goto("/apps/shop/messages/")
    newest = datetime.fromisoformat(page.locator(".message time").first.get_attribute("datetime") or "")
    customer_message_id = page.locator(".message-row .col-customer_message_id").first.inner_text()
    page.context.close()
    # `serve` makes them up to the last whole minute, the newest a few seconds before it.
    until = newest.replace(second=0, microsecond=0) + timedelta(minutes=1)
    batches = messages.batches(count=MESSAGES, seed=1, until=until)
    rows = [row for batch in batches if batch.app == "shop" for row in batch.messages]
    assert rows[-1]["customer_message_id"] == customer_message_id
    return rows
