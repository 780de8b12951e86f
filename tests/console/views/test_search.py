import re
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from django.test import Client
from django.urls import reverse

from console.tokens import SearchTerms, token_of
from pushlog.models import App, AuditEntry, Role
from tests import factories
from tests.console.browsers import browser_of
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
    for invisible in "\ufeff\u200b\u200e\u2060\u00ad":
        assert titles(search(member_client, app, target_id=f"{invisible}in ner{invisible}")) == ["inner"]


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


def test_search_without_terms_keeps_the_list_and_says_so_at_the_field(member_client: Client, app: App) -> None:
    response = search(member_client, app, target_id="  ")

    assert response.status_code == 400
    assert len(titles(response)) == 4
    assert 'id="id_target_id_error">Type or paste an ID.' in response.content.decode()


def test_search_that_is_too_long_keeps_the_list_and_what_was_typed(member_client: Client, app: App) -> None:
    response = search(member_client, app, target_id="x" * 513, customer_message_id="y")

    assert len(titles(response)) == 4
    page = response.content.decode()
    assert "id_target_id_error" in page
    assert f'value="{"x" * 513}"' in page


def test_the_first_field_takes_any_id(member_client: Client, app: App) -> None:
    one = factories.create_message(app, title="one", target_id="t", customer_message_id="order-1")
    factories.create_task(app, push_id="10000318")
    opened = reverse("message", args=[app.slug, one.pk])
    places = {
        str(one.pk): opened,
        str(one.pk).upper(): opened,
        "t": opened,
        "order-1": opened,
        "10000318": reverse("task", args=[app.slug, "10000318"]),
        "x": reverse("messages", args=[app.slug]),
    }

    for typed, place in places.items():
        response = search(member_client, app, target_id=typed)
        assert response.redirect_chain[-1][0].partition("?")[0] == place
    assert set(titles(search(member_client, app, target_id="x"))) == {"1", "3"}
    for typed in ("a", "nothing"):
        assert "/targets/" in search(member_client, app, target_id=typed).redirect_chain[-1][0]


def test_one_hit_opens_and_leads_back(member_client: Client, app: App) -> None:
    response = search(member_client, app, target_id="a", customer_message_id="y")

    assert titles(response) == ["2"]
    page = response.content.decode()
    assert ('value="a"' in page, 'value="y"' in page) == (True, True)
    [back] = re.findall(r'<p><a href="([^"]+)">Back to the search', page)
    assert titles(member_client.get(back)) == ["2"]


def test_who_may_not_see_the_id_of_a_link_sees_no_more_in_the_one_message(app: App) -> None:
    message = factories.create_message(app, target_id="+8613800000781")
    token = token_of(app, SearchTerms("+8613800000781", typed_by=0))
    viewer = browser_of(factories.create_user(app, role=Role.VIEWER))

    page = viewer.get(reverse("message", args=[app.slug, message.pk]), {"search": token}).content.decode()
    assert "+8613800000781" not in page
    assert "+8613800000781" in search(viewer, app, target_id="+8613800000781").content.decode()


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


def test_the_address_of_the_search_leads_to_the_list(member_client: Client, app: App) -> None:
    response = member_client.get(reverse("search", args=[app.slug]), {"sort": "title"})

    assert response.headers["Location"] == f"/apps/{app.slug}/messages/?sort=title"
    assert member_client.put(reverse("search", args=[app.slug])).status_code == 405


@pytest.mark.parametrize("terms", [{"target_id": "b", "customer_message_id": "y"}, {"customer_message_id": "y"}])
def test_a_search_survives_the_end_of_the_session(
    client: Client, app: App, terms: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    response = client.post(reverse("search", args=[app.slug]), terms)

    assert response.headers["Location"].startswith("/accounts/login/?next=")
    [again] = parse_qs(urlsplit(response.headers["Location"]).query)["next"]
    client.force_login(factories.create_user(app))
    found = client.get(again, follow=True)
    assert "4" in titles(found)
    assert found.context["search_form"]["customer_message_id"].value() == "y"
    monkeypatch.setattr("console.views.searches._KEPT_FOR", -1)
    assert client.get(again).headers["Location"] == f"/apps/{app.slug}/messages/?{urlsplit(again).query}"


def test_a_search_form_of_before_another_log_in_is_offered_again(app: App) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(factories.create_user(app))

    response = client.post(reverse("search", args=[app.slug]), {"target_id": "<a>"})

    assert response.status_code == 403
    assert 'value="&lt;a&gt;"' in response.content.decode()
    assert not AuditEntry.objects.exists()
