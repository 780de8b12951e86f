"""What goes over the wire, from the real server to a browser that comes for the first time."""

import gzip
import re
from collections.abc import Iterator
from http.client import HTTPMessage
from http.cookiejar import CookieJar
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, OpenerDirector, Request, build_opener

import pytest

from tests.browser.console_server import Console, running_console

pytestmark = pytest.mark.embedded
KILOBYTE = 1000
BROWSER = {"Accept-Encoding": "gzip, deflate, br, zstd"}


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    with running_console(tmp_path_factory.mktemp("weight") / "var", demo=500) as console:
        yield console


@pytest.fixture
def browser() -> OpenerDirector:
    return build_opener(HTTPCookieProcessor(CookieJar()))


def ask(browser: OpenerDirector, address: str, form: dict[str, str] | None = None) -> tuple[HTTPMessage, bytes]:
    """Headers and body as they were sent."""
    with browser.open(Request(address, urlencode(form).encode() if form else None, BROWSER)) as answer:
        assert answer.status == 200
        return answer.headers, answer.read()


def weight(headers: HTTPMessage, body: bytes) -> int:
    return len(headers.as_bytes()) + len(body)


def text(headers: HTTPMessage, body: bytes) -> str:
    return (gzip.decompress(body) if headers["Content-Encoding"] == "gzip" else body).decode()


def test_first_visit_to_the_login_page_is_light(console: Console, browser: OpenerDirector) -> None:
    headers, body = ask(browser, f"{console.url}/accounts/login/")
    files = re.findall(r'(?:href|src)="(/static/[^"]+)"', text(headers, body))
    total = weight(headers, body)
    for file in files:
        headers, body = ask(browser, console.url + file)
        total += weight(headers, body)
        assert {one.strip() for one in headers["Cache-Control"].split(",")} == {
            "public",
            "max-age=31536000",
            "immutable",
        }
        assert headers["Content-Encoding"] == "br", file

    assert {file.rsplit(".")[-1] for file in files} == {"css", "js", "svg"}
    assert not any("htmx" in file for file in files)
    assert total <= 25 * KILOBYTE


def test_style_sheets_ask_for_nothing_more(console: Console, browser: OpenerDirector) -> None:
    page = text(*ask(browser, f"{console.url}/accounts/login/"))
    for file in re.findall(r'href="(/static/[^"]+\.css)"', page):
        with browser.open(console.url + file) as answer:  # without Accept-Encoding, as it is
            style = answer.read().decode()
        assert "@import" not in style
        assert [one for one in re.findall(r"url\([\"']?(\w+:?)", style) if one != "data:"] == []


def test_page_of_the_list_is_light(console: Console, browser: OpenerDirector) -> None:
    login = text(*ask(browser, f"{console.url}/accounts/login/"))
    [token] = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', login)
    form = {"csrfmiddlewaretoken": token, "login": "operator", "password": console.passwords["operator"]}
    ask(browser, f"{console.url}/accounts/login/", form)

    headers, body = ask(browser, f"{console.url}/apps/shop/messages/")

    assert text(headers, body).count('class="message"') == 50
    assert weight(headers, body) <= 12 * KILOBYTE
