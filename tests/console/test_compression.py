"""Which pages are compressed. An attacker can learn from the length of one that shows the attacker's text."""

import gzip
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from console.compression import NOT_FREE
from pushlog.models import App
from tests import factories
from tests.console.walls import TARGET, World, names

pytestmark = pytest.mark.django_db
COMPRESSED = {"apps", "messages", "message", "tasks", "task", "status-codes", "app-status-codes", "status-options"}
BROWSER = {"Accept-Encoding": "gzip, deflate, br"}


def is_compressed(answer: Any) -> bool:
    return bool(answer.headers.get("Content-Encoding") == "gzip")


@pytest.fixture
def row(app: App) -> str:
    """The target ID of the row that the lists show."""
    factories.create_message(app, target_id=TARGET)
    return TARGET


def test_pages_without_free_text_are_compressed_and_no_others(settings: Settings) -> None:
    settings.SECOND_FACTOR_ROLES = []
    world, found = World(), set()
    for who in ("anonymous", "manager", "administrator"):
        browser = world.client(who)
        found |= {name for name in names() if is_compressed(browser.get(world.path(name), headers=BROWSER))}

    assert found == COMPRESSED


def test_compressed_page_is_the_page(member_client: Client, app: App, row: str) -> None:
    address = reverse("messages", args=[app.slug])
    answer = member_client.get(address, headers=BROWSER)

    assert row in gzip.decompress(answer.content).decode()
    assert "Accept-Encoding" in answer.headers["Vary"]
    assert answer.headers["Cache-Control"] == "no-store"
    assert not is_compressed(member_client.get(address))
    assert not is_compressed(member_client.head(address, headers=BROWSER))


@pytest.mark.parametrize(
    "query", ["status=1", "status=apns+1", "created_from=2026-01-01T00:00", "search=x", "x=1", "outcome=failed&x=1"]
)
def test_page_with_free_text_is_not_compressed(member_client: Client, app: App, query: str) -> None:
    answer = member_client.get(f"{reverse('messages', args=[app.slug])}?{query}", headers=BROWSER)

    assert not is_compressed(answer)


def test_a_search_is_not_compressed(member_client: Client, app: App, row: str) -> None:
    found = member_client.post(reverse("search", args=[app.slug]), {"target_id": row}, headers=BROWSER, follow=True)

    assert row in found.content.decode()
    assert not is_compressed(found)


@pytest.mark.parametrize("page", ["messages", "tasks"])
@pytest.mark.parametrize("name", sorted(NOT_FREE))
def test_compressed_page_with_rows_does_not_show_the_text_of_its_address(
    member_client: Client, app: App, row: str, page: str, name: str
) -> None:
    guess = "+8613800zebra"
    answer = member_client.get(reverse(page, args=[app.slug]), {name: guess}, headers=BROWSER)
    shown = gzip.decompress(answer.content).decode()

    assert is_compressed(answer)
    assert answer.status_code == 400 or guess not in shown
    assert row not in shown or guess not in shown


@pytest.mark.parametrize("query", ["", "?sort=-title"])
def test_page_reached_by_a_cursor_does_not_show_the_cursor(member_client: Client, app: App, query: str) -> None:
    for number in range(51):
        factories.create_message(app, customer_message_id=f"order-{number:02}")
    address = reverse("messages", args=[app.slug]) + query
    cursor = member_client.get(address).context["older"]

    answer = member_client.get(address, {"after": cursor} | ({"sort": "-title"} if query else {}), headers=BROWSER)

    assert is_compressed(answer)
    assert cursor not in gzip.decompress(answer.content).decode()
