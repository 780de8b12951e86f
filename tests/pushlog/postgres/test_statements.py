"""Which queries get a cached generic plan, and that no others do.

For a status that no message has, the plan that suits the most frequent one takes a thousand times as long.
"""

from datetime import timedelta
from uuid import UUID

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from console.lists.search import address_of
from console.tokens import SearchTerms
from pushlog.models import App, Message
from pushlog.postgres import partitions, statements
from tests import factories

OFTEN = 20  # PostgreSQL considers a generic plan after 5 executions


def prepared() -> list[tuple[str, bool]]:
    """This connection's prepared statements, and whether each has run with a generic plan."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement, generic_plans > 0 FROM pg_prepared_statements")
        return list(cursor.fetchall())


def test_statements_with_binary_parameters_are_not_prepared(db: None) -> None:
    for number in range(OFTEN):
        statements.run("SELECT %b::int4", [number])

    assert connection.connection.prepare_threshold is None
    assert prepared() == []


def test_queries_of_the_orm_are_not_prepared_and_have_their_values_in_them(app: App) -> None:
    for number in range(OFTEN):
        assert not list(Message.objects.matching(app, target_id=f"nobody-{number}"))

    assert prepared() == []
    assert "server_side_binding" not in connection.settings_dict["OPTIONS"]


def test_writing_prepares_nothing(app: App) -> None:
    for _ in range(OFTEN):
        factories.send_receipt(factories.create_message(app))

    assert prepared() == []


def test_plans_are_cached_in_a_block_and_not_after_it(app: App) -> None:
    made = factories.create_message(app)

    for _ in range(OFTEN):
        with statements.generic_plans_cached():
            assert list(Message.objects.listed(app)) == [made]
    assert [is_generic for _, is_generic in prepared()] == [True]

    assert list(Message.objects.listed(app).filter(title=made.title)) == [made]
    statements.run("SELECT %b::int4", [1])
    assert len(prepared()) == 1


@pytest.mark.parametrize("wrong", ["pg_sleep(1)", "1 / 0"])
def test_nothing_is_prepared_after_an_error(app: App, wrong: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = '100ms'")

    with pytest.raises(DatabaseError), transaction.atomic(), statements.generic_plans_cached():
        list(App.objects.extra(select={"wrong": wrong}))

    with connection.cursor() as cursor:
        cursor.execute("DEALLOCATE ALL")  # the failed one, which Psycopg has forgotten
    assert list(Message.objects.listed(app)) == []
    statements.run("SELECT %b::int4", [1])
    assert prepared() == []


@pytest.mark.django_db(transaction=True)
def test_connection_lost_in_a_block_is_replaced() -> None:
    app = factories.create_app()
    with statements.generic_plans_cached():
        connection.close()
        assert list(Message.objects.listed(app)) == []

    assert connection.connection.prepare_threshold is None
    assert list(Message.objects.listed(app)) == []
    assert prepared() == []


def test_cached_plans_know_of_partitions_made_later(app: App) -> None:
    later = timezone.now() + timedelta(days=20)
    with connection.cursor() as cursor:
        # With empty partitions, PostgreSQL would prefer a plan for this time, which prunes them.
        cursor.execute("SET LOCAL plan_cache_mode = force_generic_plan")

    def listed() -> list[UUID]:
        with statements.generic_plans_cached():
            return [message.pk for message in Message.objects.listed(app, now=later).order_by("-pk")]

    for _ in range(OFTEN):
        assert listed() == []
    assert [is_generic for _, is_generic in prepared()] == [True]
    assert partitions.ensure_window(now=later)
    rows = [factories.message_row(created_at=later - timedelta(days=day)) for day in (0, 5)]
    made = factories.create_messages(app, rows, now=later)
    assert listed() == made


@pytest.mark.parametrize(
    ("query", "plans"),
    [
        ("", 1),
        ("sort=-title", 1),
        ("sort=status&mode=", 1),
        ("mode=simple", 1),
        ("mode=template", 1),
        ("created_from=2020-01-01T00:00", 1),
        ("outcome=failed&sort=title", 1),
    ],
)
def test_plans_of_lists_are_cached(member_client: Client, app: App, query: str, plans: int) -> None:
    factories.create_message(app)

    for _ in range(2):
        answer = member_client.get(f"{reverse('messages', args=[app.slug])}?{query}")

    assert answer.status_code == 200
    assert len(prepared()) == plans


@pytest.mark.parametrize(
    "terms", [SearchTerms("user-1", "number-1"), SearchTerms("user-1"), SearchTerms("", "number-1")]
)
def test_plans_of_searches_are_cached_whatever_is_searched_for(
    member_client: Client, app: App, terms: SearchTerms
) -> None:
    factories.create_message(app, target_id="user-1", customer_message_id="number-1")
    address = address_of(app, terms)

    assert len(member_client.get(address).context["page"].rows) == 1
    plans = len(prepared())
    assert len(member_client.get(f"{address}{'&' if '?' in address else '?'}mode=simple").context["page"].rows) == 1

    assert 1 <= plans <= 2  # of a target, its newest messages are summed up
    assert len(prepared()) == plans


def test_page_of_a_task_is_planned_once(member_client: Client, app: App) -> None:
    factories.create_task(app, push_id="00000001")

    for _ in range(OFTEN):
        assert member_client.get(reverse("task", args=[app.slug, "00000001"])).status_code == 200

    assert len(prepared()) == 1


def test_no_plan_is_cached_if_the_setting_is_off(member_client: Client, app: App, settings: Settings) -> None:
    settings.PREPARED_STATEMENTS = False

    for _ in range(OFTEN):
        member_client.get(reverse("messages", args=[app.slug]))

    assert prepared() == []
