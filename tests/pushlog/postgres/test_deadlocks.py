"""A real deadlock, with somebody else's statements, which keep no order."""

import time
from datetime import UTC, datetime
from threading import Thread
from typing import Any

import pytest
from django.db import connection, transaction

from pushlog import ingest
from pushlog.models import Message
from pushlog.postgres import partitions
from tests import factories
from tests.pushlog.threads import wait_until

LOCK = "SELECT 1 FROM pushlog_message WHERE id = %s FOR UPDATE"
WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted"


@pytest.mark.django_db(transaction=True)
def test_a_batch_that_fell_victim_to_a_deadlock_is_written_all_the_same() -> None:
    partitions.ensure_window()
    app = factories.create_app()
    first, last = sorted(factories.create_messages(app, [factories.message_row() for _ in range(2)]))
    at = datetime.now(UTC).isoformat()
    receipts = [{"message_id": str(one), "channel": "own", "code": 2, "at": at} for one in (first, last)]
    results = list[Any]()

    def write() -> None:
        results.append(ingest.write_receipts(app=app, rows=receipts))
        connection.close()

    writer = Thread(target=write)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(LOCK, [last])
        writer.start()
        # Once it has the first and waits for the last, we ask for the first. It looks for deadlocks before we do,
        # since it waits for longer, and is undone.
        wait_until(lambda: cursor.execute(WAITING).fetchone()[0])
        time.sleep(0.2)
        cursor.execute(LOCK, [first])
    writer.join()

    assert results[0].applied == 2
    assert set(Message.objects.values_list("code", flat=True)) == {2}
