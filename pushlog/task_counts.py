"""Counts of push tasks by the hour of their push time and by kind, for lists that tell their length.

`models.TaskCount` is exact at any moment: written in the transaction of the tasks, by the writers alone.
Unlike messages, tasks are so few that writers may wait for one another here.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from pushlog.models import App, TaskCount
from pushlog.postgres.statements import run

Key = tuple[datetime, int, int]  # hour (UTC), message type, target kind

HOUR = timedelta(hours=1)
# In the order of the key, by every writer, so that no two wait for each other.
_ADD = f"""
    INSERT INTO {TaskCount._meta.db_table} AS old (app_id, hour, message_type, target_kind, tasks)
    SELECT %b, * FROM unnest(%b::timestamptz[], %b::int2[], %b::int2[], %b::int8[])
    ON CONFLICT (app_id, hour, message_type, target_kind) DO UPDATE SET tasks = old.tasks + EXCLUDED.tasks
"""  # noqa: S608 (table names)
# A writer may be at one of them: that one is left for the next time.
_CLEAR = f"""
    DELETE FROM {TaskCount._meta.db_table} AS old USING (
        SELECT app_id, hour, message_type, target_kind FROM {TaskCount._meta.db_table}
        WHERE tasks = 0 FOR UPDATE SKIP LOCKED
    ) AS empty
    WHERE (old.app_id, old.hour, old.message_type, old.target_kind)
        = (empty.app_id, empty.hour, empty.message_type, empty.target_kind)
"""  # noqa: S608 (table names)


def hour_of(moment: datetime) -> datetime:
    """The UTC hour in which an aware moment lies."""
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def key_of(pushed_at: datetime, message_type: int, target_kind: int) -> Key:
    """What a task with these values is counted by; its push time is aware."""
    return hour_of(pushed_at), message_type, target_kind


def add(app: App, changes: Mapping[Key, int]) -> None:
    """Adds to an app's counts (or takes away). Must run in the transaction of what is counted, after its locks."""
    rows = [(*key, change) for key, change in sorted(changes.items()) if change]
    if rows:
        run(_ADD, [app.pk, *map(list, zip(*rows, strict=True))])


def clear() -> None:
    """Removes counts that have come to zero."""
    run(_CLEAR, [])
