"""Plans of all that whole requests send: a message with its history, a search that misses, the API, the admin.

Each statement that a request sends is explained. So a statement that a page gains later is tested here too.
"""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from console.lists.search import address_of
from console.tokens import SearchTerms
from pushlog import ingest
from pushlog.models import Message
from pushlog.postgres.partitions import TABLES
from tests.pushlog.api.client import Program
from tests.pushlog.plans.plans import NOW, READABLE, Log, Plan, check, plans_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("_as_in_a_large_log")]

REPORTS = 1500


@pytest.fixture
def program(log: Log) -> Program:
    """A program with a credential of the app."""
    return Program(log.app)


@pytest.fixture
def message(log: Log) -> Message:
    """One in the middle of the log, with a very long history."""
    message = Message.objects.listed(log.app, now=NOW).order_by("-pk")[10_000]
    receipts = [
        {
            "message_id": str(message.pk),
            "channel": "own",
            "code": 0,
            "at": (message.created_at + timedelta(seconds=number)).isoformat(),
        }
        for number in range(REPORTS)
    ]
    assert not ingest.write_receipts(app=log.app, rows=receipts).rejected
    return message


def tables(plan: Plan) -> set[str]:
    """The partitions that a plan is about."""
    return {node["Relation Name"] for node in plan.nodes if "Relation Name" in node}


def test_page_of_a_message_reads_one_partition_of_each_table(log: Log, browser: Client, message: Message) -> None:
    address = reverse("message", args=[log.app.slug, message.pk])

    about_message, about_history, about_length = plans_of(log, lambda: browser.get(address), *TABLES)

    # Its task and its corrections are read along.
    others = {"pushlog_pushtask", "pushlog_correction", "auth_user"}
    assert len(tables(about_message) - others) == len(tables(about_history)) == 1
    assert about_message.rows_read == 1, about_message.text
    # The newest 200, and one that says whether there are more.
    assert about_history.rows_read == 201, about_history.text
    assert about_history.rows_sorted == 0, about_history.text
    # How many more there are.
    assert len(tables(about_length)) == 1


def test_api_reads_one_partition_of_each_table(log: Log, program: Program, message: Message) -> None:
    about_message, about_history = plans_of(log, lambda: program.get(f"/api/v1/messages/{message.pk}"), *TABLES)

    assert len(tables(about_message)) == len(tables(about_history)) == 1
    assert about_message.rows_read == 1, about_message.text
    assert about_history.rows_read == 1000, about_history.text
    assert about_history.rows_sorted == 0, about_history.text


@pytest.mark.parametrize(
    "search",
    [
        {"target_id": "hot"},
        {"target_id": "nobody"},
        {"customer_message_id": "shared"},
        {"target_id": "hot", "customer_message_id": "shared"},
        {"target_id": "hot", "customer_message_id": "message-14"},
    ],
)
@pytest.mark.parametrize("goes_on", [False, True])
@pytest.mark.usefixtures("once")
def test_search_by_the_api(log: Log, program: Program, goes_on: bool, search: dict[str, Any]) -> None:
    middle = Message.objects.matching(log.app, target_id="hot", now=NOW).order_by("pk")[2_000]
    body = search | ({"after": str(middle.pk)} if goes_on else {})

    [plan] = plans_of(log, lambda: program.post("messages/search", body), *TABLES)

    check(plan)


@pytest.mark.parametrize(
    "terms",
    [
        SearchTerms("hot", "nothing"),
        SearchTerms("nobody", "shared"),
        SearchTerms("hot", "message-12"),
        SearchTerms("target-20", "shared"),
        SearchTerms("shared", "hot"),
        SearchTerms("nobody", "nothing"),
        SearchTerms("nobody"),
        SearchTerms("shared"),
        SearchTerms("", "hot"),
    ],
)
@pytest.mark.usefixtures("once")
def test_search_that_misses_is_explained_from_few_rows(log: Log, browser: Client, terms: SearchTerms) -> None:
    address = address_of(log.app, terms)

    plans = plans_of(log, lambda: browser.get(address), *TABLES)

    for plan in plans:
        assert plan.rows_read <= READABLE, plan.text
    # The search, and one or two statements that look for a cause.
    assert len(plans) in ({2, 3} if terms.has_both else {3})


def test_admin_reads_a_page_and_single_messages(log: Log, browser: Client, message: Message) -> None:
    listed = reverse("admin:pushlog_message_changelist")
    changed = reverse("admin:pushlog_message_change", args=[message.pk])

    for act in (
        lambda: browser.get(f"{listed}?app={log.app.slug}"),
        lambda: browser.get(f"{listed}?app={log.app.slug}&after={message.pk}"),
        lambda: browser.post(listed, {"id": str(message.pk)}),
        lambda: browser.get(changed),
    ):
        for plan in plans_of(log, act, *TABLES):
            check(plan)
