"""From the log-in to a provider of another origin, and back."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser.console_server import running_console
from tests.oidc_provider import running_provider

pytestmark = pytest.mark.browser


def test_the_button_leads_to_the_provider_and_back(browser: Browser, tmp_path: Path) -> None:
    with running_provider({"ann": ["support"]}) as issuer:
        settings = {
            "OIDC_ISSUER": issuer,
            "OIDC_NAME": "Acme",
            "OIDC_CLIENT_ID": "pushlog",
            "OIDC_CLIENT_SECRET": "secret",
            "OIDC_ROLES": "support=shop:support",
        }
        with running_console(tmp_path / "var", demo=10, **settings) as console:
            for scripts in (True, False):
                page = browser.new_context(base_url=console.url, java_script_enabled=scripts).new_page()
                page.goto("/accounts/login/")
                page.get_by_role("button", name="Log in with Acme").click()
                page.wait_for_url(f"{issuer}/**")
                page.locator("[name=sub]").first.fill("ann")
                page.locator("button:not([name=action]), button[name=action]:not([value=deny])").first.click()
                page.wait_for_url("**/apps/shop/messages/")
                page.context.close()
