from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import unquote

import pytest
from django.test import Client
from django.urls import reverse

from pushlog.models import App
from tests import factories
from tests.console.views.pages import titles


def search(client: Client, app: App, **terms: str) -> Any:
    """The page that a search leads to."""
    return client.post(reverse("search", args=[app.slug]), terms, follow=True)


@pytest.fixture(autouse=True)
def _messages(app: App) -> None:
    for title, target, customer in (("1", "a", "x"), ("2", "a", "y"), ("3", "b", "x"), ("4", "b", "y")):
        factories.create_message(app, title=title, target_id=target, customer_message_id=customer)


def test_search_by_both_finds_the_one_message(member_client: Client, app: App) -> None:
    assert titles(search(member_client, app, target_id="a", customer_message_id="y")) == ["2"]


def test_search_by_either_finds_all_that_match(member_client: Client, app: App) -> None:
    assert set(titles(search(member_client, app, target_id="a"))) == {"1", "2"}
    assert set(titles(search(member_client, app, customer_message_id="y"))) == {"2", "4"}


def test_search_finds_multiple_messages_and_never_a_broadcast(member_client: Client, app: App) -> None:
    for mode in ("multiple", "broadcast"):
        factories.create_message(app, title=mode, mode=mode, target_id="m", customer_message_id="n")

    assert titles(search(member_client, app, target_id="m")) == ["multiple"]
    assert titles(search(member_client, app, customer_message_id="n")) == ["multiple"]
    assert titles(search(member_client, app, target_id="m", customer_message_id="n")) == ["multiple"]


def test_search_trims_blanks_around_an_id_and_nothing_else(member_client: Client, app: App) -> None:
    factories.create_message(app, title="inner", target_id="in ner")

    assert set(titles(search(member_client, app, target_id=" \t a \n"))) == {"1", "2"}
    assert titles(search(member_client, app, target_id=" in ner ")) == ["inner"]
    assert titles(search(member_client, app, target_id="inner")) == []
    assert titles(search(member_client, app, target_id="A")) == []


@pytest.mark.parametrize("odd", ["%", "_", "a%", "'", '"', "\\", "a' OR '1'='1", "🙂", "٣", "%00", "a\nb"])
def test_search_for_odd_characters_is_a_miss_or_finds_just_them(member_client: Client, app: App, odd: str) -> None:
    assert titles(search(member_client, app, target_id=odd)) == []

    factories.create_message(app, title="odd", target_id=odd)

    assert titles(search(member_client, app, target_id=odd)) == ["odd"]


@pytest.mark.parametrize(("terms", "words"), [("x" * 10_000, "at most 512 characters"), ("a\x00b", "Null characters")])
def test_search_for_what_is_no_id_is_a_clear_error(member_client: Client, app: App, terms: str, words: str) -> None:
    response = search(member_client, app, target_id=terms)

    assert response.status_code == 400
    assert words in response.content.decode()


def test_search_without_terms_is_a_clear_error(member_client: Client, app: App) -> None:
    response = search(member_client, app, target_id="  ")

    assert response.status_code == 400
    assert "Enter a target ID, a customer message ID, or both." in response.content.decode()


def test_address_of_a_search_holds_nothing_of_its_terms(member_client: Client, app: App) -> None:
    response = member_client.post(
        reverse("search", args=[app.slug]), {"target_id": "+8613800138000", "customer_message_id": "order-77"}
    )

    address = unquote(response.headers["Location"])
    assert "13800138000" not in address
    assert "order-77" not in address


def test_address_of_a_search_works_for_another_member(member_client: Client, app: App) -> None:
    address = search(member_client, app, target_id="a").redirect_chain[-1][0]
    colleague = Client()
    colleague.force_login(factories.create_user(app))

    assert set(titles(colleague.get(address))) == {"1", "2"}


def test_search_leaves_out_a_message_of_thirty_days_and_a_second(member_client: Client, app: App) -> None:
    now = datetime.now(UTC)
    for title, age in (("old", timedelta(days=30, seconds=1)), ("young", timedelta(days=30, seconds=-30))):
        row = factories.message_row(title=title, target_id="aged", created_at=now - age)
        factories.create_messages(app, [row], now=now - timedelta(days=1))

    assert titles(search(member_client, app, target_id="aged")) == ["young"]


def test_miss_explains_itself(member_client: Client, app: App) -> None:
    page = search(member_client, app, target_id="nobody", customer_message_id="x").content.decode()

    assert "Nothing was found" in page
    assert "nobody" in page
    assert app.name in page
    assert "This customer message ID exists, but for another target ID." in page
    assert "older than 30 days" in page


def test_search_by_get_is_a_405_in_the_frame(member_client: Client, app: App) -> None:
    response = member_client.get(reverse("search", args=[app.slug]), {"target_id": "a"})

    assert response.status_code == 405
    assert response.headers["Allow"] == "POST"
    assert "<header" in response.content.decode()


def test_search_after_the_session_ended_leads_back_to_the_list(client: Client, app: App) -> None:
    response = client.post(reverse("search", args=[app.slug]), {"target_id": "a"})

    assert response.headers["Location"] == f"/accounts/login/?next=/apps/{app.slug}/messages/"
