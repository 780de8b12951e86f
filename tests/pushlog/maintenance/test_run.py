import threading
import time
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any
from unittest import mock

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from pytest_django.fixtures import Settings

from pushlog import counts, ingest
from pushlog.maintenance import health, run
from pushlog.models import WINDOW, EarlyReceipt, HourlyCount, MaintenanceRun, Message, StatusChange
from pushlog.postgres import partitions
from pushlog.postgres.statements import generic_plans_cached
from tests import factories
from tests.pushlog import expired_days
from tests.pushlog.counting import difference
from tests.pushlog.threads import run_together

pytestmark = pytest.mark.django_db(transaction=True)
DAY = timedelta(days=1)


def maintained(**options: Any) -> dict[str, Any]:
    result = run.maintain(**options)
    assert result is not None
    return result


def test_expired_days_are_dropped_and_all_others_stay() -> None:
    app = factories.create_app()
    kept = factories.create_messages(
        app, [factories.message_row(created_at=datetime.now(UTC) - WINDOW + timedelta(minutes=1))]
    )
    due = expired_days.make(app, 40, 32)
    assert len(due) == 4

    result = maintained()

    assert sorted(result["partitions_dropped"]) == sorted(due)
    assert "failed" not in result
    assert expired_days.tables() == expired_days.attached()
    assert not expired_days.tables() & set(due)
    assert list(Message.objects.values_list("pk", flat=True)) == kept
    assert difference() == []
    assert maintained()["partitions_dropped"] == []


def test_partition_whose_last_day_is_in_the_window_stays() -> None:
    edge = (datetime.now(UTC) - WINDOW - partitions.GRACE).replace(hour=0, minute=0, second=0, microsecond=0)
    partitions.ensure((edge - DAY).date(), edge.date())

    maintained(now=edge + WINDOW + partitions.GRACE)

    starts = [one.start for one in partitions.attached("pushlog_message")]
    assert edge.date() in starts
    assert (edge - DAY).date() not in starts


def test_partitions_are_made_seven_days_ahead() -> None:
    later = datetime.now(UTC) + DAY

    made = maintained(now=later)["partitions_made"]

    assert {f"{table}_{later + 7 * DAY:%Y%m%d}" for table in partitions.TABLES} <= {*made} | expired_days.attached()
    assert partitions.missing(later) == []


def test_row_of_a_day_without_partition_makes_it_and_one_out_of_the_window_is_refused() -> None:
    app, now = factories.create_app(), datetime.now(UTC)
    day = now - 20 * DAY
    with connection.cursor() as cursor:
        for table in partitions.TABLES:
            cursor.execute(f"DROP TABLE IF EXISTS {table}_{day:%Y%m%d}")

    rows = [factories.message_row(created_at=moment) for moment in (day, now - 31 * DAY, now + DAY)]
    result = ingest.write_messages(app=app, rows=rows)

    assert result.accepted == 1
    assert [(one.index, one.error) for one in result.rejected] == [
        (1, "created_at: is outside the last 30 days"),
        (2, "created_at: is outside the last 30 days"),
    ]
    assert f"pushlog_message_{day:%Y%m%d}" in expired_days.attached()


def test_dry_run_says_what_is_due_and_changes_nothing() -> None:
    app = factories.create_app()
    due = expired_days.make(app, 35)
    factories.create_message(app)
    runs, before, output = MaintenanceRun.objects.count(), expired_days.tables(), StringIO()

    call_command("maintain", "--dry-run", stdout=output)

    assert f"partitions dropped: 2: {', '.join(due)}" in output.getvalue()
    assert expired_days.tables() == before
    assert MaintenanceRun.objects.count() == runs
    assert Message.objects.exists()
    maintained()


def test_command_records_its_run_and_says_what_it_did() -> None:
    app = factories.create_app()
    expired_days.make(app, 35)
    factories.create_message(app)
    output = StringIO()

    call_command("maintain", stdout=output)

    latest = MaintenanceRun.objects.latest()
    assert latest.succeeded
    assert latest.finished_at
    assert len(latest.result["partitions_dropped"]) == 2
    assert "partitions dropped: 2: " in output.getvalue()
    assert "done" in str(latest)


def test_failed_step_is_recorded_and_keeps_no_other_from_its_work(monkeypatch: pytest.MonkeyPatch) -> None:
    app = factories.create_app()
    due = expired_days.make(app, 35)
    factories.create_message(app)

    def fail() -> int:
        raise DatabaseError("Key (target_id)=(+8610012345678)")

    monkeypatch.setattr(counts, "compact", fail)
    with pytest.raises(CommandError, match=r"counts \(DatabaseError\)"):
        call_command("maintain", stdout=StringIO())

    latest = MaintenanceRun.objects.latest()
    assert not latest.succeeded
    assert latest.result["failed"]["counts"] == "DatabaseError"
    assert "target" not in str(latest.result)
    assert not expired_days.tables() & set(due)


def test_two_at_once_do_the_work_once() -> None:
    app = factories.create_app()
    due = expired_days.make(app, 33, 34)
    factories.create_message(app)
    results = list[Any]()

    run_together(*[lambda: results.append(run.maintain())] * 3)

    dropped = [name for result in results if result for name in result["partitions_dropped"]]
    assert sorted(dropped) == sorted(due)
    assert not MaintenanceRun.objects.filter(succeeded=False).exists()


def test_second_run_does_nothing_while_the_first_is_at_it() -> None:
    output = StringIO()
    with run._alone() as alone:
        assert alone
        run_together(lambda: call_command("maintain", stdout=output))

    assert output.getvalue() == "Another maintenance is running: nothing done.\n"
    assert not MaintenanceRun.objects.exists()


def test_maintaining_in_a_transaction_is_refused() -> None:
    with transaction.atomic(), pytest.raises(RuntimeError):
        run.maintain()


def test_day_that_is_being_read_is_postponed_and_finished_by_a_later_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "_ATTEMPTS", 2)
    monkeypatch.setattr(run, "_LOCK_TIMEOUT", "100ms")
    app = factories.create_app()
    due = expired_days.make(app, 33, 34)
    with transaction.atomic():
        assert Message.objects.filter(target_id="old").count() == 2  # and goes on reading until the end of the block
        run_together(lambda: maintained())
        assert StatusChange.objects.count() == 0
    latest = MaintenanceRun.objects.latest()
    assert set(latest.result["drop_postponed"]) <= set(due)
    assert any(one.pending for one in partitions.attached("pushlog_message"))
    factories.create_message(app)  # others go on writing

    dropped = maintained()["partitions_dropped"]

    assert {*dropped, *latest.result["partitions_dropped"]} == set(due)
    assert expired_days.tables() == expired_days.attached()
    assert difference() == []


def was_good(ago: timedelta, **fields: Any) -> None:
    moment = datetime.now(UTC) - ago
    MaintenanceRun.objects.filter(succeeded=True).delete()
    MaintenanceRun.objects.create(started_at=moment, finished_at=moment, succeeded=True, **fields)


def test_more_days_than_have_passed_are_dropped_by_force_alone() -> None:
    app = factories.create_app()
    due = expired_days.make(app, 32, 33, 34)
    factories.create_message(app)
    was_good(DAY)  # two days may go
    said = StringIO()

    with pytest.raises(CommandError, match=r"dropping partitions \(refused\)"):
        call_command("maintain", stdout=StringIO(), stderr=said)

    assert "maintain --force" in said.getvalue()
    assert set(due) <= expired_days.attached()
    assert MaintenanceRun.objects.latest().result["drop_refused"] == due
    dry = StringIO()
    call_command("maintain", "--dry-run", stdout=dry)
    assert f"drop refused: 6: {', '.join(due)}" in dry.getvalue()
    assert "partitions dropped: 0" in dry.getvalue()

    call_command("maintain", "--force", stdout=StringIO())

    assert not expired_days.attached() & set(due)
    assert MaintenanceRun.objects.latest().succeeded


def test_days_that_have_passed_are_dropped_without_force() -> None:
    app = factories.create_app()
    due = expired_days.make(app, 32, 33, 34)
    factories.create_message(app)
    was_good(2 * DAY + timedelta(minutes=1))

    assert maintained()["partitions_dropped"] == due


def test_first_run_over_an_old_log_needs_force() -> None:
    app = factories.create_app()
    due = expired_days.make(app, 32, 33)
    factories.create_message(app)
    MaintenanceRun.objects.all().delete()

    assert maintained()["drop_refused"] == due
    assert maintained(force=True)["partitions_dropped"] == due


def test_days_that_a_reader_kept_need_no_force() -> None:
    app = factories.create_app()
    due = expired_days.make(app, 32, 33, 34)
    factories.create_message(app)
    was_good(timedelta(hours=1), result={"drop_postponed": due})
    moment = datetime.now(UTC) - 3 * DAY
    MaintenanceRun.objects.create(started_at=moment, finished_at=moment, succeeded=True)

    assert maintained()["partitions_dropped"] == due


@pytest.mark.parametrize("force", [False, True])
def test_newest_messages_stay_however_old_they_are(force: bool) -> None:
    app = factories.create_app()
    *due, history, messages = expired_days.make(app, 32, 33, 40)

    result = maintained(force=force)

    assert result["partitions_dropped"] == due
    assert result["drop_kept"] == [history, messages]
    assert "failed" not in result
    assert Message.objects.count() == 1
    with connection.cursor() as cursor:
        assert health.problems(cursor).upkeep == []
    factories.create_message(app)
    assert maintained()["partitions_dropped"] == [history, messages]


def test_last_good_run_is_remembered_for_longer_than_the_window() -> None:
    was_good(45 * DAY)
    MaintenanceRun.objects.create(started_at=datetime.now(UTC) - 50 * DAY, succeeded=True)

    with mock.patch.object(counts, "compact", side_effect=DatabaseError):
        assert maintained()["failed"] == {"counts": "DatabaseError"}

    ages = [(datetime.now(UTC) - one.started_at).days for one in MaintenanceRun.objects.order_by("started_at")]
    assert ages == [45, 0]


@pytest.mark.parametrize("passed", [7, 6])
def test_partition_of_several_days_counts_as_the_day_on_which_it_expires(settings: Settings, passed: int) -> None:
    settings.PARTITION_DAYS = 7
    app = factories.create_app()
    due = expired_days.make(app, 50, 60)
    factories.create_message(app)
    days = {(one.start, one.end) for one in partitions.expired(datetime.now(UTC))}
    assert sum((end - start).days for start, end in days) == 14
    # The second expires seven days after the first, so that eight days passed.
    was_good(passed * DAY + timedelta(minutes=1))

    result = maintained()

    assert result["partitions_dropped"] == (due if passed == 7 else [])
    if passed == 6:
        maintained(force=True)


def test_table_that_a_person_detached_to_keep_it_is_not_dropped() -> None:
    [history, messages] = expired_days.make(factories.create_app(), 33)
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE pushlog_message DETACH PARTITION {messages}")

    assert maintained()["partitions_dropped"] == [history]

    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {messages}")
        assert cursor.fetchone() == (1,)
        cursor.execute(f"DROP TABLE {messages}")


def test_early_receipts_are_removed_when_no_message_can_claim_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pushlog.ingest.early_receipts._BATCH", 2)
    app, now = factories.create_app(), datetime.now(UTC)
    early = {"target_id": "t", "customer_message_id": "c", "channel": "own", "code": 2}
    for days in (29, 1, 31, 40, 2):
        moment = now - days * DAY
        rows = [early | {"at": (moment).isoformat(), "code": code} for code in (2, 3)]
        assert ingest.write_receipts(app=app, rows=rows, now=moment).early == 2

    result = maintained()

    assert (result["early_receipts_removed"], result["early_receipts_applied"]) == (4, 0)
    assert sorted({(now - at).days for at in EarlyReceipt.objects.values_list("at", flat=True)}) == [1, 2, 29]


def test_early_receipt_whose_message_is_there_is_applied(monkeypatch: pytest.MonkeyPatch) -> None:
    app = factories.create_app()
    rows = [factories.message_row() for _ in range(2)]
    at = datetime.now(UTC).isoformat()
    names = [{name: row[name] for name in ("target_id", "customer_message_id")} for row in rows]
    ingest.write_receipts(app=app, rows=[name | {"channel": "own", "code": 2, "at": at} for name in names])
    # As if the writer were killed between its two transactions.
    monkeypatch.setattr("pushlog.ingest.early_receipts.apply", lambda **_: 0)
    factories.create_messages(app, rows)
    monkeypatch.undo()
    assert EarlyReceipt.objects.count() == 2

    assert maintained()["early_receipts_applied"] == 2

    assert set(Message.objects.values_list("code", flat=True)) == {2}
    assert not EarlyReceipt.objects.exists()
    assert difference() == []


def test_counts_are_compacted_and_those_of_dropped_days_removed() -> None:
    app = factories.create_app()
    expired_days.make(app, 33)
    factories.create_message(app)

    result = maintained()

    assert (result["counts_compacted"], result["counts_expired"]) == (2, 1)
    assert HourlyCount.objects.count() == 1
    assert difference() == []


@pytest.mark.parametrize("is_kept", [True, False], ids=["planned once", "planned each time"])
def test_readers_go_on_while_days_are_dropped(is_kept: bool) -> None:
    app = factories.create_app()
    factories.create_messages(app, [factories.message_row() for _ in range(200)])
    waits, done = list[float](), threading.Event()

    def read() -> None:
        while not done.is_set():
            start = time.perf_counter()
            with generic_plans_cached(when=is_kept):
                assert len(Message.objects.listed(app).order_by("-id")[:50]) == 50
            waits.append(time.perf_counter() - start)

    def drop() -> None:
        try:
            for _ in range(3):
                due = expired_days.make(app, 33, 34, 35)
                assert sorted(maintained()["partitions_dropped"]) == sorted(due)
        finally:
            done.set()

    run_together(read, drop)

    waits.sort()
    print(f"longest of {len(waits)} reads: {waits[-1] * 1000:.1f} ms, median {waits[len(waits) // 2] * 1000:.1f} ms")
    assert expired_days.expired() == []
