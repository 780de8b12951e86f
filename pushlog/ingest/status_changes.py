"""Status changes of stored messages.

The receipt of the highest rank is the current status, then that of the latest time, code and channel. All others only
join the history. It keeps one receipt per message, moment and code: by rank, channel and detail.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple
from uuid import UUID

from pushlog import counts, message_ids, statuses
from pushlog.models import WINDOW, App, Message, StatusChange
from pushlog.postgres import partitions
from pushlog.postgres.copying import copied
from pushlog.postgres.statements import run

# Raise it when the rules change.
RULES = 1

_MESSAGE = Message._meta.db_table
_HISTORY = StatusChange._meta.db_table
_ENTRY = {"message_id": "uuid", "at": "timestamptz", "code": "int4", "channel": "int2", "detail": "text"}

# Every writer locks messages in the order of their IDs: no deadlocks. A join with unnest instead of ANY would read a
# whole partition that has no statistics.
_LOCK = f"""
    SELECT id, modified_at, code, channel, outcome, revoked_at, push_type, mode FROM {_MESSAGE}
    WHERE id = ANY(%b) AND id BETWEEN %b AND %b AND app_id = %b
    ORDER BY id FOR NO KEY UPDATE
"""
_UPDATE = f"""
    UPDATE {_MESSAGE} AS message
    SET modified_at = new.at, code = new.code, channel = new.channel, outcome = new.outcome,
        revoked_at = new.revoked_at
    FROM unnest(%b::uuid[], %b::timestamptz[], %b::int4[], %b::int2[], %b::int2[], %b::timestamptz[])
        AS new (id, at, code, channel, outcome, revoked_at)
    WHERE message.id = new.id AND message.id BETWEEN %b AND %b
"""
# Pairs above Rank.OTHER.
RANKED = "WITH ranked (channel, code, rank) AS (SELECT * FROM unnest(%b::int2[], %b::int4[], %b::int2[]))"
_RANK = "coalesce((SELECT rank FROM ranked WHERE ranked.channel = {0}.channel AND ranked.code = {0}.code), 1)"
_RECORD = f"""
    {RANKED}
    INSERT INTO {_HISTORY} AS old ({", ".join(_ENTRY)})
    SELECT * FROM unnest({", ".join(f"%b::{kind}[]" for kind in _ENTRY.values())})
    ON CONFLICT (message_id, at, code) DO UPDATE SET channel = EXCLUDED.channel, detail = EXCLUDED.detail
    WHERE ({_RANK.format("EXCLUDED")}, EXCLUDED.channel, EXCLUDED.detail COLLATE "C")
        > ({_RANK.format("old")}, old.channel, old.detail)
"""
# Reads a whole partition that has no statistics. To prevent it costs all others 2 to 7 times as much.
_FIND_PAIRS = f"""
    SELECT id FROM {_MESSAGE}
    WHERE substr(uuid_send(id), 9) = ANY(%b) AND app_id = %b AND id >= %b AND id < %b
    ORDER BY id
"""


class Change(NamedTuple):
    """A receipt; of an early one, the ID may lack its time."""

    message_id: UUID
    at: datetime
    code: int
    channel: int
    detail: str
    revoked: bool


@dataclass(slots=True)
class Applied:
    applied: int = 0
    stale: int = 0
    early: list[Change] = field(default_factory=list)
    counted: counts.Changes = field(default_factory=Counter)


class State(NamedTuple):
    at: datetime
    code: int
    channel: int
    outcome: int
    revoked_at: datetime | None
    push_type: int
    mode: int

    def after(self, change: Change) -> "State":
        state = self
        if change.revoked and (self.revoked_at is None or change.at < self.revoked_at):
            state = state._replace(revoked_at=change.at)
        if change.code != statuses.REVOKED and _strength(change) > _strength(self):
            outcome = statuses.outcome_of(change.channel, change.code)
            changed = (change.at, change.code, change.channel, outcome, state.revoked_at)
            state = State(*changed, self.push_type, self.mode)
        return state


def _strength(one: Change | State) -> tuple[int, datetime, int, int]:
    return statuses.rank_of(one.channel, one.code), one.at, one.code, one.channel


def apply(app: App, changes: Iterable[Change]) -> Applied:
    """Must run in a transaction."""
    result = Applied()
    # By day: the planner prunes all other partitions.
    for _, of_day in groupby(in_order(changes), key=lambda change: _day(change.message_id)):
        _apply_day(app, list(of_day), result)
    counts.add(app, result.counted)
    return result


def lock(app: App, identifiers: Iterable[UUID]) -> None:
    """Locks messages until the transaction ends."""
    for _, of_day in groupby(sorted(identifiers, key=attrgetter("int")), key=_day):
        _lock_day(app, list(of_day))


def in_order(changes: Iterable[Change]) -> list[Change]:
    return sorted(
        changes,
        key=lambda one: (
            *(one.message_id.int, one.at, one.code),
            *(statuses.rank_of(one.channel, one.code), one.channel, one.detail),
        ),
    )


def ranks(changes: Iterable[Change]) -> list[list[int]]:
    pairs = statuses.strong_pairs({change.code for change in changes})
    return [[pair[column] for pair in pairs] for column in range(3)]


def one_per_entry(changes: Iterable[Change]) -> list[Change]:
    entries: list[Change] = []
    for change in changes:
        last = entries[-1] if entries else None
        if last and (last.at, last.code, last.message_id) == (change.at, change.code, change.message_id):
            entries[-1] = change._replace(revoked=last.revoked or change.revoked)
        else:
            entries.append(change)
    return entries


def _day(identifier: UUID) -> int:
    return (identifier.int >> 80) // 86_400_000


def _lock_day(app: App, ids: list[UUID]) -> dict[UUID, State]:
    return {identifier: State(*state) for identifier, *state in run(_LOCK, [ids, ids[0], ids[-1], app.pk])}


def _apply_day(app: App, changes: list[Change], result: Applied) -> None:
    by_message = [(identifier, list(group)) for identifier, group in groupby(changes, key=attrgetter("message_id"))]
    ids = [identifier for identifier, _ in by_message]
    before = _lock_day(app, ids)
    changed: dict[UUID, State] = {}
    matched: list[Change] = []
    for identifier, of_message in by_message:
        if (first := before.get(identifier)) is None:
            result.early.extend(of_message)
            continue
        matched.extend(of_message)
        if (last := _after_all(first, of_message, result)) is not first:
            changed[identifier] = last
            count(identifier, first, last, result.counted)
    update(changed)
    if matched:
        entries = [change[:-1] for change in one_per_entry(matched)]
        if not copied(_HISTORY, _ENTRY, entries):
            # COPY failed, because an entry is stored already or the partition is missing.
            day = message_ids.created_at(ids[0]).date()
            partitions.ensure(day, day)
            run(_RECORD, [*ranks(matched), *map(list, zip(*entries, strict=True))])


def _after_all(state: State, changes: list[Change], result: Applied) -> State:
    for change in changes:
        if (new := state.after(change)) is state:
            result.stale += 1
        else:
            result.applied += 1
            state = new
    return state


def update(states: Mapping[UUID, State]) -> None:
    if states:
        columns = zip(*((identifier, *state[:5]) for identifier, state in states.items()), strict=True)
        ids = list(states)
        run(_UPDATE, [*map(list, columns), ids[0], ids[-1]])


def count(identifier: UUID, before: State, after: State, changes: counts.Changes) -> None:
    hour = counts.hour_of(message_ids.created_ms(identifier))
    for state, change in (before, -1), (after, 1):
        changes[hour, state.push_type, state.mode, state.channel, state.code] += change


def find_pairs(app: App, pairs: Collection[tuple[UUID, datetime]], now: datetime) -> dict[tuple[UUID, datetime], UUID]:
    """The newest messages in the window, by ID without time and a receipt's time (aware)."""
    # Most receipts follow within hours: three days are searched first.
    day = timedelta(days=1)
    by_day: defaultdict[datetime, list[tuple[UUID, datetime]]] = defaultdict(list)
    for pair in pairs:
        by_day[pair[1].astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)].append(pair)
    found: dict[tuple[UUID, datetime], UUID] = {}
    for start, of_day in by_day.items():
        found.update(_found(app, of_day, start - day, start + 2 * day))
    if missing := [pair for pair in pairs if pair not in found]:
        found.update(_found(app, missing, now - WINDOW, now + day))
    return found


def _found(
    app: App, pairs: list[tuple[UUID, datetime]], first: datetime, end: datetime
) -> dict[tuple[UUID, datetime], UUID]:
    hashes = list({message_ids.pair_hash(identifier) for identifier, _ in pairs})
    rows = run(_FIND_PAIRS, [hashes, app.pk, message_ids.first_id(first), message_ids.first_id(end)])
    # Ordered by ID: the newest stays.
    newest = {message_ids.without_time(identifier): identifier for (identifier,) in rows}
    return {pair: newest[pair[0]] for pair in pairs if pair[0] in newest}
