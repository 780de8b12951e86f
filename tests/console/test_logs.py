"""No query string, target ID, title or search term is ever in a log line."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import SuspiciousOperation
from django.db import DataError, connection
from django.test import Client
from psycopg import errors
from pytest_django import Settings

from console import logs
from console.views import messages
from pushlog import ingest
from pushlog.models import App
from tests import factories

SECRETS = ["+8610012345678", "order-4711", "Your salary", "hunter2"]


@pytest.fixture(params=[logs.LineFormatter, logs.JsonFormatter])
def written(request: pytest.FixtureRequest) -> Iterator[io.StringIO]:
    """All that is logged, on every level, as the handlers of the settings write it."""
    text = io.StringIO()
    handler = logging.StreamHandler(text)
    handler.setFormatter(request.param())
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield text
    root.removeHandler(handler)
    root.setLevel(level)


def assert_clean(written: io.StringIO) -> None:
    for secret in SECRETS:
        assert secret not in written.getvalue()
        assert quote(secret) not in written.getvalue()


def test_requests_that_go_wrong(written: io.StringIO, app: App, member: User, monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client(raise_request_exception=False)
    client.force_login(member)
    pages = f"/apps/{app.slug}/messages/"
    phone = quote(SECRETS[0])
    client.get(f"/nowhere/{phone}?q={phone}")
    client.get(f"{pages}{phone}/?q={phone}")
    client.get(f"{pages}?search={phone}&after={phone}")
    client.post(f"{pages}search/", {"target_id": SECRETS[0], "customer_message_id": SECRETS[1] + "\0"})
    client.get(pages, headers={"Host": "hunter2.example"})
    Client(enforce_csrf_checks=True).post(f"/accounts/login/?next={phone}", {"login": "x", "password": SECRETS[3]})
    for error in (ValueError(SECRETS[0]), SuspiciousOperation(SECRETS[0])):

        def fail(*_: Any, error: Exception = error, **__: Any) -> None:
            raise error

        monkeypatch.setattr(messages, "list_state", fail)
        client.get(f"{pages}?search={phone}")

    assert "django.request" in written.getvalue()
    assert "ValueError" in written.getvalue()
    assert "404" in written.getvalue()
    assert_clean(written)


def test_rows_that_come_in(written: io.StringIO, app: App) -> None:
    row = factories.message_row(target_id=SECRETS[0], customer_message_id=SECRETS[1], title=SECRETS[2])
    ingest.write_messages(app=app, rows=[row, row, row | {"title": SECRETS[2] * 1000}])
    receipt = {"target_id": SECRETS[0], "customer_message_id": SECRETS[1], "channel": "own", "code": 2}
    ingest.write_receipts(app=app, rows=[receipt, receipt | {"at": row["created_at"], "detail": SECRETS[2]}])

    assert_clean(written)


def test_errors_of_the_database(written: io.StringIO, db: None) -> None:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT %s::int", [SECRETS[1] + SECRETS[0]])
    except DataError:
        logging.getLogger("any").exception("A query failed")

    assert "A query failed" in written.getvalue()
    assert errors.InvalidTextRepresentation.__name__ in written.getvalue()
    assert "22P02" in written.getvalue()
    assert_clean(written)


def test_json_is_one_object_a_line_with_the_fields_meant_for_it(capsys: pytest.CaptureFixture[str]) -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(logs.JsonFormatter())
    record = logging.getLogger("any").makeRecord(
        "any", logging.WARNING, __file__, 1, "Two\nlines of %s", ("text",), None, extra={"fields": {"rows": 2}}
    )

    [line] = handler.format(record).splitlines()

    entry = json.loads(line)
    assert entry.pop("time").endswith("Z")
    assert entry == {"level": "WARNING", "logger": "any", "message": "Two\nlines of text", "rows": 2}


def test_refused_requests_are_logged_once_a_second_for_each_status(
    app: App, member_client: Client, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    sampled, clock = logs.SampledRefusals(), [100.0]
    monkeypatch.setattr("time.monotonic", lambda: clock[0])
    text = io.StringIO()
    handler = logging.StreamHandler(text)
    handler.setFormatter(logs.LineFormatter())
    handler.addFilter(sampled)
    logging.getLogger().addHandler(handler)
    try:
        for second in (100.0, 101.5):
            clock[0] = second
            for number in range(20):
                member_client.get(f"/nowhere/{number}?q={SECRETS[1]}")
                member_client.get("/", headers={"Host": "hunter2.example"})
                member_client.put("/api/v1/messages")
        logging.getLogger("django.request").error("failed", extra={"status_code": 500})
        logging.getLogger("django.request").error("failed", extra={"status_code": 500})
    finally:
        logging.getLogger().removeHandler(handler)

    lines = [line.split(" ", 1)[1] for line in text.getvalue().splitlines()]
    assert sorted(lines) == sorted(
        [
            "INFO django.request 404 (no page of ours)",
            "INFO django.request 404 (no page of ours) left_out=19",
            "INFO django.security.DisallowedHost 400 (no page of ours)",
            "INFO django.security.DisallowedHost 400 (no page of ours) left_out=19",
            "INFO django.request 405 api/v1/messages",
            "INFO django.request 405 api/v1/messages left_out=19",
            "ERROR django.request 500 (no page of ours)",
            "ERROR django.request 500 (no page of ours)",
        ]
    )


def test_refused_requests_are_not_logged_above_info(caplog: pytest.LogCaptureFixture) -> None:
    record = logging.getLogger("django.request").makeRecord(
        "django.request", logging.WARNING, __file__, 1, "no", (), None, extra={"status_code": 404}
    )
    with caplog.at_level(logging.WARNING):
        assert not logs.SampledRefusals().filter(record)
    with caplog.at_level(logging.INFO):
        assert logs.SampledRefusals().filter(record)
