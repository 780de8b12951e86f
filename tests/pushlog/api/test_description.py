"""The description of the API, held against what the API does."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from pushlog.ingest.rows import MessageRow, ReceiptRow
from pushlog.ingest.task_rows import TaskRow
from pushlog.models import App
from tests.pushlog.api.client import JSON, NDJSON, Program, is_error

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
FIELDS = sorted(MessageRow.model_fields.keys() | ReceiptRow.model_fields.keys() | TaskRow.model_fields.keys())
QUIET = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.filter_too_much]


def described() -> Any:
    return Client().get("/api/v1/openapi.json").json()


@pytest.fixture
def api(program: Program) -> Iterator[Any]:
    schema = schemathesis.openapi.from_dict(described())
    schema.app = get_wsgi_application()
    # They would close the connection that holds the test's transaction; Django's own test client does the same.
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield schema
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


def test_the_description_needs_no_login_and_names_every_field(db: None) -> None:
    schema = described()

    assert set(schema["paths"]) == {
        "/api/v1/messages",
        "/api/v1/receipts",
        "/api/v1/tasks",
        "/api/v1/messages/search",
        "/api/v1/messages/{message_id}",
    }
    for name, fields in [("messages", MessageRow.model_fields.keys()), ("receipts", ReceiptRow.model_fields.keys())]:
        body = schema["paths"][f"/api/v1/{name}"]["post"]["requestBody"]["content"]
        assert set(body) == {JSON, NDJSON}
        row = body[JSON]["schema"]["properties"][name]["items"]
        assert set(row["properties"]) == fields
    tasks = schema["paths"]["/api/v1/tasks"]["post"]["requestBody"]["content"][JSON]["schema"]
    many, one = tasks["oneOf"]
    assert many["properties"]["tasks"]["items"] == one
    assert set(one["properties"]) == TaskRow.model_fields.keys()
    text = json.dumps(schema)
    assert "push_type" in text
    assert "$defs" not in text
    assert '"ge"' not in text


@pytest.mark.parametrize(
    "operation", ["write_messages", "write_receipts", "write_tasks", "search_messages", "read_message"]
)
def test_answers_are_as_described(api: Any, program: Program, operation: str) -> None:
    described_operation = api.find_operation_by_id(operation)

    @settings(max_examples=30, deadline=None, suppress_health_check=QUIET, database=None)
    @given(case=described_operation.as_strategy())
    def run(case: Case[Any]) -> None:
        response = case.call(headers={"Authorization": program.authorization})
        case.validate_response(response, checks=CHECKS)

    run()


rows = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(st.characters()) | st.text("targe_idpush"),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text() | st.sampled_from(FIELDS), inner, max_size=5),
    max_leaves=12,
)


@pytest.mark.parametrize("name", ["messages", "receipts", "tasks"])
@settings(max_examples=150, deadline=None, suppress_health_check=QUIET)
@given(
    body=st.binary(max_size=200)
    | rows.map(lambda value: json.dumps(value).encode())
    | st.lists(rows | st.dictionaries(st.sampled_from(FIELDS), rows), max_size=4).map(
        lambda value: json.dumps(value).encode()
    ),
    wrapped=st.booleans(),
    lines=st.booleans(),
    packed=st.booleans(),
)
def test_no_body_is_answered_with_a_server_error(
    program: Program, name: str, body: bytes, wrapped: bool, lines: bool, packed: bool
) -> None:
    if wrapped:
        body = f'{{"{name}": '.encode() + body + b"}"

    headers = {"Content_Encoding": "gzip"} if packed and not wrapped else {}
    status, content = program.post(name, body, NDJSON if lines else JSON, **headers)

    assert status in {200, 400, 413, 415, 422}
    if status == 200:
        assert len(content["rejected"]) <= body.count(b"\n") + body.count(b",") + 1
    else:
        assert is_error(content)


def test_apps_do_not_share_what_is_described(app: App) -> None:
    assert app.slug not in json.dumps(described())
