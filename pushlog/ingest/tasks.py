"""Writes push tasks to the log."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from operator import attrgetter
from typing import Any

from psycopg.types.json import Jsonb
from pydantic import ValidationError
from pydantic_core import PydanticUndefined

from pushlog import clock, metrics, task_counts
from pushlog.ingest.rows import CLOCK_SKEW, MAX_ROWS, Rejection, Unreadable, reason
from pushlog.ingest.task_rows import MAX_AHEAD, TaskRow
from pushlog.models import WINDOW, App, PushTask, TaskState
from pushlog.postgres.retries import retried
from pushlog.postgres.sessions import writing
from pushlog.postgres.statements import run

_CONFIGURATIONS = ("android", "ios", "iot")
_JSON = ("targets", "tag_rule", *_CONFIGURATIONS)
_COLUMNS = {
    "push_id": "text",
    "created_at": "timestamptz",
    "pushed_at": "timestamptz",
    "state": "int2",
    "target_kind": "int2",
    "message_type": "int2",
    "source": "int2",
    "environment": "text",
    "title": "text",
    "content": "text",
    "expires_in": "int8",
    "collapse_id": "int8",
    "upload_id": "int8",
    "multi_package": "bool",
    "media_url": "text",
    "audio_url": "text",
    "group": "text",
} | dict.fromkeys(_JSON, "jsonb")
_TABLE = PushTask._meta.db_table
_NAMES = ", ".join(f'"{name}"' for name in _COLUMNS)
_ARRAYS = ", ".join(f"%b::{kind}[]" for kind in _COLUMNS.values())
_INSERT = f"""
    INSERT INTO {_TABLE} (app_id, {_NAMES}) SELECT %b, * FROM unnest({_ARRAYS})
    ON CONFLICT DO NOTHING RETURNING push_id
"""
_LOCK = f"""
    SELECT {_NAMES} FROM {_TABLE} WHERE app_id = %b AND push_id = ANY(%b) ORDER BY push_id FOR NO KEY UPDATE
"""
_UPDATE = f"""
    UPDATE {_TABLE} AS task SET {", ".join(f'"{name}" = new."{name}"' for name in _COLUMNS)}
    FROM unnest({_ARRAYS}) AS new ({_NAMES}) WHERE task.app_id = %b AND task.push_id = new.push_id
"""

_BOUNDS = {
    "pushed_at": (WINDOW, MAX_AHEAD, f"is not in the last {WINDOW.days} days nor the next {MAX_AHEAD.days}"),
    "created_at": (WINDOW + MAX_AHEAD, CLOCK_SKEW, f"is ahead, or over {(WINDOW + MAX_AHEAD).days} days ago"),
}
_DEFAULTS = {
    name: field.default
    for name, field in TaskRow.model_fields.items()
    if name in _COLUMNS and field.default not in (None, PydanticUndefined)
} | dict.fromkeys(_JSON)

Values = dict[str, Any]  # of one task, by column


@dataclass(frozen=True, slots=True)
class TasksResult:
    """What became of each row; together the four are all rows."""

    accepted: int
    updated: int
    unchanged: int
    rejected: list[Rejection]


def write_tasks(*, app: App, rows: Sequence[object], now: datetime | None = None) -> TasksResult:
    """Stores an app's push tasks in one transaction, or updates the given columns of those stored already.

    `rows` are JSON values; the window ends at `now` (aware). Several rows of one task are taken in their order. A row
    with a state that cannot follow the present one is rejected. Raises ValueError for more than MAX_ROWS.
    """
    now = now or clock.checked_now()
    invalid: list[Rejection] = []
    given: defaultdict[str, list[tuple[int, TaskRow]]] = defaultdict(list)
    for index, row in _valid(rows, app, now, invalid):
        given[row.push_id].append((index, row))
    stored = _store(app, given, now)
    result = replace(stored, rejected=sorted(invalid + stored.rejected, key=attrgetter("index")))
    metrics.count(
        "tasks",
        accepted=result.accepted,
        updated=result.updated,
        unchanged=result.unchanged,
        rejected=len(result.rejected),
    )
    return result


@retried
def _store(app: App, given: Mapping[str, list[tuple[int, TaskRow]]], now: datetime) -> TasksResult:
    """Creates and updates tasks, whose rows are given with their indexes by push ID."""
    rejected: list[Rejection] = []
    updated = unchanged = 0
    with writing():
        made = _insert(app, given, now)
        stored = _locked(app, given.keys())
        changed: dict[str, Values] = {}
        for push_id, of_task in given.items():
            for index, row in of_task:
                if index == made.get(push_id):
                    continue
                # Rows before the one that creates the task are rejected.
                if push_id not in stored or index < made.get(push_id, 0):
                    rejected.append(Rejection(index, "target_kind: is required for a new task", "target_kind"))
                    continue
                old = changed.get(push_id, stored[push_id])
                new = old | _given(row)
                if why := _forbidden(old["state"], new["state"]):
                    rejected.append(Rejection(index, f"state: {why}", "state"))
                elif new == old:
                    unchanged += 1
                else:
                    changed[push_id] = new
                    updated += 1
        _update(app, changed)
        counts = Counter(_counted_by(stored[push_id]) for push_id in made)
        for push_id, new in changed.items():
            counts[_counted_by(stored[push_id])] -= 1
            counts[_counted_by(new)] += 1
        task_counts.add(app, counts)
    return TasksResult(len(made), updated, unchanged, rejected)


def check_task(*, app: App, row: object, present: PushTask | None, now: datetime | None = None) -> Rejection | None:
    rejected: list[Rejection] = []
    for index, valid in _valid([row], app, now or clock.now(), rejected):
        state = _given(valid).get("state")
        if present and state and (why := _forbidden(present.state, state)):
            rejected.append(Rejection(index, f"state: {why}", "state"))
    return rejected[0] if rejected else None


def _valid(rows: Sequence[object], app: App, now: datetime, rejected: list[Rejection]) -> Iterator[tuple[int, TaskRow]]:
    if len(rows) > MAX_ROWS:
        raise ValueError(f"at most {MAX_ROWS:,} rows at once")
    for index, given in enumerate(rows):
        if isinstance(given, Unreadable):
            rejected.append(Rejection(index, given.error))
            continue
        try:
            row = TaskRow.model_validate(given)
        except ValidationError as error:
            rejected.append(Rejection(index, *reason(error)))
            continue
        if row.app is not None and row.app != app.slug:
            rejected.append(Rejection(index, "app: unknown app", "app"))
        elif field := _out_of_bounds(row, now):
            rejected.append(Rejection(index, f"{field}: {_BOUNDS[field][2]}", field))
        else:
            yield index, row


def _out_of_bounds(row: TaskRow, now: datetime) -> str | None:
    for name, (past, ahead, _) in _BOUNDS.items():
        if name in row.model_fields_set and not now - past <= getattr(row, name) <= now + ahead:
            return name
    return None


def _given(row: TaskRow) -> Values:
    values = row.model_dump(include=row.model_fields_set & _COLUMNS.keys())
    return values | {name: json.loads(values[name]) for name in _CONFIGURATIONS if values.get(name)}


def _insert(app: App, given: Mapping[str, list[tuple[int, TaskRow]]], now: datetime) -> dict[str, int]:
    makers = {}
    # Every writer inserts in the order of the push IDs, so that two with the same tasks do not deadlock.
    for push_id in sorted(given):
        if maker := next((one for one in given[push_id] if one[1].target_kind), None):
            makers[push_id] = maker
    if not makers:
        return {}
    fresh = []
    for _, row in makers.values():
        values = _DEFAULTS | _given(row)
        values.setdefault("created_at", min(now, values.get("pushed_at", now)))
        values.setdefault("pushed_at", values["created_at"])
        fresh.append(values)
    return {push_id: makers[push_id][0] for (push_id,) in run(_INSERT, [app.pk, *_arrays(fresh)])}


def _locked(app: App, push_ids: Iterable[str]) -> dict[str, Values]:
    return {row[0]: dict(zip(_COLUMNS, row, strict=True)) for row in run(_LOCK, [app.pk, sorted(push_ids)])}


def _update(app: App, changed: Mapping[str, Values]) -> None:
    if changed:
        run(_UPDATE, [*_arrays(changed.values()), app.pk])


def _counted_by(task: Values) -> task_counts.Key:
    return task_counts.key_of(task["pushed_at"], task["message_type"], task["target_kind"])


def _arrays(tasks: Iterable[Values]) -> list[list[object]]:
    rows = [
        [Jsonb(task[name]) if name in _JSON and task[name] is not None else task[name] for name in _COLUMNS]
        for task in tasks
    ]
    return [list(column) for column in zip(*rows, strict=True)]


def _forbidden(old: int, new: int) -> str | None:
    before, after = TaskState(old), TaskState(new)
    if before == after or after in before.next_states:
        return None
    ways = ", ".join(state.word for state in sorted(before.next_states))
    ends = f"only {ways}" if ways else "nor anything else"
    return f"a task that is {before.word} cannot become {after.word}, {ends}"
