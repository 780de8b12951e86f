"""axe on every page in both themes, wide and on a phone; and no page is wider than the phone."""

from collections.abc import Callable
from itertools import count
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from console.url_converters import PushIDConverter
from pushlog.demo.messages import HEAVY_TARGET
from tests.browser.conftest import Windows
from tests.browser.console_server import Console
from tests.browser.pages import PHONE, SHOP, WIDE, confirm, open_row, overflow, search_for
from tests.browser.travel import HOSTILE, SALE_PAGE, TASKS
from tests.browser.watch import Watch

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("travel")]


def _opened(page: Page) -> None:
    page.goto(SHOP)
    for row in (0, 2):
        open_row(page, page.locator(".message").nth(row))


def _message(page: Page) -> None:
    page.goto(SHOP)
    page.locator(".message-row th a").first.click()
    expect(page.locator(".facts")).to_be_visible()


def _empty(page: Page) -> None:
    page.goto(SHOP)
    search_for(page, target_id="nobody" * 40, customer_message_id="campaign-2026-11")


def _found(page: Page) -> None:
    page.goto(SHOP)
    search_for(page, customer_message_id="campaign-2026-11")
    open_row(page, page.locator(".message").first)


def _no_terms(page: Page) -> None:
    page.goto(SHOP)
    page.get_by_role("button", name="Search").click()
    expect(page.locator("#id_target_id_error")).to_be_visible()


def _target(page: Page) -> None:
    page.goto(SHOP)
    search_for(page, target_id=HEAVY_TARGET)
    page.get_by_text("The days as a table").click()


def _other_forms(page: Page) -> None:
    page.goto(SHOP)
    search_for(page, target_id=f"{HEAVY_TARGET[:5]} {HEAVY_TARGET[5:9]}\u200b-{HEAVY_TARGET[9:]}")
    expect(page.locator(".hints button").first).to_be_visible()


def _menu(page: Page) -> None:
    page.goto(f"{SHOP}?range=week&outcome=failed")
    page.get_by_text("More filters").click()
    page.locator("details.scope summary").click()
    page.locator("#menu summary").click()


def _keys(page: Page) -> None:
    page.goto("/apps/shop/status-codes/")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()


def _failure(page: Page) -> None:
    page.goto(SHOP)
    page.route("**/*sort=*", lambda route: route.fulfill(status=503, body=""))
    page.locator("#sort-title").click()
    expect(page.locator(".failure")).to_be_visible()


def _wrong_password(page: Page) -> None:
    page.context.clear_cookies()
    page.goto("/accounts/login/")
    page.get_by_role("button", name="Log in").click()


def _task(page: Page) -> None:
    page.goto(SALE_PAGE)
    for summary in ("Show all 40 targets", "Raw JSON"):
        page.get_by_text(summary).click()
    open_row(page, page.locator(".message").first)


def _at(address: str) -> Callable[[Page], None]:
    def visit(page: Page) -> None:
        page.goto(address)

    return visit


_unrevealed = count(10)  # a message stays revealed for a quarter of an hour


def _hidden(page: Page) -> None:
    page.goto(SHOP)
    open_row(page, page.locator(".message").nth(next(_unrevealed)))
    page.get_by_role("button", name="Reveal this message").click()
    expect(page.get_by_role("alert")).to_be_visible()


def _revealed(page: Page) -> None:
    _hidden(page)
    page.get_by_label("Ticket number or reason").fill("ticket 12")
    page.get_by_role("button", name="Reveal this message").click()
    expect(page.get_by_text("Revealed by you until")).to_be_visible()


def _hidden_message(page: Page) -> None:
    page.goto(SHOP)
    page.locator(".message-row th a").nth(next(_unrevealed)).click()
    expect(page.get_by_role("button", name="Reveal this message")).to_be_visible()


def _erase_found(page: Page) -> None:
    page.goto("/apps/shop/erase/")
    page.locator("main").get_by_label("Target ID", exact=True).fill("nobody" * 40)
    page.get_by_label("Reason").fill("request 7")
    page.get_by_role("button", name="See what there is").click()
    expect(page.get_by_role("button", name="Erase it for good")).to_be_visible()


# Of a support person.
MASKED: dict[str, Callable[[Page], None]] = {
    "list": _at(SHOP),
    "hidden": _hidden,
    "revealed": _revealed,
    "hidden-message": _hidden_message,
}


def _first_of(model: str) -> Callable[[Page], None]:
    def visit(page: Page) -> None:
        page.goto(f"/admin/{model}/")
        page.locator("#result_list tbody a").first.click()
        expect(page.get_by_role("button", name="Save", exact=True)).to_be_visible()

    return visit


def _remove(page: Page) -> None:
    _first_of("pushlog/app")(page)
    page.get_by_role("link", name="Remove").first.click()
    expect(page.get_by_role("heading", name="Remove")).to_be_visible()


MANAGED: dict[str, Callable[[Page], None]] = {
    "erase": _at("/apps/shop/erase/"),
    "erase-found": _erase_found,
    "admin": _at("/admin/"),
    "admin-apps": _at("/admin/pushlog/app/"),
    "admin-app": _first_of("pushlog/app"),
    "admin-new-app": _at("/admin/pushlog/app/add/"),
    "admin-remove": _remove,
    "admin-credentials": _at("/admin/pushlog/credential/"),
    "admin-new-credential": _at("/admin/pushlog/credential/add/"),
    "admin-people": _at("/admin/auth/user/"),
    "admin-person": _first_of("auth/user"),
    "admin-messages": _at("/admin/pushlog/message/"),
    "admin-tasks": _at("/admin/pushlog/pushtask/"),
    "second-factors": _at("/accounts/mfa/"),
    "authenticator": _at("/accounts/mfa/totp/activate/"),
}
AUDITED: dict[str, Callable[[Page], None]] = {
    "audit": _at("/audit/"),
    "audit-filtered": _at("/audit/?person=operator&kind=message"),
    "audit-empty": _at("/audit/?person=nobody"),
    "audit-problem": _at("/audit/?kind=odd"),
}
PAGES: dict[str, Callable[[Page], None]] = {
    "apps": _at("/"),
    "list": _at(SHOP),
    "opened": _opened,
    "message": _message,
    "titles": _at(f"{SHOP}?sort=-title&outcome=failed"),
    "found": _found,
    "empty": _empty,
    "no-terms": _no_terms,
    "target": _target,
    "other-forms": _other_forms,
    "menu": _menu,
    "keys": _keys,
    "problem": _at(f"{SHOP}?outcome=nice&status=apns"),
    "unknown-parameter": _at(f"{SHOP}?outcme={'x' * 300}"),
    "failure": _failure,
    "codes": _at("/status-codes/#apns-2009"),
    "tasks": _at(TASKS),
    "tasks-filtered": _at(f"{TASKS}?target_kind=tag"),
    "tasks-empty": _at(f"{TASKS}?day=2026-01-01"),
    "tasks-missed": _at(f"{TASKS}?push_id={'x' * 64}"),
    "tasks-problem": _at(f"{TASKS}?state=nice"),
    "task": _task,
    "task-hostile": _at(f"{TASKS}{PushIDConverter().to_url(HOSTILE)}/"),
    "task-broadcast": _at(f"{TASKS}to-all/"),
    "not-found": _at("/nothing/"),
    "password": _at("/accounts/password/change/"),
    "letter-keys": _at("/accounts/keys/"),
    "log-out": _at("/accounts/logout/"),
    "log-in": _wrong_password,
}


# axe's loader of style sheets fails at the @import of Django's forms.css. The tables of Django's forms have a column
# without a heading, which breaks no rule of WCAG.
OF_THE_ADMIN = {"preload": False, "rules": {"empty-table-header": {"enabled": False}}}
EVERYBODY = {"operator": PAGES, "support": MASKED, "admin": MANAGED, "auditor": AUDITED}


@pytest.mark.parametrize("width", [WIDE["width"], PHONE["width"]], ids=["wide", "phone"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing(
    windows: Windows, watch: Watch, console: Console, theme: Literal["light", "dark"], width: int
) -> None:
    watch.expect(400, 404, 503)
    found = {}
    for who, pages in EVERYBODY.items():
        page = windows.open(who=who, theme=theme, width=width)
        if who == "admin":
            confirm(page, console.passwords[who])
        for name, visit in pages.items():
            visit(page)
            expect(page.locator("html")).to_have_attribute("data-bs-theme", theme)
            results = Axe().run(page, options=OF_THE_ADMIN if who == "admin" else None)
            if results.violations_count:
                found[who, name] = results.generate_snapshot()
    assert found == {}


@pytest.mark.parametrize("width", [320, PHONE["width"], 900], ids=str)
def test_no_page_is_wider_than_the_window(windows: Windows, watch: Watch, console: Console, width: int) -> None:
    watch.expect(400, 404, 503)
    wide = {}
    for who, pages in EVERYBODY.items():
        page = windows.open(who=who, width=width)
        if who == "admin":
            confirm(page, console.passwords[who])
        for name, visit in pages.items():
            visit(page)
            if overflow(page) > 0:
                wide[who, name] = overflow(page)
    assert wide == {}
