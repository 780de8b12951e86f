"""What became of the messages to one target, in a few lines."""

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple
from urllib.parse import urlencode

from django.utils import timezone

from pushlog import message_ids, message_pages
from pushlog.models import App
from pushlog.statuses import Outcome, look_up

# The newest ones. A device that is tested gets thousands.
COUNTED = 1000
DAYS = 30
_REASONS = 2


class _Row(NamedTuple):
    created_at: datetime
    outcome: int
    channel: int
    code: int
    modified_at: datetime


@dataclass(frozen=True, slots=True)
class Day:
    """`query` narrows the list to it."""

    day: date
    total: int
    received: int
    failed: int

    @property
    def kind(self) -> str:
        if not self.total:
            return "nothing"
        if self.received and self.failed:
            return "mixed"
        return "received" if self.received else "failed" if self.failed else "other"

    @property
    def others(self) -> int:
        return self.total - self.received - self.failed

    @property
    def query(self) -> str:
        bounds = {"created_from": self.day, "created_to": self.day + timedelta(days=1)}
        return urlencode({name: f"{one:%Y-%m-%d}T00:00" for name, one in bounds.items()})


@dataclass(frozen=True, slots=True)
class Streak:
    """The newest failures, with no message received since `since`."""

    count: int
    since: datetime
    reasons: list[str]


@dataclass(frozen=True, slots=True)
class Summary:
    total: int
    is_cut: bool
    received: int
    failed: int
    last_received: datetime | None
    days: list[Day]
    streak: Streak | None


def summary_of(app: App, target_id: str, *, now: datetime) -> Summary:
    """Of the last 30 days. Days are of the current zone. One query."""
    columns = ("id", "outcome", "channel", "code", "modified_at")
    found = message_pages.newest(message_pages.Question(app, now, target_id=target_id), columns, size=COUNTED + 1)
    rows = [_Row(message_ids.created_at(pk), *others) for pk, *others in found]
    is_cut, rows = len(rows) > COUNTED, rows[:COUNTED]
    received = [row for row in rows if row.outcome == Outcome.RECEIVED]
    return Summary(
        total=len(rows),
        is_cut=is_cut,
        received=len(received),
        failed=sum(row.outcome == Outcome.FAILED for row in rows),
        last_received=max((row.modified_at for row in received), default=None),
        days=_days(rows, now),
        streak=_streak(rows),
    )


def _days(rows: list[_Row], now: datetime) -> list[Day]:
    """From the oldest to today, those without a message too."""
    counts = Counter((timezone.localdate(row.created_at), row.outcome) for row in rows)
    totals = Counter(timezone.localdate(row.created_at) for row in rows)
    today = timezone.localdate(now)
    return [
        Day(day, totals[day], counts[day, Outcome.RECEIVED.value], counts[day, Outcome.FAILED.value])
        for day in (today - timedelta(days=ago) for ago in reversed(range(DAYS)))
    ]


def _streak(rows: list[_Row]) -> Streak | None:
    failures = []
    for row in rows:
        if row.outcome == Outcome.RECEIVED:
            break
        if row.outcome == Outcome.FAILED:
            failures.append(row)
    if len(failures) < 2:
        return None
    reasons = list(dict.fromkeys(look_up(row.channel, row.code).short for row in failures))
    return Streak(len(failures), failures[-1].created_at, reasons[:_REASONS])
