"""Which indexes are reindexed, when, and that they are smaller and right afterwards."""

from datetime import UTC, datetime, timedelta
from io import StringIO
from itertools import count
from threading import Event
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from pushlog import counts
from pushlog.maintenance import reindex, run
from pushlog.models import WINDOW, App, Message, StatusChange
from pushlog.postgres import partitions
from pushlog.postgres.partitions import Partition
from tests import factories
from tests.pushlog import expired_days, past_days
from tests.pushlog.counting import difference

pytestmark = pytest.mark.django_db(transaction=True)
SORTS = ("id", "mode", "push_type", "title", "code", "outcome", "target_id", "customer_message_id")


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Indexes of some thousand rows are worth reindexing."""
    monkeypatch.setattr(reindex, "_WORTH", past_days.WORTH)


def maintained(**options: Any) -> dict[str, Any]:
    result = run.maintain(**options)
    assert result is not None
    assert "failed" not in result
    return result


def test_past_day_is_reindexed_once_and_is_much_smaller(app: App) -> None:
    day = past_days.make(app)
    before = past_days.sizes(*day)

    assert sorted(maintained()["partitions_reindexed"]) == sorted(one.name for one in day)

    after, files = past_days.sizes(*day), past_days.files(*day)
    print(f"{sum(before.values())} bytes, reindexed {sum(after.values())}")
    assert before.keys() == after.keys()
    assert all(after[name] < size for name, size in before.items() if size >= past_days.WORTH)
    assert sum(after.values()) < 0.7 * sum(before.values())
    assert maintained()["partitions_reindexed"] == []
    assert past_days.files(*day) == files


def test_reindexed_indexes_find_every_message(app: App) -> None:
    day = past_days.make(app)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT id FROM {day[0].name}")
        expected = sorted(identifier for (identifier,) in cursor.fetchall())

    for partition in day:
        reindex.rebuild(partition)

    with connection.cursor() as cursor:
        cursor.execute("SET enable_seqscan = off; SET enable_sort = off")  # by the indexes alone
    for column in SORTS:
        assert sorted(Message.objects.listed(app).order_by(column, "id").values_list("id", flat=True)) == expected
    one = Message.objects.earliest("id")
    ids = {"target_id": one.target_id, "customer_message_id": one.customer_message_id}
    for names in (["target_id"], ["customer_message_id"], [*ids]):
        searched: dict[str, Any] = {name: ids[name] for name in names}
        assert Message.objects.matching(app, **searched).get() == one
    assert StatusChange.objects.filter(message_id=one.pk).count() == 3
    with connection.cursor() as cursor:
        cursor.execute("RESET enable_seqscan; RESET enable_sort")
    past_days.write(app, past_days.day_of(day[0].start), 10)
    assert difference() == []


def test_day_is_left_alone_until_a_day_after_its_end(app: App) -> None:
    [messages, history] = past_days.make(app)
    due = past_days.day_of(messages.end) + timedelta(hours=24)

    assert reindex.due(due - timedelta(seconds=1)) == []
    assert reindex.due(due) == [messages, history]


def test_small_index_is_left_alone(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    day = past_days.make(app)
    files = past_days.files(*day)

    assert past_days.due() == []
    reindex.rebuild(day[0])

    assert past_days.files(*day) == files


def test_oldest_day_is_reindexed_first(app: App) -> None:
    newer, older = past_days.make(app, messages=500), past_days.make(app, messages=500, ago=9)

    assert past_days.due() == [one.name for one in (*older, *newer)]


def test_day_that_is_filled_later_is_reindexed_again(app: App) -> None:
    [messages, history] = past_days.make(app, messages=500)
    maintained()
    past_days.write(app, past_days.day_of(messages.start), 20)
    assert past_days.due() == []

    past_days.write(app, past_days.day_of(messages.start), 1000)

    assert past_days.due() == [messages.name, history.name]


def test_every_run_reindexes_an_index_and_the_next_one_goes_on(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "_REINDEX_SECONDS", 0)
    day = past_days.make(app)
    files, runs = past_days.files(*day), list[dict[str, Any]]()

    while past_days.due():
        runs.append(maintained())
        assert len(past_days.files(*day) & files) == len(files) - len(runs)

    assert [name for run in runs for name in run["partitions_reindexed"]] == [one.name for one in day]
    assert runs[0]["reindex_postponed"] == [one.name for one in day]
    assert "reindex_postponed" not in runs[-1]
    assert len(runs) == len(files) - 2  # of no message in a task, and of none revoked, the index is empty


def test_stop_ends_it_before_the_next_index(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    day = past_days.make(app)
    files, stop = past_days.files(*day), Event()
    rebuild = reindex._rebuild_index

    def rebuild_and_stop(partition: Partition, index: str) -> None:
        rebuild(partition, index)
        stop.set()

    monkeypatch.setattr(reindex, "_rebuild_index", rebuild_and_stop)

    run.maintain(stop=stop)

    assert len(past_days.files(*day) - files) == 1


def test_counts_are_compacted_between_two_indexes(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    day = past_days.make(app, messages=500)
    calls = count()
    monkeypatch.setattr(counts, "compact", lambda: next(calls))

    maintained()

    assert next(calls) >= len(past_days.sizes(*day)) - 1


def test_dry_run_names_what_is_due_and_changes_nothing(app: App) -> None:
    day = past_days.make(app, messages=500)
    files, output = past_days.files(*day), StringIO()

    call_command("maintain", "--dry-run", stdout=output)

    assert f"partitions reindexed: 2: {day[0].name}, {day[1].name}" in output.getvalue()
    assert past_days.files(*day) == files
    assert past_days.due() == [one.name for one in day]


def test_reindexed_day_expires_and_is_dropped_as_any(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    expired_days.make(app, 33)
    factories.create_message(app)
    days = partitions.expired(datetime.now(UTC))
    monkeypatch.setattr(reindex, "_WORTH", 0)
    for one in days:
        reindex.rebuild(one)
    monkeypatch.undo()

    assert partitions.leftovers() == []  # the mark of a reindexed day is not that of an expired one
    assert maintained()["partitions_dropped"] == [one.name for one in days]
    assert expired_days.tables() == expired_days.attached()


def test_expired_day_is_not_reindexed(app: App) -> None:
    day = past_days.make(app, messages=500)
    last = past_days.day_of(day[0].end) + WINDOW + partitions.GRACE - timedelta(seconds=1)

    assert reindex.due(last) == [*day]
    assert reindex.due(last + timedelta(seconds=1)) == []


def test_versions_of_postgresql_that_may_lose_rows_are_spared(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    past_days.make(app, messages=500)
    monkeypatch.setattr(reindex, "_SOUND", 10**6)

    assert past_days.due() == []


def test_session_keeps_its_own_timeouts(app: App) -> None:
    [messages, _] = past_days.make(app, messages=500)
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '7s'; SET statement_timeout = '8s'")

    reindex.rebuild(messages)

    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('lock_timeout'), current_setting('statement_timeout')")
        assert cursor.fetchone() == ("7s", "8s")
        cursor.execute("RESET lock_timeout; RESET statement_timeout")
