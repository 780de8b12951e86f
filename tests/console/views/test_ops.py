from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test import Client, override_settings

from pushlog import __version__, ingest
from pushlog.maintenance import health, run
from pushlog.models import MaintenanceRun
from pushlog.postgres import partitions
from tests import factories

# The pages ask over a connection of their own, which sees only what is committed.
pytestmark = pytest.mark.django_db(transaction=True)
DAY = timedelta(days=1)


def problems(client: Client, status: int) -> list[str]:
    answer = client.get("/healthz")
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.json()["version"] == __version__
    assert answer.json()["status"] == ("ok" if status == 200 else "failing")
    return list(answer.json()["problems"])


def test_healthz_is_well_after_maintenance(client: Client) -> None:
    run.maintain()

    assert problems(client, 200) == []


@override_settings(SECURE_SSL_REDIRECT=True, ALLOWED_HOSTS=["console.example"])
@pytest.mark.parametrize("path", ["/healthz", "/metrics"])
def test_probe_needs_no_https_and_no_host_name(client: Client, path: str) -> None:
    run.maintain()

    assert client.get(path, headers={"Host": "10.0.0.1:8000"}).status_code == 200
    assert client.post(path).status_code == 405


def test_healthz_without_any_maintenance(client: Client) -> None:
    MaintenanceRun.objects.create(started_at=datetime.now(UTC))  # killed

    assert problems(client, 503) == ["maintenance: has never been done"]


def test_healthz_after_maintenance_that_is_too_long_ago_or_failed(client: Client) -> None:
    run.maintain()
    MaintenanceRun.objects.update(
        started_at=datetime(2026, 1, 2, tzinfo=UTC),
        finished_at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        succeeded=False,
        result={"failed": {"counts": "OperationalError"}},
    )

    old, failed = problems(client, 503)

    assert old == "maintenance: was last done at 2026-01-02T03:04:05Z"
    assert failed == "maintenance: failed (counts)"


def test_healthz_when_tomorrow_has_no_partition_or_an_old_one_stays() -> None:
    run.maintain()
    with connection.cursor() as cursor:
        for table in partitions.TABLES:
            end = max(one.end for one in partitions.attached(table))
            last = datetime(end.year, end.month, end.day, 12, tzinfo=UTC) - 2 * DAY
            none = f"partitions: {table} has none for tomorrow"
            assert none not in health.problems(cursor, last)
            assert none in health.problems(cursor, last + DAY)

            old = f"partitions: {table} has one that expired more than a day ago"
            assert old not in health.problems(cursor)
            assert old in health.problems(cursor, datetime.now(UTC) + 3 * DAY)


def test_healthz_without_the_database_says_so_and_not_how_it_is_reached(client: Client) -> None:
    wrong = {"HOST": "127.0.0.1", "PORT": "1", "PASSWORD": "hunter2"}
    kept = dict(connection.settings_dict)
    connection.settings_dict |= wrong
    try:
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
