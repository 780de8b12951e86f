import gzip
import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from pushlog.ingest import MAX_ROWS
from pushlog.models import App, EarlyReceipt, Message
from tests import factories
from tests.pushlog.api.client import NDJSON, Program
from tests.pushlog.sent import sent


def receipt(identifier: object, **fields: Any) -> dict[str, Any]:
    return {"message_id": identifier, "channel": "own", "code": 2, "at": datetime.now(UTC).isoformat()} | fields


def lines(rows: list[Any]) -> bytes:
    return b"\n".join(json.dumps(row).encode() for row in rows)


def test_messages_are_stored_and_counted(program: Program) -> None:
    rows = [factories.message_row(), factories.message_row(push_type="pigeon"), factories.message_row()]

    status, first = program.post("messages", {"messages": rows})
    again = program.post("messages", {"messages": rows})[1]

    assert status == 200
    assert (first["accepted"], first["duplicates"]) == (2, 0)
    assert (again["accepted"], again["duplicates"], again["ids"]) == (0, 2, first["ids"])
    assert [(one["index"], one["field"]) for one in first["rejected"]] == [(1, "push_type")]
    assert first["ids"][1] is None
    assert set(Message.objects.values_list("pk", flat=True)) == {UUID(one) for one in first["ids"] if one}
    assert {message.app for message in Message.objects.all()} == {program.app}


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("form", ["json", "ndjson"])
def test_every_form_of_a_body_is_taken(program: Program, form: str, packed: bool) -> None:
    rows = [factories.message_row() for _ in range(3)]
    body = lines(rows) + b"\n\n" if form == "ndjson" else json.dumps({"messages": rows}).encode()
    headers = {"Content_Encoding": "gzip"} if packed else {}

    status, content = program.post(
        "messages",
        gzip.compress(body[:50]) + gzip.compress(body[50:]) if packed else body,
        NDJSON if form == "ndjson" else "Application/JSON; charset=UTF-8",
        **headers,
    )

    assert (status, content["accepted"], content["rejected"]) == (200, 3, [])


def test_receipts_are_applied(program: Program) -> None:
    message = factories.create_message(program.app)
    rows = [receipt(str(message.pk)), receipt(str(message.pk), at="yesterday"), receipt(str(message.pk), code=3)]

    status, content = program.post("receipts", {"receipts": rows})
    assert status == 200
    assert (content["applied"], content["stale"], content["unmatched"]) == (2, 0, 0)
    assert [(one["index"], one["field"]) for one in content["rejected"]] == [(1, "at")]
    assert program.post("receipts", {"receipts": rows})[1]["stale"] == 2


def test_receipts_before_their_message_wait_for_it(program: Program) -> None:
    row = factories.message_row()
    waiting = receipt(None, target_id=row["target_id"], customer_message_id=row["customer_message_id"])

    assert program.post("receipts", lines([waiting]), NDJSON)[1]["unmatched"] == 1
    program.post("messages", {"messages": [row]})

    assert Message.objects.get().code == 2
    assert not EarlyReceipt.objects.exists()


def test_another_apps_message_is_out_of_reach(program: Program) -> None:
    foreign = factories.create_message(factories.create_app())

    status, content = program.post("receipts", {"receipts": [receipt(str(foreign.pk))]})

    assert (status, content["applied"], content["unmatched"]) == (200, 0, 1)
    foreign.refresh_from_db()
    assert foreign.code == -1000


def test_a_row_for_another_app_is_rejected(program: Program, app: App) -> None:
    other = factories.create_app()
    rows = [factories.message_row(app=other.slug), factories.message_row(app=app.slug)]

    content = program.post("messages", {"messages": rows})[1]

    assert content["rejected"] == [{"index": 0, "field": "app", "error": "app: unknown app"}]
    assert content["accepted"] == 1


def test_the_number_of_statements_does_not_depend_on_the_rows(program: Program) -> None:
    counts = []
    for size in (1, 500):
        rows = [factories.message_row() for _ in range(size)]
        with sent() as writing:
            ids = program.post("messages", {"messages": rows})[1]["ids"]
        with sent() as applying:
            program.post("receipts", {"receipts": [receipt(one) for one in ids]})
        counts.append((len(writing), len(applying)))

    assert counts[0] == counts[1]


def test_as_many_rows_as_may_be(program: Program) -> None:
    rows = [{"target_id": "t", "push_type": "ios", "customer_message_id": str(one)} for one in range(MAX_ROWS)]

    assert program.post("messages", {"messages": rows})[1]["accepted"] == MAX_ROWS


def test_an_empty_batch_is_no_error(program: Program) -> None:
    empty = {"accepted": 0, "duplicates": 0, "rejected": [], "ids": []}

    for body in (b'{"messages": []}', b'{"messages": [ ]}'):
        assert program.post("messages", body) == (200, empty)
    assert program.post("messages", b"\n \n", NDJSON) == (200, empty)
