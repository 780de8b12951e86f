"""Pages of messages: which index serves which filter, search and order."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from pushlog import message_ids, walks
from pushlog.keyset import PAGE_SIZE, Page, parsed, values_of
from pushlog.models import LISTED_MODES, WINDOW, App, Message, Mode
from pushlog.postgres.partitions import whole_partitions
from pushlog.statuses import EXPIRED, TAKEN_BACK, Outcome
from pushlog.walks import Found, Index, Span, Table

# In the order that Model.from_db takes.
_ROW_COLUMNS = tuple(one.attname for one in Message._meta.concrete_fields if one.attname in Message.ROW_FIELDS)
# What a page looks through before it fetches all matches and sorts them. Most filters fill a page by then.
FIRST_WALKED = 1_000
# At the end of a cursor that begins with its row.
_WITH_ITS_ROW = "="
_LISTED = f"mode IN ({', '.join(str(mode.value) for mode in LISTED_MODES)})"
_NEWEST = Index(("id",), _LISTED)
_REVOKED = Index(("id",), f"{_LISTED} AND revoked_at IS NOT NULL")
_MODE, _PUSH_TYPE = Index(("mode", "id"), _LISTED), Index(("push_type", "id"), _LISTED)
_OUTCOME, _STATUS = Index(("outcome", "id"), _LISTED), Index(("outcome", "channel", "code", "id"), _LISTED)
_TITLE = Index(("title", "id"), _LISTED)
_TARGET, _CUSTOMER = Index(("target_id", "id")), Index(("customer_message_id", "id"))
_TASK = Index(("task", "id"), f"mode <> {Mode.BROADCAST.value} AND task <> ''")
# Each ID alone may be common; the hash of both is rare. The app is added to nothing, so that its indexes do not match.
_PAIR = Index(condition="substr(uuid_send(id), 9) = %(pair)s::bytea AND app_id + 0 = %(app)s::int8")
_OF_ORDER = {index.columns: index for index in (_PUSH_TYPE, _STATUS, _TITLE, _TARGET, _CUSTOMER)}
# Filters that are a prefix of an order's index.
_FIXED = {_PUSH_TYPE.columns: {"push_type"}, _STATUS.columns: {"outcome", "status"}}
_RARE = {Outcome.FAILED, Outcome.UNKNOWN, Outcome.WAITING}

_FITS = """(
    id >= %(first)s::uuid AND id < %(end)s::uuid AND id <> %(left_out)s::uuid AND mode = ANY(%(modes)s::int2[])
    AND (%(push_type)s::int2 IS NULL OR push_type = %(push_type)s::int2)
    AND (%(outcome)s::int2 IS NULL OR outcome = %(outcome)s::int2)
    AND (%(expired)s::bool IS NULL OR coalesce(expires_at <= %(now)s::timestamptz, false) = %(expired)s::bool)
    AND (NOT %(revoked)s::bool OR revoked_at IS NOT NULL)
    AND (%(channel)s::int2 IS NULL OR channel = %(channel)s::int2 AND code = %(code)s::int4)
    AND (%(target_id)s::text IS NULL OR target_id = %(target_id)s::text)
    AND (%(customer_message_id)s::text IS NULL OR customer_message_id = %(customer_message_id)s::text)
)"""


class TooMany(Exception):
    """A search finds too many messages to sort them in another order than that of time."""


@dataclass(frozen=True, slots=True)
class Question:
    """What to find in an app's last 30 days before `now` (aware). IDs are complete; what is empty is not asked.

    `outcome` is a word of `Outcome`, "expired" or "revoked"; `status` a channel and a code.
    """

    app: App
    now: datetime
    target_id: str = ""
    customer_message_id: str = ""
    task: str = ""
    push_type: int | None = None
    mode: int | None = None
    outcome: str = ""
    status: tuple[int, int, int] | None = None
    start: datetime | None = None
    end: datetime | None = None  # the moment after the last

    @property
    def is_search(self) -> bool:
        return bool(self.target_id or self.customer_message_id or self.task)


@dataclass(frozen=True, slots=True)
class _Source:
    """Entries that have all matches: those of the index that begin with these values."""

    index: Index
    prefix: tuple[Any, ...] = ()


def page(
    question: Question,
    *,
    keys: Sequence[str],
    descending: bool,
    after: list[Any] | None = None,
    before: list[Any] | None = None,
    size: int = PAGE_SIZE,
    columns: tuple[str, ...] = _ROW_COLUMNS,
) -> Page[Message]:
    """As `keyset.page_of`, but it reads a bounded number of rows. `columns` are in the model's order.

    Raises BadCursor, TooMany.
    """
    backwards = before is not None
    cursor = before if before is not None else after
    start, takes_start = _start(keys, cursor)
    asked = _Asked(question, tuple(keys), descending != backwards, size + 1, columns, start)
    found = asked.found(left_out=None if takes_start or start is None else start[-1])
    rows = [Message.from_db("default", columns, row) for row in found.rows[:size]]
    stopped = Message.from_db("default", columns, found.stopped) if found.stopped else None
    far = rows[-1] if len(found.rows) > size else stopped
    near = None if cursor is None else values_of(rows[0], keys) if rows else [*cursor[: len(keys)], _WITH_ITS_ROW]
    ends = [values_of(far, keys) if far else None, near]
    if backwards:
        rows.reverse()
    newer, older = ends if backwards else reversed(ends)
    return Page(rows, newer, older, stopped if len(rows) < size else None)


def newest(question: Question, columns: tuple[str, ...], *, size: int) -> list[tuple[Any, ...]]:
    """Columns of the newest ones."""
    return _Asked(question, ("id",), True, size, columns).found().rows


def _start(keys: Sequence[str], cursor: list[Any] | None) -> tuple[tuple[Any, ...] | None, bool]:
    if cursor is None:
        return None, False
    takes_start = len(cursor) > len(keys) and cursor[-1] == _WITH_ITS_ROW
    return parsed(Message, keys, cursor[:-1] if takes_start else cursor), takes_start


@dataclass(slots=True)
class _Asked:
    question: Question
    keys: tuple[str, ...]
    descending: bool
    size: int
    columns: tuple[str, ...]
    start: tuple[Any, ...] | None = None

    @property
    def table(self) -> Table:
        return Table(Message, self.columns, _FITS, "id")

    def found(self, *, left_out: UUID | None = None) -> Found:
        values = _values(self.question) | {"left_out": left_out or UUID(int=0)}
        sources = list(_sources(self.question))
        if self.keys == ("id",):
            return self._by_time(sources, values)
        if self.question.is_search:
            found = self._sorted(sources[0], values)
            if found is None:
                raise TooMany
            return found
        order = _Source(_OF_ORDER[self.keys], _prefix(self.question, self.keys))
        if _filters(self.question) <= _FIXED.get(self.keys, set()):
            return self._walked(order, values)
        found = self._walked(order, values, FIRST_WALKED)
        if len(found.rows) == self.size or not found.stopped:
            return found
        for source in sources[:2]:
            if all_found := self._sorted(source, values):
                return all_found
        return self._walked(order, values)

    def _by_time(self, sources: list[_Source], values: dict[str, Any]) -> Found:
        if sources[0].index is _PAIR:
            if found := self._sorted(sources[0], values):
                return found
            sources = sources[1:]
        first, *others = sources[:2]
        if others:
            # The rarer filter, whichever it is, may be seen through at once.
            for source in sources[:2]:
                found = self._walked(source, values, FIRST_WALKED)
                if len(found.rows) == self.size or not found.stopped:
                    return found
        found = self._walked(first, values)
        for source in others:
            other = self._walked(source, values)
            # What one has seen on the way to a later entry, the other has seen too.
            if self._is_further(other, found):
                found = other
        return found

    def _is_further(self, one: Found, than: Found) -> bool:
        if len(than.rows) == self.size or not than.stopped:
            return False
        if len(one.rows) == self.size or not one.stopped:
            return True
        key = self.columns.index("id")
        return bool((one.stopped[key] < than.stopped[key]) == self.descending)

    def _walked(self, source: _Source, values: dict[str, Any], entries: int | None = None) -> Found:
        return walks.walk(
            self.table,
            source.index,
            self.question.app.pk,
            values,
            span=self._span(source, values),
            descending=self.descending,
            size=self.size,
            entries=entries,
        )

    def _sorted(self, source: _Source, values: dict[str, Any]) -> Found | None:
        return walks.sort(
            self.table,
            source.index,
            self.question.app.pk,
            values,
            span=_span_of_time(source, values),
            keys=self.keys,
            start=self.start,
            descending=self.descending,
            size=self.size,
        )

    def _span(self, source: _Source, values: dict[str, Any]) -> Span:
        """From the cursor on."""
        if self.keys == ("id",):
            return _span_of_time(
                source, values, start=self.start[0] if self.start else None, descending=self.descending
            )
        low = high = source.prefix
        if self.start and self.descending:
            high = self.start if self.start[: len(high)] <= high else high
        elif self.start:
            low = self.start if self.start[: len(low)] >= low else low
        # Not to the millisecond: what is left out between two bounds would be read, and not counted.
        return Span(low, high, whole_partitions(values["first"], values["end"] if self.question.end else None))


def _span_of_time(
    source: _Source, values: dict[str, Any], *, start: UUID | None = None, descending: bool = True
) -> Span:
    first, last = values["first"], values["end"]
    if start and descending:
        last = min(last, start)
    elif start:
        first = max(first, start)
    if not source.index.columns:
        return Span(pruned=(first, last))
    return Span((*source.prefix, first), (*source.prefix, last), (first, last))


def _sources(question: Question) -> Iterator[_Source]:
    """The rarest first, as far as that is known without looking."""
    if question.target_id and question.customer_message_id:
        yield _Source(_PAIR)
    if question.target_id:
        yield _Source(_TARGET, (question.target_id,))
    elif question.customer_message_id:
        yield _Source(_CUSTOMER, (question.customer_message_id,))
    elif question.task:
        yield _Source(_TASK, (question.task,))
    if question.is_search:
        return
    outcome = _outcome(question)
    if question.outcome == TAKEN_BACK:
        yield _Source(_REVOKED)
    if question.status:
        yield _Source(_STATUS, question.status)
    if outcome in _RARE:
        yield _Source(_OUTCOME, (outcome,))
    if question.push_type is not None:
        yield _Source(_PUSH_TYPE, (question.push_type,))
    if question.mode is not None:
        yield _Source(_MODE, (question.mode,))
    if outcome is not None and outcome not in _RARE:
        yield _Source(_OUTCOME, (outcome,))
    if not _filters(question) - {"time"} or question.start or question.end:
        yield _Source(_NEWEST)


def _filters(question: Question) -> set[str]:
    set_ones = {
        "push_type": question.push_type is not None,
        "mode": question.mode is not None,
        "outcome": bool(question.outcome),
        "times": question.outcome in {EXPIRED, TAKEN_BACK, Outcome.WAITING.word},
        "status": bool(question.status),
        "time": bool(question.start or question.end),
    }
    return {name for name, is_set in set_ones.items() if is_set}


def _prefix(question: Question, keys: tuple[str, ...]) -> tuple[Any, ...]:
    """What the filters fix of an order."""
    if keys == _PUSH_TYPE.columns and question.push_type is not None:
        return (question.push_type,)
    if keys == _STATUS.columns:
        outcome = _outcome(question)
        return question.status or (() if outcome is None else (outcome,))
    return ()


def _outcome(question: Question) -> int | None:
    if question.outcome == EXPIRED:
        return Outcome.WAITING.value
    found = Outcome.by_word().get(question.outcome)
    return None if found is None else found.value


def _values(question: Question) -> dict[str, Any]:
    """Of the parameters of _FITS."""
    first = message_ids.first_id(question.now - WINDOW)
    if question.start:
        first = max(first, message_ids.first_id(question.start))
    modes = [mode.value for mode in Mode if mode in LISTED_MODES or (question.is_search and mode is Mode.MULTIPLE)]
    if question.mode is not None:
        modes = [mode for mode in modes if mode == question.mode]
    expires = {EXPIRED: True, Outcome.WAITING.word: False}
    _, channel, code = question.status or (None, None, None)
    pair = message_ids.pair_id(
        key=bytes(question.app.id_key), target_id=question.target_id, customer_message_id=question.customer_message_id
    )
    return {
        "first": first,
        "end": message_ids.first_id(question.end) if question.end else UUID(int=2**128 - 1),
        "modes": modes,
        "push_type": question.push_type,
        "outcome": _outcome(question),
        "expired": expires.get(question.outcome),
        "now": question.now,
        "revoked": question.outcome == TAKEN_BACK,
        "channel": channel,
        "code": code,
        "target_id": question.target_id or None,
        "customer_message_id": question.customer_message_id or None,
        "pair": message_ids.pair_hash(pair),
    }
