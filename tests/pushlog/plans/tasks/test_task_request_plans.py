"""Plans of all that whole requests about push tasks send: the console's pages, TPNS's call, the admin.

Each statement that a request sends is explained. So a statement that a page gains later is tested here too.
"""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from pushlog import ingest
from pushlog.models import Message, PushTask
from tests import factories
from tests.pushlog.plans.plans import NOW, READABLE, Log, Plan, plans_of
from tests.pushlog.plans.tasks.task_plans import RUN
from tests.pushlog.tpns.client import Program

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("_as_in_a_large_log")]

BIG = ("pushlog_message", "pushlog_pushtask")


def check_all(plans: list[Plan], readable: int = READABLE) -> None:
    """Few rows are read, whatever is sorted."""
    for plan in plans:
        assert plan.rows_read <= readable, plan.text


@pytest.mark.parametrize("push_id", ["00000007", "00011111", "hot", "nothing"])
@pytest.mark.usefixtures("once")
def test_search_for_a_push_id(log: Log, browser: Client, push_id: str) -> None:
    """The second is another app's, and only messages name the third."""
    address = reverse("tasks", args=[log.app.slug])

    plans = plans_of(log, lambda: browser.get(address, {"push_id": push_id}), *BIG)

    check_all(plans)
    assert len(plans) == (1 if push_id == "00000007" else 3)


@pytest.mark.parametrize("push_id", ["00000007", "hot"])
def test_page_of_a_task(log: Log, browser: Client, push_id: str) -> None:
    if push_id == "hot":
        factories.create_task(log.app, push_id="hot", pushed_at=NOW)
    address = reverse("task", args=[log.app.slug, push_id])

    about_task, page, counts = plans_of(log, lambda: browser.get(address), *BIG)

    assert about_task.rows_read == 1, about_task.text
    check_all([about_task, page])
    check_all([counts], len(RUN))


def test_message_whose_task_is_in_the_log(log: Log, browser: Client) -> None:
    message = Message.objects.of_task(log.app, "hot", now=NOW).order_by("pk")[10]
    address = reverse("message", args=[log.app.slug, message.pk])

    [about_both] = plans_of(log, lambda: browser.get(address), *BIG)

    # The message; whether its task is there, the index says.
    assert about_both.rows_read == 1, about_both.text
    check_all([about_both])


@pytest.mark.parametrize(
    "question",
    [
        {"pushId": "00000007"},
        {"pushId": "nothing"},
        {"startDate": "2020-01-01", "endDate": "2999-01-01"},
        {"startDate": "2020-01-01", "endDate": "2999-01-01", "offset": 9000},
        {"startDate": "2020-01-01", "endDate": "2999-01-01", "msgType": "message"},
        {"startDate": "2020-01-01", "endDate": "2999-01-01", "pushType": "tag", "offset": 300},
        {"startDate": f"{NOW:%Y-%m-%d}", "endDate": f"{NOW:%Y-%m-%d}", "pushType": "account"},
    ],
)
def test_call_of_tpns(log: Log, question: dict[str, Any]) -> None:
    """Its page has 200 tasks, each looked up by its ID. Before it, at most an hour of tasks is skipped."""
    program = Program(log.app)

    [plan] = plans_of(log, lambda: program.send(json.dumps(question).encode()), "pushlog_pushtask")

    check_all([plan], 3 * 200 + 24 * 31 * 4)


@pytest.mark.parametrize("page", ["list", "change"])
def test_admin_finds_a_task_and_shows_it(log: Log, browser: Client, page: str) -> None:
    task = PushTask.objects.get(app=log.app, push_id="00000007")
    addresses = {
        "list": f"{reverse('admin:pushlog_pushtask_changelist')}?q=00000007",
        "change": reverse("admin:pushlog_pushtask_change", args=[task.pk]),
    }

    plans = plans_of(log, lambda: browser.get(addresses[page]), "pushlog_pushtask")

    check_all(plans)


def test_tasks_that_come_in_read_and_change_their_own(log: Log) -> None:
    """Twenty stored tasks that are revoked, and twenty new ones."""
    known = [{"push_id": f"{number:08}", "state": "revoked"} for number in range(100, 120)]
    fresh = [factories.task_row(pushed_at=NOW) for _ in range(20)]

    plans = plans_of(log, lambda: ingest.write_tasks(app=log.app, rows=known + fresh, now=NOW), "pushlog_pushtask")

    # Made, locked, changed.
    assert len(plans) == 3
    check_all(plans, 40)


def test_old_tasks_are_removed_in_batches(log: Log) -> None:
    later = NOW + timedelta(days=15)

    plans = plans_of(log, lambda: list(ingest.sweep_tasks(now=later)), "pushlog_pushtask")

    assert len(plans) > 3
    # Each of a thousand is found, and then removed.
    check_all(plans, 2 * 1000)
