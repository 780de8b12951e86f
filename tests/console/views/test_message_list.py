from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.models import User
from django.test import Client, RequestFactory
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from console.lists.tables import SORTS
from console.views.messages import message_list
from pushlog.models import App
from tests import factories
from tests.console.views.pages import addresses, titles
from tests.pushlog.sent import sent


@pytest.fixture
def address(app: App) -> str:
    return reverse("messages", args=[app.slug])


def test_list_shows_simple_and_template_messages_newest_first(member_client: Client, app: App, address: str) -> None:
    now = datetime.now(UTC)
    for minutes, mode in enumerate(("simple", "template", "multiple", "broadcast", "simple")):
        factories.create_message(app, title=f"{mode}{minutes}", mode=mode, created_at=now - timedelta(minutes=minutes))

    response = member_client.get(address)

    assert titles(response) == ["simple0", "template1", "simple4"]


def test_list_says_what_it_shows(member_client: Client, address: str) -> None:
    page = member_client.get(address).content.decode()

    assert "Simple and template messages" in page
    assert "Multiple messages appear only in a search" in page
    assert "Broadcasts are never shown" in page
    assert "UTC+00:00" in page


def test_list_shows_times_in_the_zone_of_the_app(client: Client, db: None) -> None:
    app = factories.create_app(time_zone="Asia/Shanghai")
    client.force_login(factories.create_user(app))
    created = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
    factories.create_message(app, created_at=created)

    page = client.get(reverse("messages", args=[app.slug])).content.decode()

    assert f"{created + timedelta(hours=8):%Y-%m-%d %H:%M:%S}</time>" in page
    assert "UTC+08:00" in page


def test_list_leaves_out_what_is_older_than_the_window(member_client: Client, app: App, address: str) -> None:
    created = datetime.now(UTC) - timedelta(days=30) + timedelta(seconds=20)
    factories.create_message(app, title="in time", created_at=created)
    late = created - timedelta(seconds=21)
    factories.create_messages(
        app, [factories.message_row(title="too late", created_at=late)], now=late + timedelta(days=1)
    )

    assert titles(member_client.get(address)) == ["in time"]


@pytest.mark.parametrize("sort", [sign + name for name in SORTS for sign in ("", "-")])
def test_list_walks_all_pages_of_every_sort_and_back(member_client: Client, app: App, address: str, sort: str) -> None:
    # Ties in every column, and within one millisecond: the IDs alone tell them apart.
    created = datetime.now(UTC) - timedelta(hours=1)
    rows = [
        factories.message_row(
            title=f"t{number % 3}",
            target_id=f"target-{number % 4}",
            customer_message_id=f"{number % 70}",
            push_type=("user", "android", "ios")[number % 3],
            created_at=created + timedelta(milliseconds=number % 5),
            extras={"number": number},
        )
        for number in range(130)
    ]
    ids = factories.create_messages(app, rows)
    wanted = {str(identifier) for identifier in ids}

    forwards = [
        response.context["page"].rows for response in addresses(member_client, f"{address}?sort={sort}", "older")
    ]
    last = list(addresses(member_client, f"{address}?sort={sort}", "older"))[-1]
    backwards = [response.context["page"].rows for response in addresses(member_client, last.request, "newer")]

    shown = [str(message.pk) for rows in forwards for message in rows]
    assert len(shown) == len(set(shown)) == len(wanted)
    assert set(shown) == wanted
    assert [[message.pk for message in rows] for rows in reversed(backwards)] == [
        [message.pk for message in rows] for rows in forwards
    ]
    name = sort.removeprefix("-")
    keys = [tuple(getattr(message, key) for key in SORTS[name]) for rows in forwards for message in rows]
    assert keys == sorted(keys, reverse=sort.startswith("-"))


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("?sort=content", "Cannot sort by"),
        ("?after=damaged", "is damaged"),
        ("?search=damaged", "search link is damaged"),
        ("?outcme=failed", "is not a parameter"),
        ("?sort=title&sort=status", "appears more than once"),
        ("?outcome=nonsense", "Outcome: "),
        ("?push_type=nonsense", "Push type: "),
        ("?mode=nonsense", "Mode: "),
        ("?status=2", "This is several statuses"),
    ],
)
def test_bad_query_string_is_a_400_in_the_frame(member_client: Client, address: str, query: str, words: str) -> None:
    response = member_client.get(address + query)

    assert response.status_code == 400
    assert words in response.content.decode()
    assert "<header" in response.content.decode()


@pytest.mark.parametrize("year", ["0001", "1960", "1969", "1970", "9999"])
@pytest.mark.parametrize("name", ["created_from", "created_to"])
def test_time_far_from_the_window_is_answered(member_client: Client, address: str, name: str, year: str) -> None:
    assert member_client.get(f"{address}?{name}={year}-12-31T23:59").status_code == 200


def test_list_makes_its_queries_in_the_view_and_none_in_the_template(
    rf: RequestFactory,
    app: App,
    member: User,
    address: str,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    factories.create_messages(app, [factories.message_row() for _ in range(60)])
    request = rf.get(address + "?sort=title&outcome=waiting")
    request.user, request.session = member, {SESSION_KEY: member.pk}  # type: ignore[assignment]

    with sent() as statements:
        response = message_list(request, app=app.slug)
    assert sum(one.asks for one in statements) == 3  # the app with the membership, the page, the audit log
    with django_assert_num_queries(0):
        response.render()  # type: ignore[attr-defined]


def test_fragment_is_the_results_alone_and_announces_them(member_client: Client, app: App, address: str) -> None:
    factories.create_message(app)

    response = member_client.get(address, headers={"HX-Request": "true"})

    page = response.content.decode()
    assert "<html" not in page
    assert 'id="results"' in page
    assert 'hx-swap-oob="innerHTML">1 message, newest first.' in page
    assert "HX-Request" in response.headers["Vary"]


def test_restored_history_is_a_whole_page(member_client: Client, address: str) -> None:
    response = member_client.get(address, headers={"HX-Request": "true", "HX-History-Restore-Request": "true"})

    assert "<html" in response.content.decode()


def test_titles_are_escaped(member_client: Client, app: App, address: str) -> None:
    factories.create_message(app, title="<script>alert(1)</script>", customer_message_id='"><b>')

    page = member_client.get(address).content.decode()

    assert "<script>alert" not in page
    assert '"><b>' not in page


def test_pages_are_kept_by_no_cache(member_client: Client, address: str) -> None:
    assert member_client.get(address).headers["Cache-Control"] == "no-store"
