"""A past day as it is when it is over: its messages came in no order, and their status changed again and again."""

import random
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from django.db import connection

from pushlog import ingest
from pushlog.maintenance import reindex
from pushlog.models import App
from pushlog.postgres import partitions
from pushlog.postgres.partitions import Partition
from tests import factories

# Days before today, in UTC.
AGO = 5
# Bytes above which an index of so few rows is reindexed.
WORTH = 4 * 8192


def make(app: App, *, messages: int = 1500, ago: int = AGO) -> tuple[Partition, Partition]:
    """Fills new partitions of a day; gives that of the messages and that of their history."""
    day = (datetime.now(UTC) - timedelta(days=ago)).date()
    with connection.cursor() as cursor:
        for table in partitions.TABLES:
            cursor.execute(f"DROP TABLE IF EXISTS {table}_{day:%Y%m%d}")
    partitions.ensure(day, day)
    for _ in range(5):
        write(app, day_of(day), messages // 5)
    of_messages, of_history = (
        next(one for one in partitions.attached(table) if one.start == day) for table in partitions.TABLES
    )
    return of_messages, of_history


def write(app: App, midnight: datetime, messages: int) -> None:
    """Messages of a day in any order, and three receipts for each."""
    rng = random.Random(messages)
    rows = [
        factories.message_row(created_at=midnight + timedelta(milliseconds=rng.randrange(86_000_000)))
        for _ in range(messages)
    ]
    ids = factories.create_messages(app, rows)
    for code in (1, 2, 3):
        at = (midnight + timedelta(days=1, seconds=code)).isoformat()
        receipts = [{"message_id": str(one), "channel": "own", "code": code, "at": at} for one in ids]
        assert ingest.write_receipts(app=app, rows=receipts).applied == messages


def day_of(day: object) -> datetime:
    """A day's first moment."""
    return datetime.fromisoformat(f"{day}T00:00:00+00:00")


def sizes(*of: Partition) -> dict[str, int]:
    """Bytes of each index of partitions, by name."""
    return {name: size for name, _, size, _ in _indexes(of)}


def files(*of: Partition) -> set[int]:
    """The files of the indexes of partitions: others when they are built anew."""
    return {file for _, file, _, _ in _indexes(of)}


def invalid(*of: Partition) -> list[str]:
    """The names of the indexes of partitions that are not valid."""
    return [name for name, _, _, valid in _indexes(of) if not valid]


def due() -> list[str]:
    """The names of the partitions that are to be reindexed."""
    return [one.name for one in reindex.due(datetime.now(UTC))]


def _indexes(of: Iterable[Partition]) -> list[tuple[str, int, int, bool]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT idx.relname, idx.relfilenode, pg_relation_size(idx.oid), indisvalid FROM pg_index"
            " JOIN pg_class AS idx ON idx.oid = indexrelid WHERE indrelid = ANY(%s::regclass[])",
            [[one.name for one in of]],
        )
        return list(cursor.fetchall())
