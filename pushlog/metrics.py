"""Numbers for Prometheus."""

from bisect import bisect_left
from collections.abc import Sequence
from datetime import datetime

from prometheus_client import Counter, Histogram

from pushlog import message_ids

ROWS = Counter("pushlog_rows", "Rows that came in, by what became of them.", ["kind", "result"])
LAG = Histogram(
    "pushlog_arrival_lag_seconds",
    "Time between the creation of a message and its arrival here.",
    buckets=(0.1, 0.5, 1, 2, 5, 10, 30, 60, 300, 900, 3600, 6 * 3600, 24 * 3600, 7 * 24 * 3600),
)


def count(kind: str, **results: int) -> None:
    for result, rows in results.items():
        ROWS.labels(kind, result).inc(rows)


def observe_lag(created: Sequence[int], now: datetime) -> None:
    """`created` is ascending, in milliseconds since 1970; `now` is aware."""
    if not created:
        return
    arrived = message_ids.milliseconds(now)
    # `observe` costs a tenth of storing the row.
    above = len(created)
    for bound, bucket in zip(LAG._upper_bounds, LAG._buckets, strict=True):
        place = bisect_left(created, arrived - bound * 1000)
        if place < above:
            bucket.inc(above - place)
        above = place
    LAG._sum.inc((arrived * len(created) - sum(created)) / 1000)
