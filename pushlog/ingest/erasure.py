"""Erases what is stored of one target ID in an app."""

import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from pushlog import counts, message_ids
from pushlog.audit import Actor, record, values_of
from pushlog.models import App, AuditKind, Correction, EarlyReceipt, Message, PushTask, StatusChange
from pushlog.postgres.statements import run

ERASED = "(erased)"  # takes the place of a target in the list of a task
_BATCH = 1_000
# In the lock order of all writers. A receipt that waits for the lock finds no message then, and is kept as early.
_LOCK = f"""
    SELECT id, push_type, mode, channel, code FROM {Message._meta.db_table}
    WHERE app_id = %b AND target_id = %b ORDER BY id LIMIT %b FOR UPDATE
"""
_DELETE_HISTORY = f"""
    WITH gone AS (
        DELETE FROM {StatusChange._meta.db_table}
        WHERE message_id = ANY(%(ids)b) AND message_id BETWEEN %(first)b AND %(last)b RETURNING 1
    )
    SELECT count(*) FROM gone
"""
_DELETE = f"DELETE FROM {Message._meta.db_table} WHERE id = ANY(%(ids)b) AND id BETWEEN %(first)b AND %(last)b"
# No index: an app has few tasks, and few receipts wait.
_TASKS = f"""
    SELECT id FROM {PushTask._meta.db_table}
    WHERE app_id = %(app)b AND (targets @> %(target)b::text::jsonb OR tag_rule @> %(tag)b::text::jsonb) ORDER BY id
"""


@dataclass(slots=True)
class Erased:
    """How much was erased. What was not complete goes on with the next call."""

    messages: int = 0
    history: int = 0
    receipts: int = 0
    tasks: int = 0
    corrections: int = 0
    is_complete: bool = False


def erase_target(
    *, app: App, target_id: str, by: Actor, reason: str, go_on: Callable[[], bool] = lambda: True
) -> Erased:
    """Deletes the messages to a target with their history, and takes the ID out of tasks, receipts and corrections.

    In transactions of up to 1,000 messages, until `go_on` says no. Each is recorded with what it erased. Raises
    ValueError for an empty ID.
    """
    if not target_id:
        raise ValueError("no target ID")
    done = Erased()
    while go_on():
        if not _erase_messages(app, target_id, by, reason, done):
            _erase_mentions(app, target_id, by, reason, done)
            done.is_complete = True
            break
    return done


def count_target(*, app: App, target_id: str) -> tuple[int, int]:
    """The messages to a target, and the tasks that name it."""
    return Message.objects.filter(app=app, target_id=target_id).count(), len(_tasks_with(app, target_id))


@transaction.atomic
def _erase_messages(app: App, target_id: str, by: Actor, reason: str, done: Erased) -> bool:
    rows = run(_LOCK, [app.pk, target_id, _BATCH])
    if not rows:
        return False
    ids = [identifier for identifier, *_ in rows]
    given = {"ids": ids, "first": ids[0], "last": ids[-1]}
    [(history,)] = run(_DELETE_HISTORY, given)
    run(_DELETE, given)
    changes: counts.Changes = Counter()
    for identifier, push_type, mode, channel, code in rows:
        changes[counts.hour_of(message_ids.created_ms(identifier)), push_type, mode, channel, code] -= 1
    counts.add(app, changes)
    corrections = Correction.objects.filter(message_id__in=ids).exclude(values={}).update(values={})
    details: dict[str, Any] = {"messages": len(ids), "history": history, "corrections": corrections}
    record(by, AuditKind.ERASURE, app=app, target_id=target_id, reason=reason, **details)
    done.messages, done.history = done.messages + len(ids), done.history + history
    done.corrections += corrections
    return True


@transaction.atomic
def _erase_mentions(app: App, target_id: str, by: Actor, reason: str, done: Erased) -> None:
    tasks = PushTask.objects.select_for_update().filter(pk__in=_tasks_with(app, target_id)).order_by("pk")
    for task in tasks:
        task.targets = _without(target_id, task.targets)
        task.tag_rule = _without(target_id, task.tag_rule)
        task.save(update_fields=["targets", "tag_rule"])
        done.tasks += 1
    alone = re.compile(rf"(?<!\w){re.escape(target_id)}(?!\w)")
    naming = EarlyReceipt.objects.select_for_update().filter(app=app, detail__contains=target_id)
    # In the lock order of all writers.
    found = [one.pk for one in naming.order_by("message_id", "at", "code") if alone.search(one.detail)]
    done.receipts = EarlyReceipt.objects.filter(pk__in=found).update(detail="")
    quoted = json.dumps(target_id, ensure_ascii=False)
    for one in Correction.objects.select_for_update().filter(app=app).exclude(push_id="").order_by("pk"):
        if quoted in json.dumps(values_of(one.values), ensure_ascii=False):
            one.values = {}
            one.save(update_fields=["values"])
            done.corrections += 1
    details: dict[str, Any] = {"tasks": done.tasks, "early_receipts": done.receipts}
    record(by, AuditKind.ERASURE, app=app, target_id=target_id, reason=reason, **details)


def _tasks_with(app: App, target_id: str) -> list[int]:
    tag = {"tags": [{"value": target_id}]}
    given = {"app": app.pk, "target": json.dumps([target_id]), "tag": json.dumps(tag)}
    return [pk for (pk,) in run(_TASKS, given)]


def _without(target_id: str, value: Any) -> Any:
    """A JSON value with a mark in the place of the ID."""
    if isinstance(value, list):
        return [_without(target_id, one) for one in value]
    if isinstance(value, dict):
        return {key: _without(target_id, one) for key, one in value.items()}
    return ERASED if value == target_id else value
