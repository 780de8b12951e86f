"""Local times as people type them."""

from bisect import bisect_left
from datetime import UTC, datetime, timedelta

from django.utils import timezone


def in_current_zone(local: datetime, *, fold: int = 0) -> datetime:
    """The moment (UTC) of a naive local time. Raises OverflowError outside the years 1 to 9999.

    Of an hour that the clocks repeat, `fold` 0 takes the first and 1 the second. A time that the clocks skip is the
    moment of the change.
    """
    first, second = (_to_utc(local, fold=one) for one in (0, 1))
    if first <= second:
        return (first, second)[fold]
    # A skipped time: zoneinfo gives fold 0 the offset before the change and fold 1 the one after it.
    start = second.replace(microsecond=0)
    new_offset = timezone.localtime(first).utcoffset()
    seconds = bisect_left(
        range(int((first - start).total_seconds())),
        True,
        key=lambda ahead: timezone.localtime(start + timedelta(seconds=ahead)).utcoffset() == new_offset,
    )
    return start + timedelta(seconds=seconds)


def _to_utc(local: datetime, *, fold: int) -> datetime:
    offset = local.replace(tzinfo=timezone.get_current_timezone(), fold=fold).utcoffset()
    return (local - (offset or timedelta())).replace(tzinfo=UTC)
