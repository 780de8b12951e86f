"""Pages of push tasks by offset, with the exact count of all matches, as TPNS's list needs.

OFFSET over a million tasks takes seconds. The hourly counts (`models.TaskCount`) say in which hour of the push time a
page begins. Only the tasks of that hour are skipped, in an index.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from pushlog.models import App, MessageType, PushTask, TargetKind, TaskCount
from pushlog.postgres.statements import run
from pushlog.task_counts import HOUR, hour_of

_MOMENT = timedelta(microseconds=1)
_COLUMNS = [field.attname for field in PushTask._meta.concrete_fields]
_SELECTED = ", ".join(f'task."{name}"' for name in _COLUMNS)
_TASKS, _COUNTS = PushTask._meta.db_table, TaskCount._meta.db_table
_FILTERS = {"message_type": " AND message_type = %(message_type)b", "target_kind": " AND target_kind = %(target_kind)b"}
# One statement, so that the count and the tasks agree. The parts of the period are its whole hours, from the counts,
# and the rest at both ends, counted here. The page begins in the part in which the offset lies. Behind the last part
# `ends` is null and nothing is found. IDs come first: an index-only scan skips tasks 20 times faster than their rows.
_PAGE = """
    WITH part (begins, tasks) AS (
        SELECT hour, sum(tasks) FROM {counts}
        WHERE app_id = %(app)b AND hour >= %(first)b AND hour < %(last)b{narrowed} GROUP BY hour
        UNION ALL SELECT %(start)b, count(*) FROM {tasks}
        WHERE app_id = %(app)b AND pushed_at >= %(start)b AND pushed_at < %(first)b{narrowed}
        UNION ALL SELECT %(last)b, count(*) FROM {tasks}
        WHERE app_id = %(app)b AND pushed_at >= %(last)b AND pushed_at < %(end)b{narrowed}
    ), place AS (
        SELECT begins, tasks, sum(tasks) OVER newer AS through, lag(begins, 1, %(end)b) OVER newer AS ends
        FROM part WINDOW newer AS (ORDER BY begins DESC, tasks DESC)
    ), beginning AS (
        SELECT ends, (%(offset)b - (through - tasks))::int8 AS skipped FROM place
        WHERE through - tasks <= %(offset)b AND through > %(offset)b
    )
    SELECT (SELECT sum(tasks)::int8 FROM part), {selected} FROM (SELECT 1) AS one LEFT JOIN LATERAL (
        SELECT id FROM {tasks}
        WHERE app_id = %(app)b AND pushed_at >= %(start)b AND pushed_at < (SELECT ends FROM beginning){narrowed}
        ORDER BY pushed_at DESC, id DESC LIMIT %(limit)b OFFSET (SELECT skipped FROM beginning)
    ) AS found ON true LEFT JOIN {tasks} AS task ON task.id = found.id ORDER BY task.pushed_at DESC, task.id DESC
"""


@dataclass(frozen=True, slots=True)
class TaskPage:
    total: int
    tasks: list[PushTask]


def page(
    app: App,
    *,
    start: datetime,
    end: datetime,
    message_type: MessageType | None = None,
    target_kind: TargetKind | None = None,
    offset: int,
    limit: int,
) -> TaskPage:
    """An app's tasks pushed from `start` to before `end` (aware), newest first."""
    if end <= start:
        return TaskPage(0, [])
    first, last = hour_of(start - _MOMENT) + HOUR, hour_of(end)
    if last < first:  # the period lies within an hour
        first = last = end
    given = {"message_type": message_type, "target_kind": target_kind}
    narrowing = {name: value.value for name, value in given.items() if value is not None}
    sql = _PAGE.format(
        counts=_COUNTS, tasks=_TASKS, selected=_SELECTED, narrowed="".join(_FILTERS[name] for name in narrowing)
    )
    period: dict[str, object] = {"start": start, "first": first, "last": last, "end": end}
    rows = run(sql, {"app": app.pk, "offset": min(offset, 2**62), "limit": limit, **period, **narrowing})
    tasks = [PushTask.from_db("default", _COLUMNS, row[1:]) for row in rows if row[1] is not None]
    return TaskPage(rows[0][0], tasks)
