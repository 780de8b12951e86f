"""Status changes of messages that are in the log: finding the message, and the rules.

The rules (design, section 4): the current status is the latest receipt's by its own time. A late or repeated receipt
joins the history and changes nothing else. Of two receipts at the same moment the higher code stands, then the
higher channel, so that the end does not depend on the order in which they came. The history has room for one
receipt per message, moment and code: of several, the one with the higher channel, then the later detail text.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from pushlog import counts, message_ids, statuses
from pushlog.models import WINDOW, App, Message, StatusChange
from pushlog.statements import run

_MESSAGE = Message._meta.db_table
_HISTORY = StatusChange._meta.db_table

# Rows are locked in the order of their IDs, by every writer: two batches that share messages then wait for one
# another, and never each for the other. Receipts never change a row's key, so readers of foreign keys need not wait.
_LOCK = f"""
    SELECT id, modified_at, code, channel, outcome, revoked_at, push_type, mode FROM {_MESSAGE}
    WHERE id = ANY(%b) AND id BETWEEN %b AND %b AND app_id = %b
    ORDER BY id FOR NO KEY UPDATE
"""  # noqa: S608 (table names)
_UPDATE = f"""
    UPDATE {_MESSAGE} AS message
    SET modified_at = new.at, code = new.code, channel = new.channel, outcome = new.outcome,
        revoked_at = new.revoked_at
    FROM unnest(%b::uuid[], %b::timestamptz[], %b::int4[], %b::int2[], %b::int2[], %b::timestamptz[])
        AS new (id, at, code, channel, outcome, revoked_at)
    WHERE message.id = new.id AND message.id BETWEEN %b AND %b
"""  # noqa: S608 (table names)
_RECORD = f"""
    INSERT INTO {_HISTORY} AS old (message_id, at, code, channel, detail)
    SELECT * FROM unnest(%b::uuid[], %b::timestamptz[], %b::int4[], %b::int2[], %b::text[])
    ON CONFLICT (message_id, at, code) DO UPDATE SET channel = EXCLUDED.channel, detail = EXCLUDED.detail
    WHERE (EXCLUDED.channel, EXCLUDED.detail COLLATE "C") > (old.channel, old.detail)
"""  # noqa: S608 (table names)
_FIND_PAIRS = f"""
    SELECT id FROM {_MESSAGE}
    WHERE substr(uuid_send(id), 9) = ANY(%b) AND app_id = %b AND id >= %b AND id < %b
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
    """What became of changes: how many changed a status, how many did not, those without a message; and the counts."""

    applied: int = 0
    stale: int = 0
    unmatched: list[Change] = field(default_factory=list)
    counted: counts.Changes = field(default_factory=Counter)


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
    by_day: defaultdict[int, list[Change]] = defaultdict(list)
    for change in changes:
        by_day[_day(change.message_id)].append(change)
    # A day at a time, so that every statement is about one partition: the planner leaves out the others.
    for _, of_day in sorted(by_day.items()):
        of_day.sort(key=_order)
        _apply_day(app, of_day, result)
    counts.add(app, result.counted)
    return result


def lock(app: App, identifiers: Iterable[UUID]) -> None:
    """Keeps other writers off these messages until the transaction ends, as `apply` does."""
    by_day: defaultdict[int, list[UUID]] = defaultdict(list)
    for identifier in sorted(identifiers):
        by_day[_day(identifier)].append(identifier)
    for of_day in by_day.values():
        _lock_day(app, of_day)


def one_per_entry(changes: Iterable[Change]) -> list[Change]:
    """The changes in order, with one for each message, moment and code: those that share them are put together."""
    entries: dict[tuple[UUID, datetime, int], Change] = {}
    for change in sorted(changes, key=_order):
        entry = (change.message_id, change.at, change.code)
        other = entries.get(entry)
        entries[entry] = change._replace(revoked=True) if other and other.revoked else change
    return list(entries.values())


def _order(change: Change) -> tuple[int, datetime, int, int, str]:
    return change.message_id.int, change.at, change.code, change.channel, change.detail


def _day(identifier: UUID) -> int:
    return (identifier.int >> 80) // 86_400_000


def _lock_day(app: App, ids: list[UUID]) -> dict[UUID, tuple[_State, int, int]]:
    """State, push type and mode of the messages that are there."""
    rows = run(_LOCK, [ids, ids[0], ids[-1], app.pk])
    return {identifier: (_State(*state), push_type, mode) for identifier, *state, push_type, mode in rows}


def _apply_day(app: App, changes: list[Change], result: Applied) -> None:
    ids = list(dict.fromkeys(change.message_id for change in changes))
    before = _lock_day(app, ids)
    states = {identifier: state for identifier, (state, _, _) in before.items()}
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
    changed = [(identifier, *state) for identifier, state in states.items() if state is not before[identifier][0]]
    if changed:
        for identifier, _, code, channel, *_ in changed:
            (old, push_type, mode), hour = before[identifier], counts.hour_of(identifier)
            result.counted[hour, push_type, mode, old.channel, old.code] -= 1
            result.counted[hour, push_type, mode, channel, code] += 1
        run(_UPDATE, [*map(list, zip(*changed, strict=True)), ids[0], ids[-1]])
    if matched:
        *history, _ = zip(*one_per_entry(matched), strict=True)
        run(_RECORD, [list(column) for column in history])


def find_pairs(app: App, pairs: Collection[tuple[UUID, datetime]], now: datetime) -> dict[tuple[UUID, datetime], UUID]:
    """IDs of messages in the window by the same ID without its time and the time (aware) of a receipt.

    Several messages may have the same target and customer message ID: the newest counts. A receipt follows its
    message within hours, mostly: so its own day and those beside it are looked at first, and all others only for
    what is then still missing.
    """
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
    # In the order of their IDs, so that the newest is the one that stays.
    newest = {message_ids.without_time(identifier): identifier for (identifier,) in rows}
    return {pair: newest[pair[0]] for pair in pairs if pair[0] in newest}
