import random
from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client import CollectorRegistry, Histogram

from pushlog import ingest, message_ids, metrics
from tests import factories


def samples(histogram: Histogram) -> list[tuple[str, float]]:
    [family] = histogram.collect()
    return [
        (f"{one.name}{one.labels}", round(one.value, 3)) for one in family.samples if not one.name.endswith("_created")
    ]


def histogram() -> Histogram:
    return Histogram("lag", "", buckets=metrics.LAG._upper_bounds, registry=CollectorRegistry())


def test_lag_of_a_batch_is_what_observing_each_would_give(monkeypatch: pytest.MonkeyPatch) -> None:
    rng, now = random.Random(1), datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
    at_bounds = [1000 * bound for bound in (0.1, 0.5, 1, 60, 3600)]
    lags = [*at_bounds, -500, 0, *(rng.random() * 10 ** rng.randrange(1, 10) // 1 for _ in range(500))]
    created = sorted(message_ids.milliseconds(now - timedelta(milliseconds=int(lag))) for lag in lags)
    expected, batch = histogram(), histogram()
    monkeypatch.setattr(metrics, "LAG", batch)

    metrics.observe_lag(created, now)
    metrics.observe_lag([], now)
    for lag in lags:
        expected.observe(int(lag) / 1000)

    assert samples(batch) == samples(expected)


@pytest.mark.django_db
@pytest.mark.parametrize("known", [False, True])
def test_lag_of_messages_that_came_in_no_order(monkeypatch: pytest.MonkeyPatch, known: bool) -> None:
    app, now = factories.create_app(), datetime.now(UTC).replace(microsecond=0)
    lags = [3000, 2, 400_000, 0, 70]
    rows = [factories.message_row(created_at=now - timedelta(seconds=lag)) for lag in lags]
    if known:
        factories.create_messages(app, rows[-1:])
        lags.pop()
    expected, batch = histogram(), histogram()
    monkeypatch.setattr(metrics, "LAG", batch)

    ingest.write_messages(app=app, rows=rows, now=now)
    for lag in lags:
        expected.observe(lag)

    assert samples(batch) == samples(expected)
