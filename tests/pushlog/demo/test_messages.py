"""The made-up log: the same each time, and skewed as the design says. Most of it needs no database."""

import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from pushlog import demo, statuses
from pushlog.demo import messages
from pushlog.ingest.rows import MESSAGE, RECEIPT
from pushlog.models import App, Message, StatusChange

UNTIL = datetime(2026, 3, 31, 9, 30, tzinfo=UTC)
COUNT = 20_000


@pytest.fixture(scope="module")
def batches() -> list[demo.Batch]:
    """The default demo."""
    return list(demo.batches(count=COUNT, seed=1, until=UNTIL))


@pytest.fixture(scope="module")
def rows(batches: list[demo.Batch]) -> list[dict[str, Any]]:
    """Its messages, of both apps, with the app in them."""
    return [{**message, "app": batch.app} for batch in batches for message in batch.messages]


def created(row: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(row["created_at"])


def final_statuses(batches: list[demo.Batch]) -> Iterator[tuple[dict[str, Any], tuple[str, int] | None]]:
    """Every message with the channel and code of its latest receipt by time, None without any."""
    for batch in batches:
        latest: dict[int, dict[str, Any]] = {}
        for place, receipt in batch.receipts:
            if "code" in receipt and (place not in latest or receipt["at"] > latest[place]["at"]):
                latest[place] = receipt
        for place, message in enumerate(batch.messages):
            last = latest.get(place)
            yield message, (last["channel"], last["code"]) if last else None


def test_batches_are_the_same_every_time(batches: list[demo.Batch]) -> None:
    assert list(demo.batches(count=COUNT, seed=1, until=UNTIL)) == batches
    assert list(demo.batches(count=COUNT, seed=2, until=UNTIL)) != batches


@pytest.mark.parametrize("count", [1, 2, 10, 99, 1_234])
def test_batches_of_any_count(count: int) -> None:
    drawn = list(demo.batches(count=count, seed=1, until=UNTIL))

    assert sum(len(batch.messages) for batch in drawn) == count


def test_batches_are_valid_and_in_time(batches: list[demo.Batch]) -> None:
    for batch in batches:
        assert len(batch.messages) <= 5_000
        assert [*map(created, batch.messages)] == sorted(map(created, batch.messages))
        for message in batch.messages:
            assert UNTIL - timedelta(days=30) < MESSAGE.validate_python(message).created_at < UNTIL
        for place, receipt in batch.receipts:
            row = RECEIPT.validate_python(receipt | {"message_id": "0" * 32})
            assert created(batch.messages[place]) < row.at <= UNTIL


def test_batches_hold_no_message_twice(rows: list[dict[str, Any]]) -> None:
    parts = ("app", "target_id", "customer_message_id", "created_at")

    assert len({tuple(row[part] for part in parts) for row in rows}) == COUNT


def test_batches_skew(batches: list[demo.Batch], rows: list[dict[str, Any]]) -> None:
    found = Counter(status for _, status in final_statuses(batches))
    once = [status for status, number in found.items() if number == 1]

    assert Counter(row["app"] for row in rows) == {"shop": 16_000, "bank": 4_000}
    assert found["own", 2] / COUNT == pytest.approx(0.97, abs=0.005)
    assert {found[status] for status in demo.TEN_TIMES} == {10}
    assert len(once) > 100
    assert found[demo.UNKNOWN] == 1
    assert not statuses.look_up(statuses.Channel.by_word()[demo.UNKNOWN[0]], demo.UNKNOWN[1]).known
    assert Counter(row["target_id"] for row in rows).most_common(1) == [(demo.HEAVY_TARGET, 1_000)]
    assert Counter(row["customer_message_id"] for row in rows).most_common(1) == [(demo.SHARED_CUSTOMER_ID, 1_000)]


def test_batches_skew_is_capped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(messages, "HEAVY", 70)
    targets = Counter[str]()

    for batch in demo.batches(count=COUNT, seed=1, until=UNTIL):
        targets.update(message["target_id"] for message in batch.messages)

    assert targets[demo.HEAVY_TARGET] == 70


def test_batches_have_every_status_of_the_catalogue(batches: list[demo.Batch]) -> None:
    found = {status for _, status in final_statuses(batches)}
    missing = {
        (group.word, status.code)
        for group in statuses.catalogue()
        for status in group.statuses
        if (group.word.replace("common", "own"), status.code) not in found
    }

    # Reserved: no receipt yet, which is a message without any, and revoked.
    assert missing == {("common", statuses.NO_RECEIPT), ("common", statuses.REVOKED)}
    assert None in found


def test_batches_waiting_and_expired(batches: list[demo.Batch]) -> None:
    waiting = [message for message, status in final_statuses(batches) if status in (("own", 0), ("own", 1))]
    ends = [created(row) + timedelta(seconds=row["expires_in"]) for row in waiting if "expires_in" in row]

    assert sum(end > UNTIL for end in ends) >= 3
    assert sum(end < UNTIL for end in ends) >= 20
    assert len(ends) < len(waiting)


def test_batches_modes(batches: list[demo.Batch]) -> None:
    shop = [message["mode"] for batch in batches if batch.app == "shop" for message in batch.messages]
    runs = [len(run) for run in re.findall("m+", "".join(mode[0] for mode in shop))]

    assert set(shop) == {"simple", "template", "multiple", "broadcast"}
    assert 1 <= shop.count("broadcast") <= 50
    assert max(runs) >= 50
    assert shop[-1] in ("simple", "template")


def test_batches_ties_and_newest(rows: list[dict[str, Any]]) -> None:
    together = Counter((row["app"], row["created_at"]) for row in rows)
    newest = [row for row in rows if created(row) > UNTIL - timedelta(minutes=5)]

    assert together.most_common(1)[0][1] >= 24
    assert {row["app"] for row in newest} == {"shop", "bank"}
    assert len(newest) >= 20


def test_batches_follow_the_day(rows: list[dict[str, Any]]) -> None:
    for app, zone in ("shop", "Asia/Shanghai"), ("bank", "Europe/Berlin"):
        hours = Counter(created(row).astimezone(ZoneInfo(zone)).hour for row in rows if row["app"] == app)

        assert min(hours[hour] for hour in range(18, 21)) > 3 * max(hours[hour] for hour in range(1, 5))


def test_batches_texts_and_targets(rows: list[dict[str, Any]]) -> None:
    titles = " ".join({row["title"] for row in rows})
    targets = {row["target_id"] for row in rows}

    for script in ("[一-鿿]", "[؀-ۿ]", "[ऀ-ॿ]", "[😀-🙏🌀-🗿🚀-🛿]", "[<&]"):
        assert re.search(script, titles), script
    assert {20, 30, 32, 40, 50, 500} <= {len(row["title"]) for row in rows}
    assert "" in {row["title"] for row in rows}
    assert max(len(row["content"]) for row in rows) > 4_000
    assert any(row["extras"] for row in rows)
    for form in (r"[0-9a-f]{64}", r"\+86100\d{8}", r"[a-z]+\.\d+@example\.com", r"member-\d{9}"):
        assert any(re.fullmatch(form, target) for target in targets), form
    assert not any("%s" in row["content"] for row in rows)


def test_batches_receipts(batches: list[demo.Batch]) -> None:
    courses, late, revoked = Counter[tuple[int, ...]](), 0, 0
    for batch in batches:
        of_message: dict[int, list[dict[str, Any]]] = {}
        for place, receipt in batch.receipts:
            of_message.setdefault(place, []).append(receipt)
        for receipts in of_message.values():
            revoked += any(receipt.get("revoked", False) for receipt in receipts)
            told = [receipt for receipt in receipts if "code" in receipt]
            courses[tuple(receipt["code"] for receipt in told)] += 1
            late += [receipt["at"] for receipt in told] != sorted(receipt["at"] for receipt in told)

    assert revoked == COUNT // 500
    assert late > 100
    assert min(courses[course] for course in ((0, 2), (2, 3), (-1, 2), (2, 0))) >= 10


@pytest.mark.django_db
def test_load_stores_the_batches_once() -> None:
    until = datetime.now(UTC).replace(second=0, microsecond=0)
    steps: list[int] = []

    assert demo.load(count=2_000, seed=3, until=until, progress=steps.append) == 2_000
    history = StatusChange.objects.count()
    assert demo.load(count=2_000, seed=3, until=until) == 0

    assert steps == [1_600, 400]
    assert Message.objects.count() == 2_000
    assert StatusChange.objects.count() == history > 2_000
    assert Message.objects.filter(revoked_at__isnull=False).count() == 4
    drawn = list(demo.batches(count=2_000, seed=3, until=until))
    expected = Counter(status for _, status in final_statuses(drawn))
    stored = Counter((statuses.Channel(one.channel).word, one.code) for one in Message.objects.all())
    assert {pair: n for pair, n in stored.items() if pair[1] != statuses.NO_RECEIPT} == {
        pair: n for pair, n in expected.items() if pair
    }


@pytest.mark.django_db
def test_ensure_demo_apps_keeps_what_is_there() -> None:
    made = demo.ensure_demo_apps()
    made["shop"].name = "Corner shop"
    made["shop"].save(update_fields=["name"])

    again = demo.ensure_demo_apps()

    assert App.objects.count() == 2
    assert again["shop"].name == "Corner shop"
    assert (again["shop"].pk, again["shop"].time_zone) == (made["shop"].pk, "Asia/Shanghai")
    assert (again["bank"].environment, again["bank"].time_zone) == ("production", "Europe/Berlin")
