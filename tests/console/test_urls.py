"""Addresses stand in tickets and bookmarks. One that changes here breaks them."""

from uuid import UUID

import pytest
from django.urls import reverse

MESSAGE = UUID("019a9b3c-0000-7000-8000-000000000000")


@pytest.mark.parametrize(
    ("name", "arguments", "address"),
    [
        ("apps", [], "/"),
        ("messages", ["shop"], "/apps/shop/messages/"),
        ("search", ["shop"], "/apps/shop/messages/search/"),
        ("message", ["shop", MESSAGE], f"/apps/shop/messages/{MESSAGE}/"),
        ("status-codes", [], "/status-codes/"),
        ("account_login", [], "/accounts/login/"),
        ("admin:index", [], "/admin/"),
        ("api-docs", [], "/api/v1/docs"),
        ("api:openapi-json", [], "/api/v1/openapi.json"),
        ("api:write_messages", [], "/api/v1/messages"),
        ("api:write_receipts", [], "/api/v1/receipts"),
        ("api:search_messages", [], "/api/v1/messages/search"),
        ("api:read_message", [MESSAGE], f"/api/v1/messages/{MESSAGE}"),
    ],
)
def test_address_stays(name: str, arguments: list[object], address: str) -> None:
    assert reverse(name, args=arguments) == address
