from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.models import User
from django.test import Client, RequestFactory
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from console.lists.tables import TASK_SORTS
from console.views.tasks import task_list
from pushlog import ingest
from pushlog.models import App, PushTask
from tests import factories
from tests.console.views.pages import addresses, titles


@pytest.fixture
def address(app: App) -> str:
    return reverse("tasks", args=[app.slug])


def test_list_shows_tasks_newest_first_and_those_to_come(member_client: Client, app: App, address: str) -> None:
    now = datetime.now(UTC)
    for title, ago in (("yesterday", 24), ("an hour ago", 1), ("tomorrow", -24), ("old", 24 * 30 - 1)):
        factories.create_task(app, title=title, pushed_at=now - timedelta(hours=ago))
    factories.create_task(factories.create_app(), title="of another app")

    assert titles(member_client.get(address)) == ["tomorrow", "an hour ago", "yesterday", "old"]


def test_list_shows_broadcast_tasks(member_client: Client, app: App, address: str) -> None:
    factories.create_task(app, title="to all", target_kind="all")

    assert titles(member_client.get(address)) == ["to all"]


def test_list_leaves_out_what_is_older_than_the_window(member_client: Client, app: App, address: str) -> None:
    edge = datetime.now(UTC) - timedelta(days=30)
    for title, seconds in (("in time", 20), ("too late", -1)):
        pushed_at = edge + timedelta(seconds=seconds)
        factories.create_task(app, title=title, pushed_at=pushed_at, now=pushed_at + timedelta(days=1))

    assert titles(member_client.get(address)) == ["in time"]


def test_list_says_what_it_shows(client: Client, db: None) -> None:
    app = factories.create_app(time_zone="Asia/Shanghai")
    client.force_login(factories.create_user(app))
    pushed_at = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
    factories.create_task(app, pushed_at=pushed_at, target_kind="tag", message_type="data", state="overwritten")

    page = client.get(reverse("tasks", args=[app.slug])).content.decode()

    for words in (
        "Push tasks with a push time from",
        "and those still to come",
        "Times are in Asia/Shanghai",
        "their messages are never shown",
        f"{pushed_at + timedelta(hours=8):%Y-%m-%d %H:%M:%S}</time>",
        "UTC+08:00",
        *("Tags", "Data message", "Production", "Overwritten"),
        '/tasks/" aria-current="page">Push tasks',
        "1 push task, newest first",
    ):
        assert words in page


@pytest.mark.parametrize("sort", [sign + name for name in TASK_SORTS for sign in ("", "-")])
def test_list_walks_all_pages_of_every_sort_and_back(member_client: Client, app: App, address: str, sort: str) -> None:
    now = datetime.now(UTC)
    rows = [
        factories.task_row(
            title=f"t{number % 3}",
            state=("finished", "failed")[number % 2],
            target_kind=("all", "tag", "accounts")[number % 3],
            message_type=("data", "notification")[number % 2],
            environment=("development", "production")[number % 2],
            pushed_at=now - timedelta(microseconds=number // 4),
        )
        for number in range(120)
    ]
    assert ingest.write_tasks(app=app, rows=rows).accepted == 120

    forwards = list(addresses(member_client, f"{address}?sort={sort}", "older"))
    backwards = list(addresses(member_client, forwards[-1].request, "newer"))

    shown = [task for response in forwards for task in response.context["page"].rows]
    assert len(forwards) == 3
    assert len({task.pk for task in shown}) == len(shown) == 120
    assert [response.context["page"].rows for response in reversed(backwards)] == [
        response.context["page"].rows for response in forwards
    ]
    keys = [tuple(getattr(task, key) for key in TASK_SORTS[sort.removeprefix("-")]) for task in shown]
    assert keys == sorted(keys, reverse=sort.startswith("-"))


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("?sort=content", "Cannot sort by"),
        ("?sort=created_at", "Cannot sort by"),
        ("?after=damaged", "is damaged"),
        ("?search=x", "“search” is not a parameter"),
        ("?outcome=failed", "“outcome” is not a parameter"),
        ("?sort=title&sort=state", "appears more than once"),
        ("?state=nonsense", "State: "),
        ("?target_kind=1", "Target kind: "),
        ("?day=yesterday", "Day: "),
        ("?day=2026-02-30", "Day: "),
        ("?day=2026-11-22T00:00", "Day: "),
        (f"?push_id={'x' * 65}", "at most 64 characters"),
        ("?push_id=a%00b", "Null characters"),
        ("?push_id=1&sort=title", "Search for a push ID alone"),
    ],
)
def test_bad_query_string_is_a_400_in_the_frame(member_client: Client, address: str, query: str, words: str) -> None:
    response = member_client.get(address + query)

    assert response.status_code == 400
    assert words in response.content.decode()
    assert "<header" in response.content.decode()
    assert f'href="{address}">Show all push tasks' in response.content.decode()


def test_cursor_of_the_message_list_is_not_one_of_this_list(member_client: Client, app: App, address: str) -> None:
    factories.create_messages(app, [factories.message_row() for _ in range(51)])
    cursor = member_client.get(reverse("messages", args=[app.slug]) + "?sort=title").context["older"]

    assert member_client.get(f"{address}?sort=title&after={cursor}").status_code == 400


def test_complete_push_id_leads_to_its_task(member_client: Client, app: App, address: str) -> None:
    for push_id in ("133703", "a/b?"):
        factories.create_task(app, push_id=push_id)

        for around in (" {} ", "\u200b{}\ufeff", "\u2060 {}" + 64 * "\u200b"):
            response = member_client.get(address, {"push_id": around.format(push_id)})

            assert response.status_code == 302
            assert response.headers["Location"] == reverse("task", args=[app.slug, push_id])


def test_no_push_id_is_the_list(member_client: Client, app: App, address: str) -> None:
    factories.create_task(app, title="one")

    assert titles(member_client.get(address, {"push_id": "  "})) == ["one"]


def test_miss_explains_itself(member_client: Client, member: User, app: App, address: str) -> None:
    mine, others = factories.create_app(name="Mine"), factories.create_app(name="Not mine")
    mine.members.add(member)
    for one in (mine, others):
        factories.create_task(one, push_id="<1>")
    factories.create_message(app, task="<1>")

    response = member_client.get(address, {"push_id": "<1>"})

    page = response.content.decode()
    assert response.status_code == 200
    assert "No push task with the push ID <code>&lt;1&gt;</code>" in page
    assert f'href="{reverse("task", args=[mine.slug, "<1>"])}"' in page
    assert "Not mine" not in page
    assert "Messages of a task with this push ID are in the log" in page
    assert "more than 30 days ago" in page


def test_miss_tells_nothing_of_broadcasts(member_client: Client, app: App, address: str) -> None:
    factories.create_message(app, task="1", mode="broadcast")

    assert "Messages of a task with this push ID" not in member_client.get(address, {"push_id": "1"}).content.decode()


def test_empty_list_explains_itself(member_client: Client, app: App, address: str) -> None:
    assert "No push task has a push time in the last 30 days" in member_client.get(address).content.decode()
    page = member_client.get(address, {"state": "failed", "day": "2026-01-02"}).content.decode()
    assert "fits these filters: state <strong>Failed</strong>, day <strong>2026-01-02</strong>." in page
    assert f'href="{address}">Clear filters' in page


def test_list_makes_its_queries_in_the_view_and_none_in_the_template(
    rf: RequestFactory, app: App, member: User, address: str, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(3):
        factories.create_task(app)
    request = rf.get(address + "?sort=title&state=finished")
    request.user, request.session = member, {SESSION_KEY: member.pk}  # type: ignore[assignment]

    with django_assert_num_queries(2):  # the app with the membership, the page
        response = task_list(request, app=app.slug)
    with django_assert_num_queries(0):
        response.render()  # type: ignore[attr-defined]


def test_list_reads_only_what_a_row_shows(app: App, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    factories.create_task(app, content="long", targets=["a"])

    [row] = PushTask.objects.findable(app).for_rows()

    assert {"content", "targets", "tag_rule", "android", "ios", "iot"} <= row.get_deferred_fields()


def test_fragment_is_the_results_alone_and_announces_them(member_client: Client, app: App, address: str) -> None:
    factories.create_task(app)

    page = member_client.get(address, headers={"HX-Request": "true"}).content.decode()

    assert "<html" not in page
    assert 'id="results"' in page
    assert 'hx-swap-oob="innerHTML">1 push task, newest first.' in page


def test_hostile_texts_are_escaped(member_client: Client, app: App, address: str) -> None:
    factories.create_task(app, title="<script>alert(1)</script>", push_id='"><b>')

    page = member_client.get(address).content.decode()

    assert "<script>alert" not in page
    assert '"><b>' not in page
