"""Pages of an app whose clocks change: each time has the offset of its own moment beside it."""

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from pushlog.models import App
from tests import factories

HALF_HOUR = timedelta(minutes=30)
# In New York, summer time ends at 06:00 UTC, and 01:00 to 02:00 comes twice; it begins at 07:00 UTC.
AUTUMN = datetime(2026, 11, 1, 6, tzinfo=UTC)
SPRING = datetime(2026, 3, 8, 7, tzinfo=UTC)


@pytest.fixture
def new_york(db: None) -> App:
    return factories.create_app(time_zone="America/New_York")


def open_at(client: Client, app: App, now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    """Logs a member of the app in, with the clock at `now`."""
    monkeypatch.setattr("pushlog.clock.now", lambda: now)
    client.force_login(factories.create_user(app))


def write(app: App, change: datetime, now: datetime) -> None:
    """Four messages and tasks, half an hour apart, two before the change and two from it on."""
    for number in range(-2, 2):
        moment = change + number * HALF_HOUR
        factories.create_messages(app, [factories.message_row(title=f"{number}", created_at=moment)], now=now)
        factories.create_task(app, push_id=f"{number}", title=f"{number}", pushed_at=moment, now=now)


def times(page: str) -> list[str]:
    """The times of the rows of a list, as they are read."""
    cells = re.findall(r'class="col-(?:created|pushed)_at">(.*?)</t[dh]>', page, re.DOTALL)
    return [re.sub("<.*?>", "", cell) for cell in cells]


def head(page: str) -> str:
    """What the head of the table says of the offset."""
    return "".join(re.findall(r'<span class="zone">(.*?)</span>', page[page.index("<thead") : page.index("</thead>")]))


def titles(response: Any) -> list[str]:
    return [row.title for row in response.context["page"].rows]


@pytest.mark.parametrize("name", ["messages", "tasks"])
def test_rows_on_both_sides_of_a_change_have_their_own_offsets(
    client: Client, new_york: App, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    now = AUTUMN + timedelta(days=20)
    write(new_york, AUTUMN, now)
    open_at(client, new_york, now, monkeypatch)

    page = client.get(reverse(name, args=[new_york.slug])).content.decode()

    assert head(page) == ""
    assert times(page) == [
        "2026-11-01 01:30:00 UTC-05:00",
        "2026-11-01 01:00:00 UTC-05:00",
        "2026-11-01 01:30:00 UTC-04:00",
        "2026-11-01 01:00:00 UTC-04:00",
    ]


@pytest.mark.parametrize("name", ["messages", "tasks"])
def test_head_has_the_offset_of_the_rows_and_not_of_now(
    client: Client, new_york: App, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    now = AUTUMN + timedelta(days=20)
    before = AUTUMN - timedelta(days=1)
    factories.create_messages(new_york, [factories.message_row(created_at=before)], now=now)
    factories.create_task(new_york, pushed_at=before, now=now)
    open_at(client, new_york, now, monkeypatch)

    page = client.get(reverse(name, args=[new_york.slug])).content.decode()

    assert head(page) == "UTC-04:00"
    assert times(page) == ["2026-10-31 02:00:00"]


@pytest.mark.parametrize("name", ["messages", "tasks"])
def test_window_has_the_offset_of_each_end(
    client: Client, new_york: App, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    open_at(client, new_york, AUTUMN + timedelta(days=10), monkeypatch)

    page = re.sub("<.*?>", "", client.get(reverse(name, args=[new_york.slug])).content.decode())

    assert "from 2026-10-12 02:00:00 UTC-04:00 to 2026-11-11 01:00:00 UTC-05:00" in page


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("created_from=2026-11-01T01:00&created_to=2026-11-01T02:00", ["1", "0", "-1", "-2"]),
        ("created_from=2026-11-01T01:30&created_to=2026-11-01T01:30", ["0", "-1"]),
        ("created_from=2026-11-01T02:00", []),
        ("created_to=2026-11-01T00:59:59", []),
    ],
)
def test_filter_takes_both_turns_of_an_hour_that_comes_twice(
    client: Client, new_york: App, monkeypatch: pytest.MonkeyPatch, query: str, found: list[str]
) -> None:
    now = AUTUMN + timedelta(days=20)
    write(new_york, AUTUMN, now)
    open_at(client, new_york, now, monkeypatch)

    response = client.get(f"{reverse('messages', args=[new_york.slug])}?{query}")

    assert response.status_code == 200
    assert titles(response) == found


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("created_from=2026-03-08T02:30", ["1", "0"]),
        ("created_to=2026-03-08T02:30", ["-1", "-2"]),
        ("created_from=2026-03-08T01:30&created_to=2026-03-08T03:30", ["0", "-1"]),
    ],
)
def test_filter_takes_a_time_that_the_clocks_skip_for_the_change(
    client: Client, new_york: App, monkeypatch: pytest.MonkeyPatch, query: str, found: list[str]
) -> None:
    now = SPRING + timedelta(days=20)
    write(new_york, SPRING, now)
    open_at(client, new_york, now, monkeypatch)

    response = client.get(f"{reverse('messages', args=[new_york.slug])}?{query}")

    assert response.status_code == 200
    assert titles(response) == found


def test_filter_says_which_moments_it_takes(client: Client, new_york: App, monkeypatch: pytest.MonkeyPatch) -> None:
    open_at(client, new_york, AUTUMN + timedelta(days=10), monkeypatch)
    address = reverse("messages", args=[new_york.slug])

    page = client.get(f"{address}?created_from=2026-11-01T01:30&created_to=2026-11-01T01:30").content.decode()

    words = unescape(re.sub("<.*?>", "", page))
    assert "Created from: 2026-11-01 01:30:00 UTC-04:00" in words
    assert "Created before: 2026-11-01 01:30:00 UTC-05:00" in words


@pytest.mark.parametrize(
    ("zone", "day", "start"),
    [
        ("Africa/Cairo", "2026-04-24", "2026-04-23T22:00Z"),
        ("Asia/Beirut", "2026-03-29", "2026-03-28T22:00Z"),
        ("America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00Z"),
    ],
)
def test_day_whose_midnight_the_clocks_skip_begins_at_the_change(
    client: Client, db: None, monkeypatch: pytest.MonkeyPatch, zone: str, day: str, start: str
) -> None:
    app = factories.create_app(time_zone=zone)
    change = datetime.fromisoformat(start)
    hours = timedelta(hours=23)
    moments = {
        "before": -timedelta(seconds=1),
        "first": timedelta(),
        "last": hours - timedelta(seconds=1),
        "after": hours,
    }
    for title, ahead in moments.items():
        factories.create_task(app, title=title, pushed_at=change + ahead, now=change)
    open_at(client, app, change, monkeypatch)

    assert titles(client.get(f"{reverse('tasks', args=[app.slug])}?day={day}")) == ["last", "first"]
