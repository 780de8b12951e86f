import pytest
from playwright.sync_api import Browser

from tests.browser.console_server import Console


@pytest.mark.browser
def test_the_api_is_described_without_a_login_under_the_strict_policy(console: Console, browser: Browser) -> None:
    heard: list[str] = []
    page = browser.new_page()
    # A breach of the Content-Security-Policy is told on the browser's console.
    page.on("console", lambda message: heard.append(message.text))
    page.on("pageerror", lambda error: heard.append(str(error)))
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{console.url}/api/v1/docs")
    page.click("#operations-default-write_messages .opblock-summary-control")
    page.wait_for_selector("text=customer_message_id")

    assert page.locator(".opblock").count() == 5  # operations
    assert heard == []
    assert [url for url in asked if not url.startswith((console.url, "data:"))] == []
    page.close()
