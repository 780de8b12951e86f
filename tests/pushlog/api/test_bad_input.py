import gzip
import json
from typing import Any

import pytest
from django.test import Client

from pushlog import credentials, ingest
from pushlog.api import errors
from pushlog.ingest import MAX_ROWS
from pushlog.models import Message
from tests import factories
from tests.pushlog.api.client import JSON, NDJSON, Program, basic, is_error

PRIVATE = "+8613912345678"


def row(**fields: Any) -> str:
    return json.dumps(factories.message_row(**fields))


DEEP = '{"a":' * 1000 + "1" + "}" * 1000
# Rows that JSON can hold. The others of their batch are stored.
BAD_ROWS = {
    "no object": "17",
    "infinite": f'{{"target_id": "{PRIVATE}", "push_type": "user", "expires_in": 1e999}}',
    "infinite in extras": f'{{"target_id": "{PRIVATE}", "push_type": "user", "extras": {{"a": 1e999}}}}',
    "infinite in a text": f'{{"target_id": "{PRIVATE}", "push_type": "user", "title": 1e999}}',
    "huge integer": f'{{"target_id": "{PRIVATE}", "push_type": "user", "expires_in": {"9" * 4000}}}',
    "NUL": f'{{"target_id": "{PRIVATE}\\u0000", "push_type": "user"}}',
    "NUL in extras": f'{{"target_id": "{PRIVATE}", "push_type": "user", "extras": {{"a": "\\u0000"}}}}',
    "NUL in an unknown field": f'{{"target_id": "{PRIVATE}", "push_type": "user", "\\u0000": 1}}',
    "no zone": f'{{"target_id": "{PRIVATE}", "push_type": "user", "created_at": "2026-11-22T09:30:00"}}',
    "unknown field": f'{{"target_id": "{PRIVATE}", "push_type": "user", "colour": "{PRIVATE}"}}',
    "missing field": f'{{"target_id": "{PRIVATE}"}}',
    "long": f'{{"target_id": "{PRIVATE}", "push_type": "user", "content": "{"x" * (1 << 20)}"}}',
}
# Rows that JSON cannot hold, or that its decoder refuses. They make a document unreadable, and a line alone.
NO_JSON = {
    "depth 1,000": f'{{"target_id": "{PRIVATE}", "push_type": "user", "extras": {DEEP}}}',
    "NaN": f'{{"target_id": "{PRIVATE}", "push_type": "user", "expires_in": NaN}}',
    "NaN in extras": f'{{"target_id": "{PRIVATE}", "push_type": "user", "extras": {{"a": NaN}}}}',
    "huger integer": f'{{"target_id": "{PRIVATE}", "push_type": "user", "expires_in": {"9" * 5000}}}',
    "lone surrogate": f'{{"target_id": "{PRIVATE}\\ud800", "push_type": "user"}}',
    "no quotation mark": f'{{"target_id": "{PRIVATE}, "push_type": "user"}}',
    "no brace": f'{{"target_id": "{PRIVATE}", "push_type": "user"',
    "nothing": '"',
}
FIELDS = {"no zone": "created_at", "unknown field": "colour", "missing field": "push_type"}


def in_json(rows: list[str]) -> bytes:
    return b'{"messages": [' + ",".join(rows).encode() + b"]}"


def in_lines(rows: list[str]) -> bytes:
    return "\n".join(rows).encode()


@pytest.mark.parametrize("form", ["json", "ndjson"])
@pytest.mark.parametrize("name", BAD_ROWS)
def test_a_bad_row_spoils_no_other(program: Program, name: str, form: str) -> None:
    rows = [row(), BAD_ROWS[name], row()]

    status, content = (
        program.post("messages", in_lines(rows), NDJSON)
        if form == "ndjson"
        else program.post("messages", in_json(rows), JSON)
    )

    only_the_second_is_rejected(status, content)
    if name in FIELDS:
        [rejected] = content["rejected"]
        assert (rejected["field"], FIELDS[name] in rejected["error"]) == (FIELDS[name], True)


@pytest.mark.parametrize("name", NO_JSON)
def test_a_row_that_is_not_json_spoils_a_document_and_no_other_line(program: Program, name: str) -> None:
    rows = [row(), NO_JSON[name], row()]

    status, content = program.post("messages", in_json(rows), JSON)

    assert (status, is_error(content)) == (400, True), content
    assert content["message"].startswith("The body is not JSON: ")
    assert "NDJSON" in content["message"]
    assert PRIVATE not in json.dumps(content)
    assert not Message.objects.exists()
    only_the_second_is_rejected(*program.post("messages", in_lines(rows), NDJSON))


def only_the_second_is_rejected(status: int, content: Any) -> None:
    assert status == 200, content
    assert (content["accepted"], [one is None for one in content["ids"]]) == (2, [False, True, False])
    [rejected] = content["rejected"]
    assert rejected["index"] == 1
    assert rejected["error"]
    assert PRIVATE not in json.dumps(content)


def test_of_a_repeated_key_a_document_keeps_the_last_and_a_line_is_rejected(program: Program) -> None:
    twice = '{"target_id": "first", "target_id": "last", "push_type": "user"}'

    assert program.post("messages", in_json([twice]), JSON)[1]["accepted"] == 1
    assert Message.objects.get().target_id == "last"
    [rejected] = program.post("messages", in_lines([twice]), NDJSON)[1]["rejected"]
    assert rejected["error"] == "holds the same key twice"


@pytest.mark.parametrize("form", ["json", "ndjson"])
def test_a_byte_order_mark_is_taken(program: Program, form: str) -> None:
    body, content_type = (in_json([row()]), JSON) if form == "json" else (in_lines([row()]), NDJSON)

    assert program.post("messages", b"\xef\xbb\xbf" + body, content_type)[1]["accepted"] == 1


BAD_BODIES: dict[str, tuple[int, bytes, str, dict[str, str]]] = {
    "blank": (400, b" ", JSON, {}),
    "not JSON": (400, b"target=x", JSON, {}),
    "cut short": (400, b'{"messages": [{"target_id": "x"}', JSON, {}),
    "something behind": (400, b'{"messages": []} x', JSON, {}),
    "a comma too many": (400, b'{"messages": [{},]}', JSON, {}),
    "UTF-16": (400, '{"messages": []}'.encode("utf-16"), JSON, {}),
    "brackets that never end": (400, b'{"messages": ' + b"[" * 100_000, JSON, {}),
    "an array": (422, b"[]", JSON, {}),
    "other rows": (422, b'{"receipts": []}', JSON, {}),
    "two arrays": (422, b'{"messages": [], "more": []}', JSON, {}),
    "no array": (422, b'{"messages": {}}', JSON, {}),
    "content type": (415, b'{"messages": []}', "text/plain", {}),
    "a form": (415, b"messages=1", "application/x-www-form-urlencoded", {}),
    "charset": (415, b'{"messages": []}', "application/json; charset=latin-1", {}),
    "encoding": (415, b'{"messages": []}', JSON, {"Content_Encoding": "br"}),
    "no gzip": (400, b'{"messages": []}', JSON, {"Content_Encoding": "gzip"}),
    "gzip cut short": (400, gzip.compress(b'{"messages": []}')[:-4], JSON, {"Content_Encoding": "gzip"}),
    "damaged gzip": (400, gzip.compress(b'{"messages": []}')[:-8] + b"12345678", JSON, {"Content_Encoding": "gzip"}),
    "many gzips": (400, gzip.compress(b"") * 1001, JSON, {"Content_Encoding": "gzip"}),
    "gzip bomb": (413, gzip.compress(bytes(200 << 20), 9), JSON, {"Content_Encoding": "gzip"}),
    "17 MiB": (413, b" " * (17 << 20), JSON, {}),
    "17 MiB as gzip": (413, gzip.compress(b" " * (17 << 20)), NDJSON, {"Content_Encoding": "gzip"}),
    "10,001 rows": (413, b'{"messages": [' + b"{}," * MAX_ROWS + b"{}]}", JSON, {}),
    "10,001 lines": (413, b"{}\n" * (MAX_ROWS + 1), NDJSON, {}),
    "empty rows": (413, b'{"messages": [' + b"{}," * 300_000 + b"{}]}", JSON, {}),
    "brackets": (413, b'{"messages": [' + b"[" * 500_000, JSON, {}),
    "values": (413, b'{"messages": [{"extras": {"a": [' + b"1," * 500_000 + b"1]}}]}", JSON, {}),
    "a mark twice": (400, b"\xef\xbb\xbf" * 2 + b'{"messages": []}', JSON, {}),
    "half a character": (400, b'{"messages": [{"target_id": "\xe6\x8e"}]}', JSON, {}),
    "millions of rows": (413, b'{"messages": [' + b"[]," * (5 << 20) + b"[]]}", JSON, {}),
    "millions of lines": (413, b"\n" * (15 << 20), NDJSON, {}),
}


@pytest.mark.parametrize("name", BAD_BODIES)
def test_a_bad_body_is_refused_with_the_reason(program: Program, name: str) -> None:
    expected, body, content_type, headers = BAD_BODIES[name]

    status, content = program.post("messages", body, content_type, **headers)

    assert status == expected, content
    assert is_error(content)
    assert content["code"] == errors.MEANINGS[expected][0]
    assert not Message.objects.exists()


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Basic",
        "Basic x",
        "Bearer x",
        "Basic " + "A" * 5000,
        basic("1234567890", "x"),
        basic("", ""),
        "Basic /w==",
    ],
)
@pytest.mark.parametrize("path", ["messages", "receipts", "messages/search"])
def test_a_wrong_credential_is_told_how_to_come_back(client: Client, db: None, path: str, header: str | None) -> None:
    headers = {} if header is None else {"Authorization": header}

    response = client.post(f"/api/v1/{path}", b"{", content_type=JSON, headers=headers)

    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == errors.REALM
    assert is_error(response.json())


def test_a_revoked_credential_is_a_wrong_one(program: Program) -> None:
    credentials.revoke(access_id=program.credential.access_id)

    assert program.post("messages", {"messages": []})[0] == 401


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("get", "messages", 405),
        ("put", "receipts", 405),
        ("delete", "messages/019a9b3c-0000-7000-8000-000000000000", 405),
        ("get", "nothing", 404),
        ("get", "messages/17", 404),
        ("post", "messages/", 404),
        ("get", "", 404),
    ],
)
def test_other_addresses_and_methods_have_the_same_shape(program: Program, method: str, path: str, status: int) -> None:
    response = program.client.generic(
        method.upper(), f"/api/v1/{path}", headers={"Authorization": program.authorization}
    )

    assert response.status_code == status
    assert is_error(response.json())
    assert ("Allow" in response.headers) == (status == 405)


@pytest.mark.parametrize("path", ["/api/v1/messages", "//api/v1/messages", "/api", "/api/v1/docs"])
def test_a_host_name_that_is_not_ours_has_the_same_shape(client: Client, path: str) -> None:
    response = client.generic("GET", "/", headers={"Host": "evil.example"}, PATH_INFO=path)

    assert response.status_code == 400
    assert is_error(response.json())


@pytest.mark.parametrize(
    ("path", "status"),
    [("//api/v1/messages", 404), ("///api", 404), ("/api", 404), ("/api//v1/messages", 404), ("/api/v1/docs", 403)],
)
def test_pages_for_people_have_the_same_shape(program: Program, path: str, status: int) -> None:
    """The last one asks for a CSRF token before it says that it takes no POST."""
    headers = {"Authorization": program.authorization}
    response = program.client.generic("POST", "/", b"{}", content_type=JSON, headers=headers, PATH_INFO=path)

    assert response.status_code == status
    assert is_error(response.json())


def test_what_fails_here_is_a_500_and_tells_nothing(
    program: Program, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(**_: object) -> None:
        raise ValueError(f"Key (target_id)=({PRIVATE})")

    monkeypatch.setattr(ingest, "write_messages", fail)

    status, content = program.post("messages", {"messages": []})

    assert (status, is_error(content)) == (500, True)
    assert "ValueError" in caplog.text
    assert PRIVATE not in caplog.text + json.dumps(content)
