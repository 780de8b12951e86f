import pytest
from django.test import Client
from pytest_django import Settings


@pytest.mark.parametrize("https", [True, False])
def test_pages_over_https_give_up_what_they_do_not_use(
    client: Client, db: None, settings: Settings, https: bool
) -> None:
    settings.HTTPS = https

    policy = client.get("/accounts/login/").headers.get("Permissions-Policy", "")

    assert ("camera=()" in policy) == https
    assert "clipboard" not in policy  # a button copies IDs
