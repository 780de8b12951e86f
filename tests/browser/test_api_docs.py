from pathlib import Path

import pytest

from tests.browser.console_server import chromium, running_console


@pytest.mark.browser
def test_the_api_is_described_without_a_login_under_the_strict_policy(tmp_path: Path) -> None:
    heard: list[str] = []
    with running_console(tmp_path / "var", demo=20) as console, chromium() as browser:
        page = browser.new_page()
        # A breach of the Content-Security-Policy is told on the browser's console.
        page.on("console", lambda message: heard.append(message.text))
        page.on("pageerror", lambda error: heard.append(str(error)))
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"{console.url}/api/v1/docs")
        page.click("#operations-default-write_messages .opblock-summary-control")
        page.wait_for_selector("text=customer_message_id")

        assert page.locator(".opblock").count() == 4
        assert heard == []
        assert [url for url in asked if not url.startswith((console.url, "data:"))] == []
