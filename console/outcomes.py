"""What became of a task's messages, counted."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Q

from pushlog.models.message import MessageQuerySet
from pushlog.statuses import Outcome

# A campaign may have millions, and a page has no time to count them all.
COUNTED = 100_000

# From the best to the worst.
_ORDER = ("received", "accepted", "waiting", "expired", "failed", "unknown")


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Word, label and number of every outcome, and the sum; `is_cut` if only the newest messages were counted."""

    numbers: list[tuple[str, str, int]]
    total: int
    is_cut: bool


def count_outcomes(messages: MessageQuerySet, *, now: datetime) -> Outcomes:
    """Counts the newest 100,000 of a task's messages; `now` (aware) tells who of those that wait has expired.

    One query, which the index of the task's messages answers by itself: it has their outcomes and expiry times.
    """
    past = Q(outcome=Outcome.WAITING, expires_at__lte=now)
    counts: dict[str, Any] = {
        one.name.lower(): Count("pk", filter=Q(outcome=one) & ~past if one is Outcome.WAITING else Q(outcome=one))
        for one in Outcome
    }
    found = messages.order_by("-pk")[:COUNTED].aggregate(**counts, expired=Count("pk", filter=past))
    total = sum(found.values())
    return Outcomes([(word, word.capitalize(), found[word]) for word in _ORDER], total, total == COUNTED)
