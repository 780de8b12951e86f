"""Recomputes stored statuses from their history."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db import transaction

from pushlog import counts, statuses
from pushlog.ingest import status_changes
from pushlog.ingest.status_changes import Change, State
from pushlog.models import App, Message, StatusChange
from pushlog.postgres.statements import run

_COLUMNS = "id, app_id, modified_at, code, channel, outcome, revoked_at, push_type, mode"
_BATCH = 5_000
_READ = f"""
    SELECT {_COLUMNS} FROM {Message._meta.db_table} WHERE id > %b AND id <= %b ORDER BY id LIMIT %b
"""
# In the lock order of all writers.
_LOCK = f"""
    SELECT {_COLUMNS} FROM {Message._meta.db_table} WHERE id = ANY(%b) AND id BETWEEN %b AND %b
    ORDER BY id FOR NO KEY UPDATE
"""
_HISTORY = f"""
    SELECT message_id, at, code, channel FROM {StatusChange._meta.db_table} WHERE message_id BETWEEN %b AND %b
"""


def fingerprint() -> str:
    """Changes with the catalogue's outcomes and ranks, and with the rules."""
    return f"{status_changes.RULES}:{statuses.fingerprint()}"


def recompute_statuses(*, after: UUID, upto: UUID) -> tuple[UUID | None, int]:
    """Recomputes the next 5,000 messages of one partition; gives the last ID or None, and how many changed.

    120,000 with two receipts each: 15,000 messages a second, and 8,000 if one in 50 changes (two busy cores).
    """
    rows = run(_READ, [after, upto, _BATCH])
    if not rows:
        return None, 0
    # Without locks: a lock writes to the row.
    wrong = [identifier for identifier, _, before, state in _recomputed(rows) if state != before]
    return rows[-1][0], _write(wrong) if wrong else 0


@transaction.atomic
def _write(wrong: list[UUID]) -> int:
    changed: dict[UUID, State] = {}
    counted: defaultdict[int, counts.Changes] = defaultdict(Counter)
    # Again: a receipt may have come before the lock.
    for identifier, app_id, before, state in _recomputed(run(_LOCK, [wrong, wrong[0], wrong[-1]])):
        if state != before:
            changed[identifier] = state
            status_changes.count(identifier, before, state, counted[app_id])
    status_changes.update(changed)
    for app_id, changes in sorted(counted.items()):
        counts.add(App(pk=app_id), changes)
    return len(changed)


def _recomputed(rows: list[tuple[Any, ...]]) -> Iterable[tuple[UUID, int, State, State]]:
    history = defaultdict[UUID, list[Change]](list)
    for identifier, at, code, channel in run(_HISTORY, [rows[0][0], rows[-1][0]]) if rows else ():
        history[identifier].append(Change(identifier, at, code, channel, "", False))
    for identifier, app_id, *stored in rows:
        before = State(*stored)
        state = before._replace(outcome=statuses.outcome_of(before.channel, before.code))
        for change in history[identifier]:
            state = state.after(change)
        yield identifier, app_id, before, state
