import random
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any
from uuid import UUID

import pytest
from django.db import connection, transaction
from django.db.models import Sum

from pushlog import counts, ingest, message_ids
from pushlog.models import App, CountDelta, HourlyCount, Message, MessageCount
from pushlog.models.counts import first_hour
from tests import factories
from tests.pushlog.counting import difference
from tests.pushlog.threads import run_together

HOUR = timedelta(hours=1)


def total(app: App) -> int:
    return int(MessageCount.objects.in_window(app).aggregate(n=Sum("messages"))["n"] or 0)


@pytest.mark.parametrize(
    ("now", "first"),
    [
        (datetime(2026, 11, 22, 9, 30, tzinfo=UTC), datetime(2026, 10, 23, 10, tzinfo=UTC)),
        (datetime(2026, 11, 22, 9, 0, tzinfo=UTC), datetime(2026, 10, 23, 9, tzinfo=UTC)),
        (datetime(2026, 11, 22, 23, 59, 59, 999999, tzinfo=UTC), datetime(2026, 10, 24, tzinfo=UTC)),
    ],
)
def test_counts_begin_with_the_first_whole_hour_of_the_window(now: datetime, first: datetime) -> None:
    assert first_hour(now) == first


def test_message_is_counted_once_and_moves_with_its_status(app: App) -> None:
    row = factories.message_row(push_type="ios", mode="template", channel="apns")
    factories.create_messages(app, [row])
    [identifier] = factories.create_messages(app, [row])
    message = Message.objects.get(pk=identifier)

    factories.send_receipt(message, channel="apns", code=2)
    factories.send_receipt(message, channel="apns", code=2)
    late = message.created_at + timedelta(milliseconds=1)
    factories.send_receipt(message, channel="own", code=0, at=late.isoformat())

    [count] = MessageCount.objects.in_window(app).order_by("hour")
    assert (count.hour, count.push_type, count.mode, count.channel, count.code, count.messages) == (
        message.created_at.replace(minute=0, second=0, microsecond=0),
        *(3, 2, 2, 2, 1),
    )
    assert str(count).startswith("1 of app ")


def test_other_apps_and_hours_before_the_window_are_not_counted(app: App) -> None:
    now = datetime.now(UTC)
    factories.create_message(factories.create_app())
    old = factories.message_row(created_at=first_hour(now) - timedelta(milliseconds=1))
    factories.create_messages(app, [old], now=now - HOUR)
    assert total(app) == 0

    factories.create_messages(app, [factories.message_row(created_at=first_hour(now))])
    assert MessageCount.objects.in_window(app, now=now).aggregate(n=Sum("messages"))["n"] == 1


def test_counts_go_back_with_the_transaction(app: App) -> None:
    with transaction.atomic():
        factories.create_message(app)
        transaction.set_rollback(True)

    assert not CountDelta.objects.exists()


def test_compacting_in_a_transaction_is_refused(db: None) -> None:
    with pytest.raises(RuntimeError):
        counts.compact()


def test_migration_counts_what_is_in_the_log_already(app: App) -> None:
    message = factories.create_message(app)
    factories.create_message(app, mode="broadcast", created_at=datetime.now(UTC) - timedelta(days=29))
    factories.send_receipt(message)
    CountDelta.objects.all().delete()
    assert difference()

    with connection.cursor() as cursor:
        cursor.execute(import_module("pushlog.migrations.0002_counts").COUNT)

    assert difference() == []


@pytest.mark.django_db(transaction=True)
def test_compacting_keeps_the_sums_and_leaves_one_row_for_each() -> None:
    app = factories.create_app()
    for _ in range(3):
        factories.create_message(app)
        message = factories.create_message(app)
        factories.send_receipt(message)
    before = list(MessageCount.objects.in_window(app).order_by("pk").values())

    assert counts.compact() == CountDelta.objects.count() + 12
    assert counts.compact() == 0

    assert list(MessageCount.objects.in_window(app).order_by("pk").values()) == before
    assert HourlyCount.objects.count() == len(before)
    assert difference() == []


@pytest.mark.django_db(transaction=True)
def test_expired_and_empty_counts_are_removed_and_no_others() -> None:
    app = factories.create_app()
    message = factories.create_message(app)
    counts.compact()
    factories.send_receipt(message)
    counts.compact()
    hour = message.created_at.replace(minute=0, second=0, microsecond=0)

    assert counts.expire(hour) == 1
    assert difference() == []
    assert counts.expire(hour + HOUR) == 1
    assert not HourlyCount.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_compacting_waits_for_no_writer_and_no_writer_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    app = factories.create_app()
    factories.create_message(app)
    # Each inside the other's transaction: if one waited for the other, it would be for ever.
    with transaction.atomic():
        factories.create_message(app)
        run_together(lambda: counts.compact())
    assert CountDelta.objects.count() == 1

    with transaction.atomic():
        counts._compact_some()
        run_together(lambda: factories.create_message(app), lambda: counts.compact())
    assert CountDelta.objects.count() == 1
    assert difference() == []


class Mix:
    """Random writes to one app, in which everything occurs: repeats, late receipts, early ones, corrections."""

    def __init__(self, app: App, seed: object) -> None:
        self.app, self.rng, self.sent = app, random.Random(str(seed)), list[tuple[dict[str, Any], UUID]]()
        self.waiting = list[dict[str, Any]]()

    def step(self) -> None:
        self.rng.choice([self.messages, self.messages, self.receipts, self.receipts, self.early, self.come])()

    def row(self) -> dict[str, Any]:
        pick = self.rng.choice
        age = timedelta(seconds=self.rng.choice([1, 3000, 86_400 * 15, 86_400 * 30 - 4000]) + self.rng.random() * 300)
        return factories.message_row(
            created_at=datetime.now(UTC) - age,
            push_type=pick(["user", "ios"]),
            mode=pick(["simple", "multiple", "broadcast"]),
            channel=pick(["own", "apns"]),
        )

    def store(self, rows: list[dict[str, Any]]) -> None:
        ids = factories.create_messages(self.app, rows)
        self.sent += zip(rows, ids, strict=True)

    def messages(self) -> None:
        repeated = [row for row, _ in self.rng.sample(self.sent, min(3, len(self.sent)))]
        self.store([self.row() for _ in range(self.rng.randrange(1, 8))] + repeated)

    def receipts(self) -> None:
        some = self.rng.choices(self.sent, k=self.rng.randrange(1, 20)) if self.sent else []
        self.report([({"message_id": str(identifier)}, row) for row, identifier in some])

    def early(self) -> None:
        row = self.row()
        self.waiting.append(row)
        self.report([(self.names(row), row)] * 2)

    def come(self) -> None:
        rows, self.waiting = self.waiting, []
        self.store(rows)

    def report(self, targets: list[tuple[dict[str, str], dict[str, Any]]]) -> None:
        rows = []
        for names, row in targets:
            at = datetime.fromisoformat(row["created_at"]) + timedelta(seconds=self.rng.randrange(0, 600))
            receipt = {"channel": self.rng.choice(["own", "apns"]), "code": self.rng.choice([0, 2, 3, 77])}
            if self.rng.random() < 0.1:
                receipt = {"revoked": True}
            rows.append(names | receipt | {"at": at.isoformat()})
        assert not ingest.write_receipts(app=self.app, rows=rows).rejected

    def names(self, row: dict[str, Any]) -> dict[str, str]:
        if self.rng.random() < 0.5:
            return {name: row[name] for name in ("target_id", "customer_message_id")}
        identifier = message_ids.message_id(
            key=bytes(self.app.id_key),
            created_ms=message_ids.milliseconds(datetime.fromisoformat(row["created_at"])),
            target_id=row["target_id"],
            customer_message_id=row["customer_message_id"],
        )
        return {"message_id": str(identifier)}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("seed", range(3))
def test_counts_equal_the_messages_after_every_write(seed: int) -> None:
    mix = Mix(factories.create_app(), seed)
    for number in range(40):
        mix.step()
        if number % 7 == 0:
            counts.compact()
        if number % 11 == 0:
            counts.expire(first_hour(datetime.now(UTC)))
        assert difference() == []


@pytest.mark.django_db(transaction=True)
def test_counts_equal_the_messages_at_any_moment_while_many_write() -> None:
    app = factories.create_app()
    done = threading.Barrier(3 + 1)
    writing = threading.Event()
    seen = list[object]()

    def writer(number: int) -> Callable[[], None]:
        def write() -> None:
            mix = Mix(app, f"writer {number}")
            for _ in range(25):
                mix.step()
            done.wait(300)

        return write

    def looped(work: Callable[[], object]) -> Callable[[], None]:
        def loop() -> None:
            while not writing.is_set():
                seen.append(work())

        return loop

    def last() -> None:
        try:
            done.wait(300)
        finally:  # or the others go on when a writer has failed
            writing.set()

    run_together(*(writer(number) for number in range(3)), last, looped(difference), looped(counts.compact))

    assert [found for found in seen if isinstance(found, list) and found] == []
    assert sum(isinstance(found, list) for found in seen) > 3
    assert sum(found for found in seen if isinstance(found, int)) > 0
    assert difference() == []
