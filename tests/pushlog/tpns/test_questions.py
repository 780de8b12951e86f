import json
import time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pushlog import ingest
from pushlog.models import App, Credential
from tests import factories
from tests.pushlog.tpns.client import Program, signed

DAYS = {"startDate": "2026-05-01", "endDate": "2026-05-02"}
CODES = {0, 1008001, 1008002, 1008007, 1008015, 1008016}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"pushId=1",
        b"[]",
        b'["pushId"]',
        b"null",
        b'"pushId"',
        b"17",
        b'{"pushId": "1"',
        b'{"pushId": "1"} x',
        b'{"pushId": NaN}',
        b'{"pushId": 1, "x": Infinity}',
        b'{"pushId": 1, "x": 1e999}',
        b'{"pushId": "\\ud800"}',
        b'{"pushId": "\\u0000"}',
        b'{"pushId": "\x00"}',
        b'{"pushId": "\xff"}',
        b'{"pushId": "1", "pushId": "2"}',
        b'\xef\xbb\xbf\xef\xbb\xbf{"pushId": "1"}',
        '{"pushId": "1"}'.encode("utf-16"),
        b'{"pushId": ' + b"9" * 5000 + b"}",
        b'{"pushId": "1", "x": ' + b"[" * 10_000 + b"]" * 10_000 + b"}",
        b'{"pushId": "1", "x": ' + b'{"a":' * 1000 + b"1" + b"}" * 1001,
        b'{"pushId": "1"' + b" " * (64 << 10) + b"}",
        b" " * (20 << 20),
    ],
    ids=lambda body: repr(body[:30]),
)
def test_what_cannot_be_read(program: Program, body: bytes) -> None:
    assert program.send(body) == {"retCode": 1008001, "errMsg": "parameter parse error"}


@pytest.mark.parametrize(
    "question",
    [
        {"pushId": None},
        {"pushId": ""},
        {"pushId": " \u200b"},
        {"pushId": "", "startDate": "", "endDate": "", "limit": 1},
        {"startDate": "2026-05-01"},
        {"endDate": "2026-05-01"},
        {"startDate": "2026-05-01", "endDate": ""},
        {"endDate": "2026-05-01", "limit": 1, "msgType": "notify", "offset": 0},
        {"pushid": "1"},
        {"push_id": "1"},
    ],
    ids=str,
)
def test_what_is_missing(program: Program, question: dict[str, Any]) -> None:
    assert program.ask(**question) == {"retCode": 1008002, "errMsg": "missing parameter"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"pushId": True},
        {"pushId": 1.5},
        {"pushId": 133703.0},
        {"pushId": ["1"]},
        {"pushId": {"a": 1}},
        DAYS | {"limit": 201},
        DAYS | {"limit": -1},
        DAYS | {"limit": "50"},
        DAYS | {"limit": 50.0},
        DAYS | {"limit": True},
        DAYS | {"limit": []},
        DAYS | {"offset": -1},
        DAYS | {"offset": "0"},
        DAYS | {"offset": False},
        {"limit": 201},
        {"offset": -1},
        {"msgType": "data"},
        {"pushType": "devices"},
        DAYS | {"msgType": "data"},
        DAYS | {"msgType": 1},
        DAYS | {"msgType": []},
        DAYS | {"msgType": "Notify"},
        DAYS | {"pushType": "tokens"},
        DAYS | {"pushType": {}},
    ],
    ids=str,
)
def test_what_has_a_wrong_value(program: Program, wrong: dict[str, Any]) -> None:
    assert program.ask(**wrong) == {"retCode": 1008007, "errMsg": "invalid parameter"}


@pytest.mark.parametrize(
    ("first", "last"),
    [
        ("2026-05-02", "2026-05-01"),
        ("2026-02-30", "2026-05-01"),
        ("2026-05-01", "2026-13-01"),
        ("20260501", "20260502"),
        ("2026-5-1", "2026-5-2"),
        ("2026-05-01 ", "2026-05-02"),
        ("2026-05-01T00:00:00", "2026-05-02"),
        ("2026-W19-1", "2026-05-30"),
        ("0000-00-00", "2026-05-02"),
        ("२०२६-०५-०१", "2026-05-02"),
        (20260501, "2026-05-02"),
        ("2026-05-01", ["2026-05-02"]),
        ("2026-05-01", True),
    ],
)
def test_what_is_no_date(program: Program, first: object, last: object) -> None:
    assert program.ask(startDate=first, endDate=last) == {"retCode": 1008016, "errMsg": "date param format error"}


def test_a_push_id_wins_over_a_period(app: App, program: Program) -> None:
    factories.create_task(app, push_id="17")

    for push_id in ("17", 17):
        answer = program.ask(pushId=push_id, startDate="nonsense", endDate=1, limit=1000)
        assert answer["pushRecordData"][0]["pushId"] == "17"
        assert "count" not in answer
    # What clients send that name every field they know of.
    empty = {"pushId": "", "msgType": "", "pushType": None, "other": [1]}
    assert program.ask(**DAYS, **empty, offset=0, limit=0)["retCode"] == 0


@pytest.mark.parametrize("around", ["\ufeff{}", "{}\u200b", " {}\n", "\u2060\xad{}\u200e\ufe0f\u3000"], ids=ascii)
def test_a_push_id_may_have_invisible_ends(app: App, program: Program, around: str) -> None:
    assert ingest.write_tasks(app=app, rows=[factories.task_row(push_id=around.format("17"))]).accepted == 1

    for push_id in ("17", 17, around.format("17"), "\u200b17"):
        assert program.ask(pushId=push_id)["pushRecordData"][0]["pushId"] == "17"
    assert program.code(pushId="1\u200b7") == 1008015


def test_a_body_may_begin_with_a_byte_order_mark(app: App, program: Program) -> None:
    factories.create_task(app, push_id="17")
    body = b'\xef\xbb\xbf{"pushId": "17"}'
    now = f"{int(time.time())}"

    assert program.send(body)["retCode"] == 0
    # The mark is signed with the rest: the signature is over the bytes as they were sent.
    headers = signed(body, access_id=program.credential.access_id, secret=program.secret, timestamp=now)
    assert program.send(body, headers)["retCode"] == 0
    assert program.send(body[3:], headers)["retCode"] == 1008003


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_the_content_type_does_not_matter(app: App, program: Program, content_type: str) -> None:
    factories.create_task(app, push_id="17")

    assert program.send(b'{"pushId": "17"}', content_type=content_type)["retCode"] == 0


def test_a_coded_body_is_not_taken(program: Program) -> None:
    for coding, expected in (("gzip", 1008001), ("br", 1008001), ("identity", 1008015)):
        headers = program.authorization | {"Content-Encoding": coding}
        assert program.send(b'{"pushId": "17"}', headers)["retCode"] == expected


NAMES = st.sampled_from(["pushId", "startDate", "endDate", "msgType", "pushType", "offset", "limit", "x"])
WORDS = st.sampled_from(["", "notify", "token", "2026-05-01", "9999-12-31", "0001-01-01"])
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | WORDS
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3), max_leaves=5
)


@pytest.fixture
def tireless(program: Program) -> Program:
    """A program that may call as often as it likes."""
    Credential.objects.filter(pk=program.credential.pk).update(calls_per_hour=10**9)
    return program


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.binary(max_size=200))
def test_any_bytes_are_answered(tireless: Program, body: bytes) -> None:
    assert tireless.send(body)["retCode"] in CODES


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(question=st.dictionaries(NAMES, VALUES, max_size=8) | VALUES)
def test_any_json_is_answered(tireless: Program, question: Any) -> None:
    assert tireless.send(json.dumps(question).encode())["retCode"] in CODES


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(headers=st.dictionaries(st.sampled_from(["Authorization", "Sign", "AccessId", "TimeStamp"]), st.text()))
def test_any_headers_are_answered(tireless: Program, headers: dict[str, str]) -> None:
    assert tireless.send(b"{}", headers)["retCode"] in {1008003, 1008028, 1008035}
