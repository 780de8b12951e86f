"""Plans on a log as it arrives: the oldest messages first, those of all apps by turns.

The rows then lie in the order of their IDs, which makes the primary key look cheap. Reading along it until a page is
full is ruinous where it never fills. What tempts the planner is an app with next to nothing, and IDs or tasks so few in
a day that it expects thousands of messages for each.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoDbBlocker

from console.lists.search import address_of
from console.tokens import SearchTerms
from pushlog.message_ids import first_id
from pushlog.message_pages import Question
from pushlog.models import App, Message
from pushlog.postgres.partitions import TABLES
from tests import factories
from tests.pushlog.plans.plans import (
    NOW,
    ORDERS,
    READABLE,
    Log,
    asked,
    check,
    empty,
    log_of,
    middle,
    plan_of,
    plans_of,
    undone,
)

pytestmark = pytest.mark.django_db

DAYS = 2
COUNT = 24_000
SECONDS = DAYS * 86_400 / COUNT  # from a message to the next one
BATCH = 4_000
QUIET = COUNT // 10  # every so many messages, one is the quiet app's
CAMPAIGN = range(6_000, 10_000)  # multiple messages, which the list does not show


def _message(number: int) -> dict[str, Any]:
    campaign = number * DAYS * 10 // COUNT
    return factories.message_row(
        created_at=NOW - timedelta(seconds=number * SECONDS),
        mode="multiple" if number in CAMPAIGN else "template" if number % 40 == 3 else "simple",
        push_type="user" if number % 3 else "android",
        # Not where an order by target ID begins: before PostgreSQL 17 it reads multiple messages one by one.
        target_id=f"target-12{number}" if number in CAMPAIGN else f"target-{number}",
        customer_message_id=f"campaign-{campaign}",
        task=f"task-{campaign // 5}",
        title=f"Title {number // 100 % 40}",
        expires_in=3600,
    )


@pytest.fixture(scope="module")
def log(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Log]:
    """Loaded once, and rolled back after the last test of this file."""
    with django_db_blocker.unblock(), undone():
        empty(*TABLES)
        app, other, quiet = (factories.create_app(slug=slug) for slug in ("busy", "other", "quiet"))
        for start in reversed(range(0, COUNT, BATCH)):
            numbers = range(start + BATCH - 1, start - 1, -1)
            for one, part in (
                (app, [number for number in numbers if number % 5 and number % QUIET]),
                (other, [number for number in numbers if number % 5 == 0 and number % QUIET]),
                (quiet, [number for number in numbers if number % QUIET == 0]),
            ):
                factories.create_messages(one, [_message(number) for number in part], now=NOW)
        yield log_of(app)


@pytest.fixture
def quiet(log: Log) -> App:
    """The app that has ten messages."""
    return App.objects.get(slug="quiet")


@pytest.mark.parametrize("sort", ORDERS)
@pytest.mark.parametrize("place", [None, "after", "before"])
@pytest.mark.usefixtures("once")
def test_list_of_an_app_that_has_next_to_nothing(log: Log, quiet: App, place: str | None, sort: str) -> None:
    cursor: dict[str, Any] = {place: middle(log, sort)} if place else {}

    plan = plan_of(log, Question(quiet, NOW), sort, **cursor)

    check(plan, readable=10)


@pytest.mark.parametrize("query", ["", "push_type=user", "mode=simple"])
@pytest.mark.usefixtures("_as_in_a_large_log")
def test_page_behind_a_campaign_does_not_read_through_it(log: Log, query: str) -> None:
    behind = first_id(NOW - timedelta(seconds=CAMPAIGN.start * SECONDS))
    last = Message.objects.listed(log.app, now=NOW).filter(pk__gt=behind).order_by("pk")[10]

    check(plan_of(log, asked(log, query), after=[str(last.pk)]))


@pytest.mark.parametrize("sort", ORDERS)
@pytest.mark.parametrize("place", [None, "after", "before"])
@pytest.mark.usefixtures("_as_in_a_large_log")
@pytest.mark.usefixtures("once")
def test_list_of_the_app_that_has_most(log: Log, place: str | None, sort: str) -> None:
    """A generic plan takes any range of time for half a percent of the rows: of 20,000 messages that is a page."""
    cursor: dict[str, Any] = {place: middle(log, sort)} if place else {}

    plan = plan_of(log, Question(log.app, NOW), sort, **cursor)

    check(plan)


@pytest.mark.parametrize(
    "terms",
    [
        SearchTerms("nobody"),
        SearchTerms("", "nothing"),
        SearchTerms("nobody", "nothing"),
        SearchTerms("nobody", "campaign-3"),
        SearchTerms("target-21", "nothing"),
        SearchTerms("target-21", "campaign-7"),
        SearchTerms("campaign-7", "target-21"),
    ],
)
@pytest.mark.parametrize("slug", ["busy", "quiet"])
@pytest.mark.usefixtures("once", "quiet")
def test_search_that_misses_is_explained_from_few_rows(
    log: Log, browser: Client, slug: str, terms: SearchTerms
) -> None:
    address = address_of(App.objects.get(slug=slug), terms)

    for plan in plans_of(log, lambda: browser.get(address), *TABLES):
        assert plan.rows_read <= READABLE, plan.text


@pytest.mark.usefixtures("once")
def test_push_id_that_nobody_has_is_explained_from_few_rows(log: Log, browser: Client) -> None:
    address = reverse("tasks", args=[log.app.slug])

    for plan in plans_of(log, lambda: browser.get(address, {"push_id": "nothing"}), "pushlog_message"):
        check(plan)
