"""Addresses stand in tickets and bookmarks. One that changes here breaks them."""

from uuid import UUID

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from console.lists.state import MESSAGES, TASK_MESSAGES, TASKS
from console.tokens import SearchTerms, terms_of
from pushlog.models import App
from tests import factories

MESSAGE = UUID("019a9b3c-0000-7000-8000-000000000000")
TOKEN_OF_0_1 = (
    "gAAAAABrAmoX997P2CZoKDGBDnPeRCqJ0sWRGLCvav7fYE5vXqEbo6yZFkQddDjpoX3Pl-yn5H5HboZJvtKADS-lMg"
    "99Am39z8K8RqDWrI0B0O2ex9tvtthPG3hhyiCJzWsQfoV9025u"
)


@pytest.mark.parametrize(
    ("name", "arguments", "address"),
    [
        ("apps", [], "/"),
        ("messages", ["shop"], "/apps/shop/messages/"),
        ("search", ["shop"], "/apps/shop/messages/search/"),
        ("message", ["shop", MESSAGE], f"/apps/shop/messages/{MESSAGE}/"),
        ("tasks", ["shop"], "/apps/shop/tasks/"),
        ("task", ["shop", "133703"], "/apps/shop/tasks/133703/"),
        ("task", ["shop", "a/b ~"], "/apps/shop/tasks/a~2Fb~20~7E/"),
        ("status-codes", [], "/status-codes/"),
        ("account_login", [], "/accounts/login/"),
        ("letter-keys", [], "/accounts/keys/"),
        ("admin:index", [], "/admin/"),
        ("livez", [], "/livez"),
        ("readyz", [], "/readyz"),
        ("healthz", [], "/healthz"),
        ("metrics", [], "/metrics"),
        ("api-docs", [], "/api/v1/docs"),
        ("api:openapi-json", [], "/api/v1/openapi.json"),
        ("api:write_messages", [], "/api/v1/messages"),
        ("api:write_receipts", [], "/api/v1/receipts"),
        ("api:search_messages", [], "/api/v1/messages/search"),
        ("api:read_message", [MESSAGE], f"/api/v1/messages/{MESSAGE}"),
        ("tpns:get_push_record", [], "/v3/statistics/get_push_record"),
    ],
)
def test_address_stays(name: str, arguments: list[object], address: str) -> None:
    assert reverse(name, args=arguments) == address


def test_parameters_of_the_lists_stay() -> None:
    assert {
        *("search", "sort", "after", "before"),
        *("push_type", "mode", "outcome", "status", "created_from", "created_to", "range"),
    } == MESSAGES.parameters
    assert {"sort", "after", "before", "push_id", "target_kind", "state", "day"} == TASKS.parameters
    assert {"sort", "after", "before"} == TASK_MESSAGES.parameters


def test_link_with_channel_and_code_still_opens(member_client: Client, app: App) -> None:
    response = member_client.get(f"/apps/{app.slug}/messages/?channel=apns&code=2009&sort=title")

    assert response["Location"] == f"/apps/{app.slug}/messages/?sort=title&status=apns+2009"


def test_search_link_of_an_earlier_version_still_opens(db: None, settings: Settings) -> None:
    settings.ENCRYPTION_KEYS = ["q6ZQ0GgZ1Zg1Jw0v0vZ1Zg1Jw0v0vZ1Zg1Jw0v0vZ0A="]
    app = factories.create_app(pk=7)

    assert terms_of(app, TOKEN_OF_0_1) == SearchTerms("+8610012345678", "order-1")
