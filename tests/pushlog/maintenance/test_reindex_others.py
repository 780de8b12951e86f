"""Reindexing among others: who reads and writes goes on, and what is in its way or kills it does no harm."""

import os
import signal
import threading
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.db import DatabaseError, OperationalError, connection, connections

from pushlog.maintenance import reindex, run
from pushlog.models import App, Message, StatusChange
from pushlog.postgres import partitions
from pushlog.postgres.partitions import Partition
from tests import factories
from tests.pushlog import expired_days, past_days
from tests.pushlog.counting import difference
from tests.pushlog.killing import killed_after
from tests.pushlog.sessions import open_transaction
from tests.pushlog.threads import run_together, wait_until

pytestmark = pytest.mark.django_db(transaction=True)
# Transactions that it waits for, and what is left if it waits in vain: before and after the indexes changed places.
READER, WRITER = "SELECT count(*) FROM pushlog_message", "UPDATE pushlog_message SET title = title WHERE id = '{id}'"
IN_ITS_WAY = pytest.mark.parametrize(("statement", "left"), [(WRITER, "_ccnew"), (READER, "_ccold")])


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Indexes of some thousand rows are worth reindexing."""
    monkeypatch.setattr(reindex, "_WORTH", past_days.WORTH)


def maintained() -> dict[str, Any]:
    # The session of one that was killed may not have ended yet.
    result = wait_until(run.maintain)
    assert "failed" not in result
    return result


def forget(day: Partition) -> None:
    """Makes it due again."""
    with connection.cursor() as cursor:
        for name in past_days.sizes(day):
            cursor.execute(f"COMMENT ON INDEX {name} IS NULL")


def has_left(day: Partition, ending: str) -> bool:
    return any(name.endswith(ending) for name in past_days.invalid(day))


def test_readers_and_writers_go_on_and_err_in_nothing(app: App) -> None:
    [messages, history] = past_days.make(app)
    midnight, done = past_days.day_of(messages.start), threading.Event()
    count, rounds = Message.objects.count(), [0, 0]

    def read() -> None:
        while not done.is_set():
            for sort in ("id", "title", "code", "target_id"):
                assert len(Message.objects.listed(app).order_by(sort, "id")[:count]) == count
            rounds[0] += 1

    def write() -> None:
        while not done.is_set():
            past_days.write(app, midnight, 20)
            rounds[1] += 1

    def rebuild() -> None:
        try:
            for _ in range(4):
                for one in (messages, history):
                    reindex.rebuild(one)
                    forget(one)
        finally:
            done.set()

    run_together(read, write, rebuild)

    print(f"{rounds[0]} rounds of reads, {rounds[1]} of writes")
    assert min(rounds) > 0
    assert Message.objects.listed(app).order_by("title").count() == count + 20 * rounds[1]
    assert StatusChange.objects.count() == 3 * (count + 20 * rounds[1])
    assert difference() == []
    assert past_days.invalid(messages, history) == []


@IN_ITS_WAY
def test_nobody_queues_behind_it_while_it_waits(app: App, statement: str, left: str) -> None:
    [messages, history] = past_days.make(app)
    other_day = datetime.now(UTC) - timedelta(days=20)
    with connection.cursor() as cursor:
        for table in partitions.TABLES:
            cursor.execute(f"DROP TABLE IF EXISTS {table}_{other_day:%Y%m%d}")
    begun, ended = threading.Event(), threading.Event()

    def be_in_its_way() -> None:
        with open_transaction(statement):
            begun.set()
            ended.wait(60)

    def rebuild() -> None:
        begun.wait(60)
        reindex.rebuild(messages)

    def go_on() -> None:
        try:
            wait_until(lambda: has_left(messages, left))
            with connection.cursor() as cursor:
                cursor.execute("SET lock_timeout = '2s'")
            past_days.write(app, past_days.day_of(messages.start), 10)
            factories.create_message(app, created_at=other_day)  # which makes a partition
            assert len(Message.objects.listed(app).order_by("title", "id")) == 1511
            assert past_days.invalid(messages)  # it is still waiting
        finally:
            ended.set()

    run_together(be_in_its_way, rebuild, go_on)

    assert past_days.due() == [history.name]


@IN_ITS_WAY
def test_open_transaction_only_postpones_it(
    app: App, monkeypatch: pytest.MonkeyPatch, statement: str, left: str
) -> None:
    day = past_days.make(app)
    monkeypatch.setattr(reindex, "_LOCK_TIMEOUT", "200ms")

    with open_transaction(statement):
        result = maintained()
        assert [name[-6:] for name in past_days.invalid(*day)] == [left]
        past_days.write(app, past_days.day_of(day[0].start), 10)
    again = maintained()

    assert result["partitions_reindexed"] == []
    assert result["reindex_postponed"] == [one.name for one in day]
    assert again["partitions_reindexed"] == [one.name for one in day]
    assert past_days.invalid(*day) == []
    assert difference() == []


def test_what_an_attempt_leaves_is_removed_at_once_where_nobody_uses_it(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    day = past_days.make(app)
    monkeypatch.setattr(reindex, "_LOCK_TIMEOUT", "200ms")

    with open_transaction("SELECT count(*) FROM pushlog_app", "REPEATABLE READ"):
        postponed = maintained()["reindex_postponed"]

        assert past_days.invalid(*day) == []
    assert postponed == [one.name for one in day]
    maintained()
    assert past_days.due() == []


@IN_ITS_WAY
def test_killed_session_leaves_what_the_next_run_removes(app: App, statement: str, left: str) -> None:
    day = past_days.make(app)
    lost = list[DatabaseError]()

    def rebuild() -> None:
        try:
            reindex.rebuild(day[0])
        except DatabaseError as error:
            lost.append(error)

    def kill() -> None:
        wait_until(lambda: has_left(day[0], left))
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
                " WHERE query LIKE 'REINDEX%' AND datname = current_database()"
            )

    with open_transaction(statement):
        run_together(rebuild, kill)
    assert len(lost) == 1
    assert [name[-6:] for name in past_days.invalid(*day)] == [left]

    assert maintained()["partitions_reindexed"] == [one.name for one in day]

    assert past_days.invalid(*day) == []
    assert difference() == []


def test_killed_process_leaves_the_rest_to_the_next_run(app: App) -> None:
    day = past_days.make(app)
    with open_transaction(READER):
        connections.close_all()
        child = os.fork()
        if child == 0:
            run.maintain()
            os._exit(0)
        wait_until(lambda: past_days.invalid(*day))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)

    maintained()

    assert past_days.due() == []
    assert past_days.invalid(*day) == []


def test_killed_between_any_two_statements_and_repeated(app: App) -> None:
    [messages, history] = past_days.make(app)
    size, killed = len(past_days.sizes(messages)), 0
    for statements in range(1, 100, 4):
        forget(messages)
        if not killed_after(statements, partial(reindex.rebuild, messages)):
            break
        killed += 1

        maintained()

        assert past_days.due() == []
        assert past_days.invalid(messages, history) == []
        assert len(past_days.sizes(messages)) == size
    assert killed > 5
    assert difference() == []


def test_two_at_once_reindex_it_once(app: App) -> None:
    day = past_days.make(app)
    results = list[Any]()

    run_together(*[lambda: results.append(run.maintain())] * 3)

    reindexed = [name for result in results if result for name in result["partitions_reindexed"]]
    assert reindexed == [one.name for one in day]


@pytest.mark.parametrize("mode", ["SHARE UPDATE EXCLUSIVE", "SHARE"])
def test_vacuum_and_ddl_of_others_come_first(app: App, mode: str) -> None:
    day = past_days.make(app)
    files = past_days.files(*day)

    with open_transaction(f"LOCK TABLE {day[0].name} IN {mode} MODE"):  # as vacuum does, or CREATE INDEX
        assert maintained()["reindex_postponed"] == [one.name for one in day]

    assert past_days.files(*day) == files


def test_half_detached_day_is_left_alone(app: App) -> None:
    [messages, history] = past_days.make(app)
    with open_transaction(READER), connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '100ms'")
        with pytest.raises(OperationalError):
            partitions.detach(messages)
        cursor.execute("RESET lock_timeout")

    assert past_days.due() == [history.name]

    partitions.detach(messages._replace(pending=True))
    partitions.drop(messages.name)
    assert messages.name not in expired_days.tables()


def test_detaching_and_reindexing_wait_for_one_another(app: App) -> None:
    """Or one of them is undone: never both, and never a reader."""
    [messages, history] = past_days.make(app)
    undone = list[OperationalError]()

    def attempt(work: Any) -> None:
        try:
            work(messages)
        except OperationalError as error:
            undone.append(error)

    run_together(partial(attempt, reindex.rebuild), partial(attempt, partitions.detach))

    print(f"undone: {undone}")
    assert len(undone) < 2
    for one in partitions.attached(messages.table):
        if one.name == messages.name:
            partitions.detach(one)
    partitions.drop(messages.name)
    assert history.name in expired_days.attached()
