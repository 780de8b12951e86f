"""Files of rows, above all broken ones. Nothing here needs the database."""

import gzip
import io
import json
import re
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushlog.row_files import MAX_LINE, Format, Rejected, Row, UnreadableFile, entry, format_of, rows

GOOD = b'{"target_id":"a","push_type":"user"}'
HEADER = b"target_id,push_type,title,extras,code,revoked\n"


def read(data: bytes, form: Format | None = "jsonl") -> list[Row | Rejected]:
    return list(rows(io.BufferedReader(io.BytesIO(data)), form=form))


def read_one(line: bytes, form: Format | None = "jsonl") -> Row | Rejected:
    [entry] = read(line, form)
    return entry


def errors(entries: list[Row | Rejected]) -> dict[int, str]:
    return {entry.line: entry.error for entry in entries if isinstance(entry, Rejected)}


def test_format_of_names() -> None:
    assert {format_of(name) for name in ("a.csv", "a.CSV", "a.csv.gz")} == {"csv"}
    assert {format_of(name) for name in ("a.jsonl", "a.jsonl.gz", "a.log", "csv", "a.csv.bak")} == {"jsonl"}
    assert format_of("-") is None


def test_rows_of_json_lines() -> None:
    found = read(GOOD + b'\n\n \r\n{"message_id":"x","code":2}\r\n' + GOOD)

    kinds = [(row.line, row.kind) for row in found if isinstance(row, Row)]
    assert kinds == [(1, "message"), (4, "receipt"), (5, "message")]
    assert found[0] == Row(1, GOOD + b"\n", "message", {"target_id": "a", "push_type": "user"})


@pytest.mark.parametrize("field", ["code", "at", "revoked", "message_id"])
def test_rows_kind_is_receipt(field: str) -> None:
    row = read_one(json.dumps({"target_id": "a", field: 1}).encode())

    assert isinstance(row, Row)
    assert row.kind == "receipt"


ZOO = {
    "not json": (b"hello", "not JSON: expected value at byte 1"),
    "cut short": (b'{"a":"b"', "not JSON: EOF"),
    "two objects": (b"{}{}", "not JSON: trailing characters"),
    "single quotes": (b"{'a':1}", "not JSON"),
    "array": (b"[1]", "not a JSON object"),
    "number": (b"7", "not a JSON object"),
    "null": (b"null", "not a JSON object"),
    "NaN": (b'{"a":NaN}', "not JSON"),
    "Infinity": (b'{"a":-Infinity}', "not JSON"),
    "infinite number": (b'{"a":{"b":[1e999]}}', "a number that is too large"),
    "long number": (b'{"a":' + b"9" * 5_000 + b"}", "not JSON: number out of range"),
    "invalid UTF-8": (b'{"a":"\xff"}', "not JSON: invalid unicode"),
    "UTF-16": ('{"a":1}'.encode("utf-16"), "not JSON"),
    "encoded surrogate": (b'{"a":"\xed\xa0\x80"}', "not JSON: invalid unicode"),
    "lone surrogate": (b'{"a":"\\ud83d"}', "not JSON"),
    "NUL": (b'{"a":"\x00"}', "not JSON: control character"),
    "escaped NUL": (b'{"a":{"b":"x\\u0000"}}', "holds a NUL character"),
    "escaped NUL behind a backslash": (b'{"a":"\\\\\\u0000"}', "holds a NUL character"),
    "deep arrays": (b'{"a":' + b"[" * 100_000, "not JSON: recursion limit"),
    "deep objects": (b'{"a":' * 100_000, "not JSON: recursion limit"),
    "same key": (b'{"a":1,"a":1}', "the same key twice"),
    "same key, spelt otherwise": (b'{"a":1,"\\u0061":2}', "the same key twice"),
    "same key inside": (b'{"a":[{"b":1,"b":2}]}', "the same key twice"),
    "too long": (b'{"a":"' + b"x" * MAX_LINE + b'"}', "longer than 1,048,576 bytes"),
}


@pytest.mark.parametrize(("line", "error"), ZOO.values(), ids=ZOO.keys())
def test_rows_refuses_line_and_goes_on(line: bytes, error: str) -> None:
    found = read(GOOD + b"\n" + line + b"\n" + GOOD)

    assert [type(entry) for entry in found] == [Row, Rejected, Row]
    assert found[1].line == 2
    assert error in errors(found)[2]
    assert found[1].raw == (line + b"\n")[: MAX_LINE + 1]


@pytest.mark.parametrize(
    "line",
    [
        b'{"a":"\\\\u0000"}',
        b'{"a":"says \\"b\\": and \\"b\\":"}',
        b'{"a" : 1, "b" :{"a":2}}',
        b'{"a":"\\ud83d\\ude00"}',
        b'{"a":1e300}',
        b'{"a":"' + b"x" * (MAX_LINE - 8) + b'"}',
    ],
)
def test_rows_accepts_what_only_looks_broken(line: bytes) -> None:
    row = read_one(line)

    assert isinstance(row, Row)
    assert row.values == json.loads(line)


def test_rows_reasons_hold_no_values() -> None:
    secret = b"+8610012345678"
    lines = [b'{"target_id":"%s"', b'{"%s":1,"%s":2}', b'{"a":"%s" "b"}', b'["%s"]', b"%s", b'"%s\\u0000"']

    found = read(b"\n".join(line.replace(b"%s", secret) for line in lines))

    assert len(errors(found)) == len(lines)
    assert not any(secret.decode() in error for error in errors(found).values())


@pytest.mark.parametrize("form", ["jsonl", None])
def test_rows_tolerates_byte_order_mark(form: Format | None) -> None:
    assert read_one(b"\xef\xbb\xbf" + GOOD, form) == read_one(GOOD)


@pytest.mark.parametrize("data", [b"", b"\n", b" \r\n\n", b"\xef\xbb\xbf"])
def test_rows_of_nothing(data: bytes) -> None:
    assert read(data) == []
    assert read(gzip.compress(data), None) in ([], read(data, None))


def test_rows_format_by_first_character() -> None:
    json_line = read_one(b"\n  " + GOOD, None)
    csv_line = read_one(b"\ntarget_id,push_type\nb,user\n", None)

    assert isinstance(json_line, Row)
    assert json_line.line == 2
    assert isinstance(csv_line, Row)
    assert (csv_line.line, csv_line.values["target_id"]) == (3, "b")


def test_rows_of_gzip_that_comes_byte_by_byte(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(gzip.compress(GOOD + b"\n") + gzip.compress(GOOD))

    with io.BufferedReader(io.FileIO(tmp_path / "a"), 1) as stream:
        found = list(rows(stream))

    assert [type(entry) for entry in found] == [Row, Row]


def test_rows_of_gzip_cut_short() -> None:
    lines = b"".join(b'{"target_id":"%064x"}\n' % (n**20) for n in range(5_000))
    whole = gzip.compress(lines)

    found = read(whole[: len(whole) // 2])

    *good, last = found
    assert len(good) > 2_000
    assert all(isinstance(row, Row) for row in good)
    assert last == Rejected(len(good) + 1, b"", "reading ended here: the file is cut short", ends=True)


def test_rows_of_damaged_gzip() -> None:
    whole = bytearray(gzip.compress(GOOD + b"\n"))
    whole[-5] ^= 0xFF  # the check sum

    found = read(bytes(whole) + b"more")

    assert errors(found)[found[-1].line] == "reading ended here: the gzip data is damaged"


def test_rows_memory_is_bounded_by_line() -> None:
    bomb = gzip.compress(b"x" * (200 << 20))  # one line of 200 MiB in 200 kB

    tracemalloc.start()
    [refused] = read(bomb)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert len(refused.raw) == MAX_LINE + 1
    assert peak < 10 << 20


def test_rows_of_csv() -> None:
    found = read(
        HEADER + b'a,user,"two\nlines, ""quoted""","{""k"": [1]}",,\r\n\r\nb,,,,300,\nc,,,,,TRUE\nd,,,,,false',
        "csv",
    )

    assert [tuple(row)[0::3] for row in found if isinstance(row, Row)] == [
        (2, {"target_id": "a", "push_type": "user", "title": 'two\nlines, "quoted"', "extras": {"k": [1]}}),
        (5, {"target_id": "b", "code": "300"}),
        (6, {"target_id": "c", "revoked": True}),
        (7, {"target_id": "d", "revoked": False}),
    ]
    assert [row.kind for row in found if isinstance(row, Row)] == ["message", *["receipt"] * 3]


def test_rows_of_csv_with_tasks_has_json_in_its_cells() -> None:
    cells = b'7,tag,"{""operator"": ""or"", ""tags"": []}",,"{""ring"": 1}"\n8,devices,,"[""a"", ""b""]",\n9,,,[NaN],\n'
    found = read(b"push_id,target_kind,tag_rule,targets,android\n" + cells, "csv")

    assert [row.kind for row in found if isinstance(row, Row)] == ["task", "task"]
    assert [row.values for row in found if isinstance(row, Row)] == [
        {"push_id": "7", "target_kind": "tag", "tag_rule": {"operator": "or", "tags": []}, "android": {"ring": 1}},
        {"push_id": "8", "target_kind": "devices", "targets": ["a", "b"]},
    ]
    assert errors(found)[4].startswith("targets: ")


CSV_ZOO = {
    "few cells": (b"a,b", "2 cells under a header of 6"),
    "many cells": (b"a,,,,,,", "7 cells under a header of 6"),
    "open quotation mark": (b'"a,,,,,', "an open quotation mark"),
    "text behind quotation mark": (b'"a"b,,,,,', "not CSV"),
    "invalid UTF-8": (b"\xff,,,,,", "not UTF-8"),
    "NUL": (b"\x00,,,,,", "NUL"),
    "extras": (b'a,,,"{""a"":",,', "extras: not JSON"),
    "extras are no object": (b"a,,,[],,", "extras: not a JSON object"),
    "revoked": (b"a,,,,,yes", "revoked: must be true or false"),
    "too long": (b"a" * (MAX_LINE + 2), "longer than"),
}


@pytest.mark.parametrize(("line", "error"), CSV_ZOO.values(), ids=CSV_ZOO.keys())
def test_rows_refuses_csv_record_and_goes_on(line: bytes, error: str) -> None:
    found = read(HEADER + b"a,user,,,,\n" + line + b"\nb,user,,,,\n", "csv")

    assert [type(entry) for entry in found] == [Row, Rejected, Row]
    assert error in errors(found)[3]


def test_rows_of_csv_with_quotation_mark_never_closed() -> None:
    many = 60_000
    found = read(HEADER + b'a,"user,,,,\n' + b"b,user,some title,,,\n" * many, "csv")

    # The record that is not closed is refused after a bounded search, and all others are read as they are.
    assert list(errors(found)) == [2]
    assert len(found) == 1 + many


@pytest.mark.parametrize(
    ("header", "error"),
    [
        (b"", "empty"),
        (b"target_id,titel\n", "unknown: “titel”$"),
        (b"target_id;title\n", "with commas"),
        (b"+8610012345678,user\n", "unknown: no. 1, “user”$"),
        (b"title,title\n", "twice"),
        (b"\xff\n", "not UTF-8"),
    ],
)
def test_rows_of_csv_needs_header(header: bytes, error: str) -> None:
    with pytest.raises(UnreadableFile, match=error):
        rows(io.BufferedReader(io.BytesIO(header)), form="csv")


LINES = st.lists(st.one_of(st.binary(), st.sampled_from([GOOD, b'"', b'{"a":', b"a,b", HEADER.strip()])))


@given(LINES.map(b"\n".join))
def test_rows_of_any_bytes_accounts_for_every_line(data: bytes) -> None:
    found = read(data)

    if not data.startswith(b"\x1f"):
        lines = data.removeprefix(b"\xef\xbb\xbf").split(b"\n")
        assert [entry.raw.removesuffix(b"\n") for entry in found] == [line for line in lines if line.strip()]


@given(LINES.map(b"\n".join))
def test_rows_of_any_csv_accounts_for_every_byte(data: bytes) -> None:
    found = read(HEADER + data, "csv")

    seen = b"".join(entry.raw for entry in found)
    assert re.sub(rb"\s", b"", seen) == re.sub(rb"\s", b"", data)
    assert [entry.line for entry in found] == sorted({entry.line for entry in found})


@given(st.binary())
def test_rows_of_any_gzip_never_raises(data: bytes) -> None:
    read(b"\x1f\x8b\x08\x00" + data)
    read(gzip.compress(GOOD)[:-4] + data)


def test_rows_of_file_that_cannot_be_read_further(tmp_path: Path) -> None:
    class Failing(io.FileIO):
        def readinto(self, buffer: Any, /) -> int:
            if self.tell():
                raise OSError(5, "Input/output error")
            return super().readinto(buffer)

    (tmp_path / "a").write_bytes(GOOD + b"\n" + b"x" * (1 << 16))

    with io.BufferedReader(Failing(tmp_path / "a"), 64) as stream:
        found = list(rows(stream, form="jsonl"))

    assert [type(entry) for entry in found] == [Row, Rejected]
    assert errors(found) == {2: "reading ended here: Input/output error"}


def again(one: Rejected) -> Row | Rejected:
    """A rejected line, read back from the entry that a rejects file has of it."""
    return read_one(json.dumps(entry(one), ensure_ascii=False).encode() + b"\n")


@given(st.binary())
def test_entry_gives_any_line_back(line: bytes) -> None:
    for one in read(line):
        if isinstance(one, Rejected) and not one.ends:
            found = again(one)
            assert isinstance(found, Rejected)
            assert found.raw == one.raw.rstrip(b"\r\n")
            assert entry(found) | {"line": one.line} == entry(one)


@given(LINES.map(b"\n".join))
def test_entry_gives_any_csv_record_back(data: bytes) -> None:
    for one in read(HEADER + data, "csv"):
        if isinstance(one, Rejected):
            found = again(one)
            assert isinstance(found, Rejected)
            assert found.raw == one.raw.rstrip(b"\r\n")
            assert found.columns == HEADER.decode().strip().split(",")


@pytest.mark.parametrize("character", [b'"', b"\x01", b"\xff", "界".encode()])
def test_entry_of_the_longest_line_is_read_back(character: bytes) -> None:
    line = b"{" + character * ((MAX_LINE - 1) // len(character))

    one = again(Rejected(1, line, "not JSON"))

    assert isinstance(one, Rejected)
    assert one.raw == line
    assert not one.cut


@pytest.mark.parametrize(
    ("held", "error"),
    [
        ({"row_base64": "?"}, "nor row_base64 can be read"),
        ({"row": 5}, "nor row_base64 can be read"),
        ({"row": "a,b", "columns": "no list"}, "columns: must be"),
        ({"row": "a,b", "columns": ["title", "nonsense"]}, "columns: must be"),
        ({"row": "a,b", "columns": ["title", "title"]}, "columns: must be"),
        ({"row": "a\nb", "columns": ["title"]}, "not one CSV record"),
        ({"row": "", "columns": ["title"]}, "not one CSV record"),
        ({"row": "{", "cut": True}, "not the whole line"),
        ({"row": ""}, "not JSON"),
    ],
)
def test_entry_that_was_edited_wrongly_can_be_corrected_again(held: dict[str, object], error: str) -> None:
    wrong = read_one(json.dumps({"line": 7, "error": "some"} | held).encode())

    assert isinstance(wrong, Rejected)
    assert error in wrong.error
    twice = again(wrong)
    assert isinstance(twice, Rejected)
    assert entry(twice) == entry(wrong)


def test_entry_with_wrong_columns_is_read_once_they_are_right() -> None:
    wrong = read_one(b'{"line": 7, "error": "some", "row": "a,b", "columns": ["title", "contents"]}')
    assert isinstance(wrong, Rejected)

    row = read_one(json.dumps(entry(wrong)).replace("contents", "content").encode())

    assert isinstance(row, Row)
    assert row.values == {"title": "a", "content": "b"}
