"""The log of the benchmarks: what makes it like a real one. No database."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pushlog.ingest.rows import MESSAGE, RECEIPT
from tests.benchmarks.arrival import HEAVY_TARGET, MULTIPLE_CUSTOMER_ID, SHARED_CUSTOMER_ID, Arrivals, Batch

UNTIL = datetime(2026, 3, 31, 9, 30, tzinfo=UTC)
COUNT = 20_000


@pytest.fixture(scope="module")
def batches() -> list[Batch]:
    arrivals = Arrivals(COUNT, 1, UNTIL)
    return [batch for hours in arrivals.days() for batch in arrivals.batches(hours)]


@pytest.fixture(scope="module")
def rows(batches: list[Batch]) -> list[dict[str, Any]]:
    return [{**message, "app": batch.app} for batch in batches for message in batch.messages]


@pytest.mark.parametrize("count", [0, 1, 99, 1_234, COUNT])
def test_any_number_is_drawn_exactly(count: int) -> None:
    arrivals = Arrivals(count, 1, UNTIL)

    assert sum(len(batch.messages) for hours in arrivals.days() for batch in arrivals.batches(hours)) == count


def test_days_are_the_same_in_whatever_order_they_are_drawn(batches: list[Batch]) -> None:
    arrivals = Arrivals(COUNT, 1, UNTIL)

    assert [batch for hours in reversed(arrivals.days()) for batch in arrivals.batches(hours)][-1] in batches


def test_messages_arrive_in_the_order_of_time_and_within_the_window(batches: list[Batch]) -> None:
    ends = [batch.until for batch in batches]
    times = {slug: [] for slug in ("shop", "bank", "news", "games", "lab")}  # type: dict[str, list[str]]
    for batch in batches:
        times[batch.app] += [message["created_at"] for message in batch.messages]

    assert ends == sorted(ends)
    for one in times.values():
        moments = [datetime.fromisoformat(moment) for moment in one]
        assert moments == sorted(moments)
        assert UNTIL - timedelta(days=30) <= moments[0]
        assert moments[-1] <= UNTIL


def test_all_rows_are_valid(batches: list[Batch]) -> None:
    for batch in batches:
        for message in batch.messages:
            MESSAGE.validate_python(message)
        for _, _, receipt in batch.receipts:
            RECEIPT.validate_python(receipt | {"message_id": "0190163d-8694-739b-aea5-966c26f8ad90"})
        for receipt in batch.early:
            RECEIPT.validate_python(receipt)


def test_the_log_is_skewed(rows: list[dict[str, Any]], batches: list[Batch]) -> None:
    apps = Counter(row["app"] for row in rows)
    modes = Counter((row["app"], row["mode"]) for row in rows)

    assert apps["shop"] == COUNT * 4 // 5
    assert not modes["news", "simple"]
    assert {mode for _, mode in modes} == {"simple", "template", "multiple", "broadcast"}
    assert sum(row["target_id"] == HEAVY_TARGET for row in rows) == COUNT // 16
    assert sum(row["customer_message_id"] == SHARED_CUSTOMER_ID for row in rows) == COUNT // 16
    assert {row["mode"] for row in rows if row["customer_message_id"] == MULTIPLE_CUSTOMER_ID} == {"multiple"}
    assert any(batch.early for batch in batches)


def test_the_look_of_a_target_id_tells_its_push_type(rows: list[dict[str, Any]]) -> None:
    tokens = [row for row in rows if row["target_id"] != "all-devices"]

    assert {row["push_type"] for row in tokens if row["target_id"].startswith("u-")} == {"user"}
    assert {row["push_type"] for row in tokens if row["target_id"].isupper()} == {"ios"}


def test_the_busy_target_is_quiet_now(rows: list[dict[str, Any]]) -> None:
    newest = max(row["created_at"] for row in rows if row["target_id"] == HEAVY_TARGET)

    assert datetime.fromisoformat(newest) < UNTIL - timedelta(days=14)
