"""Counts of push tasks by hour and kind. Unlike messages, tasks are few enough for writers to wait for one another."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from pushlog.models import App, TaskCount
from pushlog.postgres.statements import run

Key = tuple[datetime, int, int]  # hour (UTC), message type, target kind

HOUR = timedelta(hours=1)
# Every writer adds in the order of the key, so that no two deadlock.
_ADD = f"""
    INSERT INTO {TaskCount._meta.db_table} AS old (app_id, hour, message_type, target_kind, tasks)
    SELECT %b, * FROM unnest(%b::timestamptz[], %b::int2[], %b::int2[], %b::int8[])
    ON CONFLICT (app_id, hour, message_type, target_kind) DO UPDATE SET tasks = old.tasks + EXCLUDED.tasks
"""
# SKIP LOCKED: the next run gets the others.
_CLEAR = f"""
    DELETE FROM {TaskCount._meta.db_table} AS old USING (
        SELECT app_id, hour, message_type, target_kind FROM {TaskCount._meta.db_table}
        WHERE tasks = 0 FOR UPDATE SKIP LOCKED
    ) AS empty
    WHERE (old.app_id, old.hour, old.message_type, old.target_kind)
        = (empty.app_id, empty.hour, empty.message_type, empty.target_kind)
"""


def hour_of(moment: datetime) -> datetime:
    """The UTC hour; `moment` is aware."""
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def key_of(pushed_at: datetime, message_type: int, target_kind: int) -> Key:
    return hour_of(pushed_at), message_type, target_kind


def add(app: App, changes: Mapping[Key, int]) -> None:
    """Must run in the transaction that locked and wrote the tasks."""
    rows = [(*key, change) for key, change in sorted(changes.items()) if change]
    if rows:
        run(_ADD, [app.pk, *map(list, zip(*rows, strict=True))])


def clear() -> None:
    run(_CLEAR, [])
