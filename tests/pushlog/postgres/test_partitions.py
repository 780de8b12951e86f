"""Every day gets one partition, without locking out readers or writers."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from threading import Barrier

import psycopg
import pytest
from django.db import connection, transaction
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from pushlog import message_ids
from pushlog.models import WINDOW, App, Message, StatusChange
from pushlog.postgres import partitions
from tests import factories

DAY = timedelta(days=1)
# Far from the window, whose partitions exist in all tests.
FIRST = date(2024, 2, 27)
MESSAGE, HISTORY = partitions.TABLES
Spans = list[tuple[date, date]]


@pytest.fixture
def leave_nothing(transactional_db: None) -> Iterator[None]:
    """Drops what tests with several connections commit."""
    yield
    with connection.cursor() as cursor:
        for table in partitions.TABLES:
            for start, _ in partitions.existing(table):
                if start.year == FIRST.year:
                    cursor.execute(f"DROP TABLE {table}_{start:%Y%m%d}")


def days_of(spans: Spans) -> list[date]:
    return [start + n * DAY for start, end in spans for n in range((end - start).days)]


def ours(table: str) -> Spans:
    return [span for span in partitions.existing(table) if span[0].year == FIRST.year]


@pytest.mark.django_db
def test_ensure_makes_both_tables_partitions() -> None:
    made = partitions.ensure(FIRST, FIRST + DAY)

    expected = [(FIRST, FIRST + DAY), (FIRST + DAY, FIRST + 2 * DAY)]
    assert ours(MESSAGE) == ours(HISTORY) == expected
    assert sorted(made) == [
        "pushlog_message_20240227",
        "pushlog_message_20240228",
        "pushlog_statuschange_20240227",
        "pushlog_statuschange_20240228",
    ]


@pytest.mark.django_db
def test_ensure_twice_makes_nothing() -> None:
    partitions.ensure(FIRST, FIRST + 3 * DAY)

    assert partitions.ensure(FIRST, FIRST + 3 * DAY) == []


@pytest.mark.django_db
def test_ensure_makes_up_for_one_table(db: None) -> None:
    partitions.ensure(FIRST, FIRST)
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE pushlog_statuschange_20240227")

    assert partitions.ensure(FIRST, FIRST) == ["pushlog_statuschange_20240227"]


@pytest.mark.django_db
def test_ensure_window_covers_it_and_the_days_ahead() -> None:
    now = datetime(2024, 3, 31, 23, 59, 59, tzinfo=UTC)

    partitions.ensure_window(now=now)

    days = days_of(ours(MESSAGE))
    assert (days[0], days[-1]) == ((now - WINDOW).date(), now.date() + partitions.DAYS_AHEAD * DAY)
    assert len(days) == 30 + 1 + partitions.DAYS_AHEAD


@pytest.mark.django_db
def test_bounds_are_on_utc_days() -> None:
    """In a session with another time zone."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL TIME ZONE 'Asia/Shanghai'")
        partitions.ensure(FIRST, FIRST)
        cursor.execute(
            "SELECT pg_get_expr(relpartbound, oid) FROM pg_class WHERE oid = 'pushlog_message_20240227'::regclass"
        )
        [bound] = cursor.fetchone()

    first = message_ids.first_id(datetime(2024, 2, 27, tzinfo=UTC))
    end = message_ids.first_id(datetime(2024, 2, 28, tzinfo=UTC))
    assert bound == f"FOR VALUES FROM ('{first}') TO ('{end}')"


@pytest.mark.django_db
@pytest.mark.parametrize("length", [2, 7, 30])
def test_setting_gives_the_length(settings: Settings, length: int) -> None:
    settings.PARTITION_DAYS = length

    partitions.ensure(FIRST, FIRST)

    [(start, end)] = ours(MESSAGE)
    assert end - start == length * DAY
    assert start <= FIRST < end
    assert (start - date(1970, 1, 1)).days % length == 0


@pytest.mark.django_db
@pytest.mark.parametrize("lengths", [(1, 7), (7, 1), (7, 3)])
def test_setting_may_change(settings: Settings, lengths: tuple[int, int]) -> None:
    for length, last in zip(lengths, (FIRST + 9 * DAY, FIRST + 40 * DAY), strict=True):
        settings.PARTITION_DAYS = length
        partitions.ensure(FIRST, last)

    days = days_of(ours(MESSAGE))
    assert len(days) == len(set(days))
    assert {FIRST + n * DAY for n in range(41)} <= set(days)


lengths_of_gaps = st.lists(st.tuples(st.integers(0, 9), st.integers(1, 9)), max_size=6)


@given(lengths_of_gaps, st.sampled_from([1, 2, 7, 30]), st.integers(-20, 60), st.integers(0, 60))
def test_gaps_are_filled_once(steps: list[tuple[int, int]], length: int, offset: int, count: int) -> None:
    existing: Spans = []
    day = FIRST
    for gap, span in steps:
        existing.append((day + gap * DAY, day + (gap + span) * DAY))
        day = existing[-1][1]
    first = FIRST + offset * DAY

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("django.conf.settings.PARTITION_DAYS", length)
        added = partitions.gaps(existing, first, first + count * DAY)

    days = days_of(existing) + days_of(added)
    assert len(days) == len(set(days))
    assert {first + n * DAY for n in range(count + 1)} <= set(days)
    assert all(0 < (end - start).days <= length for start, end in added)


@pytest.mark.parametrize("length", [1, 7])
def test_gaps_without_any(settings: Settings, length: int) -> None:
    settings.PARTITION_DAYS = length

    assert partitions.gaps([(FIRST, FIRST + 9 * DAY)], FIRST, FIRST + 8 * DAY) == []


@pytest.mark.django_db
def test_a_message_makes_its_partition(app: App) -> None:
    with connection.cursor() as cursor:
        for table in partitions.TABLES:
            cursor.execute(f"DROP TABLE {table}_{datetime.now(UTC) - 3 * DAY:%Y%m%d}")

    message = factories.create_message(app, created_at=datetime.now(UTC) - 3 * DAY)
    factories.send_receipt(message)

    assert Message.objects.filter(pk=message.pk, code=2).exists()
    assert StatusChange.objects.filter(message_id=message.pk).exists()


def test_ensure_from_several_connections_at_once(leave_nothing: None) -> None:
    barrier = Barrier(4)

    def ensure(number: int) -> list[str]:
        try:
            barrier.wait(10)
            return partitions.ensure(FIRST, FIRST + 5 * DAY)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(ensure, range(4)))

    assert sorted(len(names) for names in made) == [0, 0, 0, 12]
    assert days_of(ours(HISTORY)) == [FIRST + n * DAY for n in range(6)]


def test_ensure_passes_readers_and_writers(leave_nothing: None, app: App) -> None:
    """Each side works while the other has an open transaction on the tables."""
    message = factories.create_message(app)
    with psycopg.connect(**connection.get_connection_params()) as reader:
        reader.execute("SET lock_timeout = '2s'")
        reader.execute("SELECT count(*) FROM pushlog_message")
        reader.execute("UPDATE pushlog_message SET title = 'x' WHERE id = %s", [message.pk])
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '2s'")

            made = partitions.ensure(FIRST, FIRST)

            cursor.execute(
                "SELECT mode FROM pg_locks WHERE pid = pg_backend_pid() AND relation = ANY(%s::regclass[])",
                [list(partitions.TABLES)],
            )
            modes = {mode for (mode,) in cursor.fetchall()}
            reader.execute("SELECT count(*) FROM pushlog_message")
            reader.execute("UPDATE pushlog_message SET title = 'y' WHERE id = %s", [message.pk])

    assert len(made) == 2
    assert modes <= {"AccessShareLock", "ShareUpdateExclusiveLock"}
    assert "ShareUpdateExclusiveLock" in modes
