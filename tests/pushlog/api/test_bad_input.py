import gzip
import json
import zlib
from io import BytesIO
from typing import Any

import pytest
from django.test import Client, RequestFactory

from pushlog import credentials, ingest
from pushlog.api import errors
from pushlog.http import bodies, streams
from pushlog.http.errors import RefusedRequest
from pushlog.ingest import MAX_ROWS
from pushlog.models import Message
from tests import factories
from tests.pushlog.api.client import JSON, NDJSON, Program, basic, is_error

PRIVATE = "+8613912345678"


def row(**fields: Any) -> str:
    return json.dumps(factories.message_row(**fields))


# Rows that are wrong in themselves: the others of their batch are stored.
DEEP = '{"a":' * 1000 + "1" + "}" * 1000
BAD_ROWS = {
    "no object": "17",
    "depth 1,000": f'{{"target_id": "{PRIVATE}", "push_type": "user", "extras": {DEEP}}}',
    "NaN": f'{{"target_id": "{PRIVATE}", "push_type": "user", "expires_in": NaN}}',
    "NaN in extras": f'{{"target_id": "{PRIVATE}", "push_type": "user", "extras": {{"a": NaN}}}}',
    "infinite": f'{{"target_id": "{PRIVATE}", "push_type": "user", "extras": {{"a": 1e999}}}}',
    "huge integer": f'{{"target_id": "{PRIVATE}", "push_type": "user", "expires_in": {"9" * 5000}}}',
    "lone surrogate": f'{{"target_id": "{PRIVATE}\\ud800", "push_type": "user"}}',
    "NUL": f'{{"target_id": "{PRIVATE}\\u0000", "push_type": "user"}}',
    "no zone": f'{{"target_id": "{PRIVATE}", "push_type": "user", "created_at": "2026-11-22T09:30:00"}}',
    "unknown field": f'{{"target_id": "{PRIVATE}", "push_type": "user", "colour": "{PRIVATE}"}}',
    "same key twice": f'{{"target_id": "{PRIVATE}", "target_id": "{PRIVATE}", "push_type": "user"}}',
    "missing field": f'{{"target_id": "{PRIVATE}"}}',
    "long": f'{{"target_id": "{PRIVATE}", "push_type": "user", "content": "{"x" * (1 << 20)}"}}',
}
FIELDS = {"no zone": "created_at", "unknown field": "colour", "missing field": "push_type"}


@pytest.mark.parametrize("form", ["json", "ndjson"])
@pytest.mark.parametrize("name", BAD_ROWS)
def test_a_bad_row_spoils_no_other(program: Program, name: str, form: str) -> None:
    rows = [row(), BAD_ROWS[name], row()]
    body = "\n".join(rows) if form == "ndjson" else '{"messages": [' + ",".join(rows) + "]}"

    status, content = program.post("messages", body.encode(), NDJSON if form == "ndjson" else JSON)

    assert status == 200, content
    assert (content["accepted"], [one is None for one in content["ids"]]) == (2, [False, True, False])
    [rejected] = content["rejected"]
    assert rejected["index"] == 1
    assert rejected["error"]
    if name in FIELDS:
        assert (rejected["field"], FIELDS[name] in rejected["error"]) == (FIELDS[name], True)
    assert PRIVATE not in json.dumps(content)


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


def test_an_announced_length_is_refused_before_anything_is_read() -> None:
    class Unreadable(BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise AssertionError("read")

    request = RequestFactory().post("/api/v1/messages", content_type=JSON)
    request.META |= {"CONTENT_LENGTH": str(17 << 20), "wsgi.input": Unreadable()}
    with pytest.raises(RefusedRequest) as refused:
        bodies.rows(request, "messages")
    assert refused.value.status == 413


@pytest.mark.parametrize("packed", [False, True])
def test_a_body_without_a_length_is_cut_at_the_limit(packed: bool) -> None:
    taken = []
    packer = zlib.compressobj(9, wbits=31)

    class Endless(BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            taken.append(size or 0)
            return packer.compress(bytes(8 << 20)) if packed else b" " * (size or 0)

    request = RequestFactory().post("/api/v1/messages", content_type=JSON)
    request.META |= {"CONTENT_LENGTH": "", "wsgi.input": Endless(), "wsgi.input_terminated": True}
    request.META |= {"HTTP_CONTENT_ENCODING": "gzip"} if packed else {}

    with pytest.raises(RefusedRequest) as refused:
        streams.read(request, bodies.MAX_BYTES)

    assert refused.value.status == 413
    assert sum(taken) <= bodies.MAX_BYTES + (128 << 10)


def test_a_body_shorter_than_announced_is_refused() -> None:
    request = RequestFactory().post("/api/v1/messages", b'{"messages": []}', content_type=JSON)
    request.META["CONTENT_LENGTH"] = "20"
    request._stream = BytesIO(b'{"messages": []}')  # where the server's body arrives

    with pytest.raises(RefusedRequest) as refused:
        bodies.rows(request, "messages")
    assert refused.value.status == 400


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


def test_a_host_name_that_is_not_ours_has_the_same_shape(client: Client) -> None:
    response = client.get("/api/v1/messages", headers={"Host": "evil.example"})

    assert response.status_code == 400
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
