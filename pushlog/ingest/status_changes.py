"""Status changes of messages that are in the log: finding the message, and the rules.

The rules (design, section 4): the current status is the latest receipt's by its own time. A late or repeated receipt
joins the history and changes nothing else. Of two receipts at the same moment the higher code stands, then the
higher channel, so that the end does not depend on the order in which they came.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from django.db import connection

from pushlog import message_ids, statuses
from pushlog.models import WINDOW, App, Message, StatusChange

_MESSAGE = Message._meta.db_table
_HISTORY = StatusChange._meta.db_table

# Rows are locked in the order of their IDs, by every writer: two batches that share messages then wait for one
# another, and never each for the other. Receipts never change a row's key, so readers of foreign keys need not wait.
_LOCK = f"""
    SELECT id, modified_at, code, channel, outcome, revoked_at FROM {_MESSAGE}
    WHERE id = ANY(%s) AND id BETWEEN %s AND %s AND app_id = %s
    ORDER BY id FOR NO KEY UPDATE
"""  # noqa: S608 (table names)
_UPDATE = f"""
    UPDATE {_MESSAGE} AS message
    SET modified_at = new.at, code = new.code, channel = new.channel, outcome = new.outcome,
        revoked_at = new.revoked_at
    FROM unnest(%s::uuid[], %s::timestamptz[], %s::int4[], %s::int2[], %s::int2[], %s::timestamptz[])
        AS new (id, at, code, channel, outcome, revoked_at)
    WHERE message.id = new.id AND message.id BETWEEN %s AND %s
"""  # noqa: S608 (table names)
_RECORD = f"""
    INSERT INTO {_HISTORY} (message_id, at, code, channel, detail)
    SELECT * FROM unnest(%s::uuid[], %s::timestamptz[], %s::int4[], %s::int2[], %s::text[])
    ON CONFLICT DO NOTHING
"""  # noqa: S608 (table names)
_FIND_PAIRS = f"""
    SELECT id FROM {_MESSAGE}
    WHERE substr(uuid_send(id), 9) = ANY(%s) AND app_id = %s AND id >= %s AND id < %s
    ORDER BY id
"""  # noqa: S608 (table names)


class Change(NamedTuple):
    """A receipt whose message is known, or that is kept under the message's ID without its time."""

    message_id: UUID
    at: datetime
    code: int
    channel: int
    detail: str
    revoked: bool


@dataclass(slots=True)
class Applied:
    """What became of changes: how many changed a status, how many did not, and those without a message."""

    applied: int = 0
    stale: int = 0
    unmatched: list[Change] = field(default_factory=list)


class _State(NamedTuple):
    """What a receipt may change in a message."""

    at: datetime
    code: int
    channel: int
    outcome: int
    revoked_at: datetime | None

    def after(self, change: Change) -> "_State":
        """The state that this one and a receipt make, in whichever order they came."""
        state = self
        if change.revoked and (self.revoked_at is None or change.at < self.revoked_at):
            state = state._replace(revoked_at=change.at)
        if change.code != statuses.REVOKED and (
            # Any receipt is newer than none, even one whose reporter's clock runs behind ours.
            self.code == statuses.NO_RECEIPT
            or (change.at, change.code, change.channel) > (self.at, self.code, self.channel)
        ):
            outcome = statuses.outcome_of(change.channel, change.code)
            state = _State(change.at, change.code, change.channel, outcome, state.revoked_at)
        return state


def apply(app: App, changes: Iterable[Change]) -> Applied:
    """Applies changes to an app's messages and adds them to the history. Must run in a transaction."""
    result = Applied()
    by_day: defaultdict[date, list[Change]] = defaultdict(list)
    for change in changes:
        by_day[message_ids.created_at(change.message_id).date()].append(change)
    # A day at a time, so that every statement is about one partition: the planner leaves out the others.
    for _, of_day in sorted(by_day.items()):
        of_day.sort(key=lambda change: (change.message_id, change.at, change.code, change.channel))
        _apply_day(app, of_day, result)
    return result


def _apply_day(app: App, changes: list[Change], result: Applied) -> None:
    ids = sorted({change.message_id for change in changes})
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, [ids, ids[0], ids[-1], app.pk])
        before = {identifier: _State(*state) for identifier, *state in cursor.fetchall()}
        states = dict(before)
        matched = []
        for change in changes:
            state = states.get(change.message_id)
            if state is None:
                result.unmatched.append(change)
                continue
            matched.append(change)
            states[change.message_id] = after = state.after(change)
            if after is state:
                result.stale += 1
            else:
                result.applied += 1
        changed = [(identifier, *state) for identifier, state in states.items() if state is not before[identifier]]
        if changed:
            cursor.execute(_UPDATE, [*map(list, zip(*changed, strict=True)), ids[0], ids[-1]])
        if matched:
            history = [(one.message_id, one.at, one.code, one.channel, one.detail) for one in matched]
            cursor.execute(_RECORD, list(map(list, zip(*history, strict=True))))


def find_pairs(app: App, pairs: Mapping[UUID, datetime], now: datetime) -> dict[UUID, UUID]:
    """IDs by the same IDs without their time, for those that have a message in the window; the newest counts.

    `pairs` gives the time (aware) of a receipt for each. A receipt follows its message within hours, mostly: so its
    own day and the day before are looked at first, and all others only for what is then still missing.
    """
    day = timedelta(days=1)
    by_day: defaultdict[datetime, list[UUID]] = defaultdict(list)
    for pair, at in pairs.items():
        by_day[at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)].append(pair)
    found: dict[UUID, UUID] = {}
    for start, of_day in by_day.items():
        found.update(_found(app, of_day, start - day, start + 2 * day))
    missing = [pair for pair in pairs if pair not in found]
    if missing:
        found.update(_found(app, missing, now - WINDOW, now + day))
    return found


def _found(app: App, pairs: list[UUID], first: datetime, last: datetime) -> dict[UUID, UUID]:
    with connection.cursor() as cursor:
        cursor.execute(
            _FIND_PAIRS,
            [
                [message_ids.pair_hash(pair) for pair in pairs],
                app.pk,
                message_ids.first_id(first),
                message_ids.first_id(last),
            ],
        )
        # In the order of their IDs, so that the newest is the one that stays.
        return {message_ids.without_time(identifier): identifier for (identifier,) in cursor.fetchall()}
