"""What happened to a message, newest first."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from pushlog.models import StatusChange
from pushlog.statuses import Status


@dataclass(slots=True)
class Entry:
    """A status, or several equal ones in a row. `after` is the time since what was there before."""

    status: Status
    code: int
    detail: str
    first_at: datetime
    at: datetime
    after: timedelta
    count: int = 1

    @property
    def every(self) -> timedelta:
        return (self.at - self.first_at) / (self.count - 1)


def timeline(created_at: datetime, changes: Iterable[StatusChange], *, shows_detail: bool) -> list[Entry]:
    """Of changes from the oldest to the newest. Equal ones are folded as far as the person can tell them apart."""
    entries: list[Entry] = []
    before = created_at
    for change in changes:
        detail = change.detail if shows_detail else ""
        last = entries[-1] if entries else None
        if last and (last.status, last.detail) == (change.status, detail):
            last.count, last.at = last.count + 1, change.at
        else:
            entries.append(Entry(change.status, change.code, detail, change.at, change.at, change.at - before))
        before = change.at
    return entries[::-1]
