"""The log's clock is the database's: no machine's own time decides what is stored, dropped, rejected or shown."""

import time
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from django.db import connection

MAX_SKEW = timedelta(seconds=60)
_FRESH = 10.0  # seconds
_JUMP = 1.0  # seconds


class ClockOff(Exception):
    pass


class _Sample(NamedTuple):
    ticks: float  # of the monotonic clock
    own: datetime  # this machine's
    moment: datetime  # the database's


# Threads may replace it at any time; each reads it once.
_sample: _Sample | None = None


def now() -> datetime:
    """UTC. A query at most every ten seconds. Raises DatabaseError if one is due and fails."""
    sample = _sample
    if sample is None or not _is_fresh(sample):
        sample = _take()
    return sample.moment + timedelta(seconds=time.monotonic() - sample.ticks)


def checked_now() -> datetime:
    """For whatever writes or deletes. Raises ClockOff, too."""
    found = now()
    if describe_skew(found):
        # The database's clock may have been set since the last sample.
        _take()
        found = now()
        if why := describe_skew(found):
            raise ClockOff(f"{why[0].upper()}{why[1:]}. Set it, then try again.")
    return found


def describe_skew(moment: datetime) -> str:
    """How this machine's clock differs from `moment`, the database's; empty within MAX_SKEW."""
    ahead = datetime.now(UTC) - moment
    if abs(ahead) <= MAX_SKEW:
        return ""
    amount = timedelta(seconds=round(abs(ahead).total_seconds()))
    way = "ahead of" if ahead > MAX_SKEW else "behind"
    return f"the clock of this machine is {way} the database's by {amount}"


def _is_fresh(sample: _Sample) -> bool:
    passed = time.monotonic() - sample.ticks
    # The monotonic clock stands still while a machine is suspended; its own clock tells that.
    jumped = abs((datetime.now(UTC) - sample.own).total_seconds() - passed) > _JUMP
    return passed <= _FRESH and not jumped


def _take() -> _Sample:
    global _sample
    with connection.cursor() as cursor:
        sent = time.monotonic()
        cursor.execute("SELECT clock_timestamp()")
        moment = cursor.fetchone()[0].astimezone(UTC)
    _sample = _Sample((sent + time.monotonic()) / 2, datetime.now(UTC), moment)
    return _sample
