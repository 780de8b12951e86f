import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.db.backends.signals import connection_created
from django.test import Client, override_settings
from pytest_django.fixtures import Settings

from console.views import ops
from pushlog import __version__, ingest
from pushlog.maintenance import health, run
from pushlog.models import MaintenanceRun
from pushlog.postgres import partitions
from tests import factories
from tests.pushlog.shifted import shift_clock, shifts

# The pages ask over a connection of their own, which sees only what is committed.
pytestmark = pytest.mark.django_db(transaction=True)
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def no_answer_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ops, "_FRESH", 0)


def problems(client: Client, status: int, path: str = "/healthz") -> list[str]:
    answer = client.get(path)
    assert answer.status_code == status, answer.content
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.json()["version"] == __version__
    assert answer.json()["status"] == ("ok" if status == 200 else "failing")
    return list(answer.json()["problems"])


@pytest.fixture
def sessions() -> Iterator[list[object]]:
    """The connections that are made."""
    made: list[object] = []

    def note(**given: object) -> None:
        made.append(given["connection"])

    connection_created.connect(note)
    yield made
    connection_created.disconnect(note)


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/healthz"])
def test_probes_are_well_after_maintenance(client: Client, path: str) -> None:
    run.maintain()

    assert problems(client, 200, path) == []


@pytest.mark.django_db(databases=[])
def test_livez_needs_no_database(client: Client, sessions: list[object]) -> None:
    assert problems(client, 200, "/livez") == []
    assert sessions == []


def test_flood_of_probes_makes_one_connection(monkeypatch: pytest.MonkeyPatch, sessions: list[object]) -> None:
    monkeypatch.setattr(ops, "_FRESH", 60.0)
    monkeypatch.setattr(ops, "_last", None)
    run.maintain()
    client, before = Client(), len(sessions)

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(client.get, ("/readyz", "/healthz") * 10))

    assert [answer.status_code for answer in answers] == [200] * 20
    assert len(sessions) - before == 1


def test_answer_that_is_too_old_is_asked_again(
    client: Client, monkeypatch: pytest.MonkeyPatch, sessions: list[object]
) -> None:
    run.maintain()
    monkeypatch.setattr(ops, "_FRESH", 60.0)
    monkeypatch.setattr(ops, "_last", (time.monotonic() - 59, health.Problems(["kept"], [])))
    assert problems(client, 503, "/readyz") == ["kept"]
    monkeypatch.setattr(ops, "_last", (time.monotonic() - 61, health.Problems(["kept"], [])))

    assert problems(client, 200, "/readyz") == []


@pytest.mark.parametrize("table", partitions.TABLES)
@pytest.mark.parametrize(("days", "word"), [(0, "today"), (1, "tomorrow")])
def test_neither_is_well_without_a_partition_of_today_or_tomorrow(
    client: Client, table: str, days: int, word: str
) -> None:
    run.maintain()
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE {table}_{datetime.now(UTC) + days * DAY:%Y%m%d}")
    try:
        for path in ("/readyz", "/healthz"):
            assert problems(client, 503, path) == [f"partitions: {table} has none for {word}"]
    finally:
        partitions.ensure_window()


def test_neither_is_well_where_the_database_is_read_only(client: Client) -> None:
    run.maintain()
    kept = dict(connection.settings_dict)
    connection.settings_dict |= {"OPTIONS": kept["OPTIONS"] | {"options": "-c default_transaction_read_only=on"}}
    try:
        for path in ("/readyz", "/healthz"):
            assert problems(client, 503, path) == ["database: is read-only"]
    finally:
        connection.settings_dict |= kept


@shifts
def test_neither_is_well_where_the_clock_is_off(
    client: Client, monkeypatch: pytest.MonkeyPatch, shift: timedelta
) -> None:
    run.maintain()
    shift_clock(monkeypatch, shift)

    for path in ("/readyz", "/healthz"):
        [found] = problems(client, 503, path)
        assert found.startswith("clock: the clock of this machine is ")
        assert f"{abs(shift.days)} days" in found
    assert problems(client, 200, "/livez") == []


def test_neither_is_well_without_free_space(
    client: Client, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    run.maintain()
    settings.EMBEDDED = True  # or the disk is not known
    monkeypatch.setattr(health, "LEAST_FREE", 1 << 60)

    for path in ("/readyz", "/healthz"):
        [found] = problems(client, 503, path)
        assert re.fullmatch(r"disk: only \d+ MiB are free", found)


@override_settings(SECURE_SSL_REDIRECT=True, ALLOWED_HOSTS=["console.example"])
@pytest.mark.parametrize("path", ["/livez", "/readyz", "/healthz", "/metrics"])
def test_probe_needs_no_https_and_no_host_name(client: Client, path: str) -> None:
    run.maintain()

    assert client.get(path, headers={"Host": "10.0.0.1:8000"}).status_code == 200
    assert client.post(path).status_code == 405


def test_healthz_without_any_maintenance(client: Client) -> None:
    MaintenanceRun.objects.create(started_at=datetime.now(UTC))  # killed

    assert problems(client, 503) == ["maintenance: has never been done"]
    assert problems(client, 200, "/readyz") == []


def test_healthz_after_maintenance_that_is_too_long_ago_or_failed(client: Client) -> None:
    run.maintain()
    MaintenanceRun.objects.update(
        started_at=datetime(2026, 1, 2, tzinfo=UTC),
        finished_at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        succeeded=False,
        result={"failed": {"counts": "OperationalError"}, "drop_refused": ["pushlog_message_20251201"]},
    )

    old, failed, refused = problems(client, 503)

    assert old == "maintenance: was last done at 2026-01-02T03:04:05Z"
    assert failed == "maintenance: failed (counts)"
    assert "maintain --force" in refused
    # No balancer takes the machine out for it.
    assert problems(client, 200, "/readyz") == []


def test_healthz_when_an_old_partition_stays() -> None:
    run.maintain()
    with connection.cursor() as cursor:
        for table in partitions.TABLES:
            old = f"partitions: {table} has one that expired more than a day ago"
            assert old not in health.problems(cursor).upkeep
            assert old in health.problems(cursor, datetime.now(UTC) + 3 * DAY).upkeep


def test_healthz_without_the_database_says_so_and_not_how_it_is_reached(client: Client) -> None:
    wrong = {"HOST": "127.0.0.1", "PORT": "1", "PASSWORD": "hunter2"}
    kept = dict(connection.settings_dict)
    connection.settings_dict |= wrong
    try:
        problems(client, 200, "/livez")
        assert problems(client, 503, "/readyz") == ["database: OperationalError"]
        found, answer = problems(client, 503), client.get("/metrics")
    finally:
        connection.settings_dict |= kept

    assert found == ["database: OperationalError"]
    assert answer.status_code == 200
    assert "pushlog_database_up 0.0" in answer.content.decode()


def test_metrics_hold_what_came_in_and_what_waits(client: Client) -> None:
    app = factories.create_app()
    row = factories.message_row()
    before = values(client)
    ingest.write_messages(app=app, rows=[row, row, {}])
    receipt = {"target_id": "nobody", "customer_message_id": "none", "channel": "own", "code": 2}
    ingest.write_receipts(app=app, rows=[receipt | {"at": datetime.now(UTC).isoformat()}, {}])
    client.get("/accounts/login/?next=/secret")

    after = values(client)

    def more(name: str) -> float:
        return after[name] - before.get(name, 0)

    assert more('pushlog_rows_total{kind="messages",result="accepted"}') == 1
    assert more('pushlog_rows_total{kind="messages",result="duplicate"}') == 1
    assert more('pushlog_rows_total{kind="messages",result="rejected"}') == 1
    assert more('pushlog_rows_total{kind="receipts",result="early"}') == 1
    assert more('pushlog_rows_total{kind="receipts",result="rejected"}') == 1
    assert more("pushlog_arrival_lag_seconds_count") == 1
    assert more('pushlog_arrival_lag_seconds_bucket{le="300.0"}') == 0
    assert more('pushlog_arrival_lag_seconds_bucket{le="900.0"}') == 1
    assert more('pushlog_request_seconds_count{status="200",view="account_login"}') == 1
    assert after["pushlog_early_receipts"] == 1
    assert after["pushlog_database_up"] == 1
    assert not any("secret" in name or app.slug in name for name in after)


def values(client: Client) -> dict[str, float]:
    lines = client.get("/metrics").content.decode().splitlines()
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines if line[:1] != "#")}


@override_settings(METRICS_TOKEN="right")
@pytest.mark.parametrize(
    ("address", "headers", "status"),
    [
        ("127.0.0.1", {}, 200),
        ("::1", {}, 200),
        ("::ffff:127.0.0.1", {}, 200),
        ("10.0.0.1", {}, 403),
        ("", {}, 403),
        # Through a proxy on this machine.
        ("127.0.0.1", {"X-Forwarded-For": "127.0.0.1"}, 403),
        ("127.0.0.1", {"X-Forwarded-Proto": "https"}, 403),
        ("10.0.0.1", {"Authorization": "Bearer right"}, 200),
        ("127.0.0.1", {"X-Forwarded-For": "10.0.0.1", "Authorization": "Bearer right"}, 200),
        ("10.0.0.1", {"Authorization": "Bearer wrong"}, 403),
        ("10.0.0.1", {"Authorization": "right"}, 403),
        ("10.0.0.1", {"Authorization": "Bearer \xff"}, 403),
    ],
)
def test_metrics_are_for_this_machine_and_who_has_the_token(
    client: Client, address: str, headers: dict[str, str], status: int
) -> None:
    assert client.get("/metrics", headers=headers, REMOTE_ADDR=address).status_code == status


def test_no_token_opens_metrics_where_none_is_set(client: Client) -> None:
    for given in ("Bearer ", "Bearer", ""):
        answer = client.get("/metrics", headers={"Authorization": given}, REMOTE_ADDR="10.0.0.1")
        assert answer.status_code == 403
