"""Bodies of requests: JSON and NDJSON, plain or gzip, within bounds that hold before memory is spent.

A body of rows is first read as one JSON document, which is the fast way. If that fails, or if the document would
take up many times the memory of its text, its rows are found by their brackets and read one by one, so that
one row which cannot be read (too deep, half a surrogate pair, a number too large) spoils no other.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any, overload

from django.http import HttpRequest
from pydantic_core import from_json

from pushlog.http.errors import RefusedRequest
from pushlog.http.streams import read
from pushlog.ingest import MAX_ROWS, Unreadable
from pushlog.json_objects import parse_object
from pushlog.row_files import MAX_LINE

MAX_BYTES = 16 << 20
MAX_DOCUMENT = 64 << 10  # of a body that is not about rows
JSON, NDJSON = "application/json", "application/x-ndjson"

# More commas and brackets than that are no ordinary rows: as one document they could fill a hundred times 16 MiB.
_DENSE = 400_000
_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[\[\]{},"]', re.DOTALL)


class Rows(Sequence[object]):
    """Rows as they stand in a body, each read when its turn comes; one that is no JSON object is `Unreadable`."""

    def __init__(self, raw: list[bytes]) -> None:
        self.raw = raw

    def __len__(self) -> int:
        return len(self.raw)

    @overload
    def __getitem__(self, index: int) -> object: ...
    @overload
    def __getitem__(self, index: slice) -> "Rows": ...
    def __getitem__(self, index: int | slice) -> object:
        return Rows(self.raw[index]) if isinstance(index, slice) else _row(self.raw[index])

    def __iter__(self) -> Iterator[object]:
        return map(_row, self.raw)


def rows(request: HttpRequest, name: str, *, single_with: str | None = None) -> Sequence[object]:
    """The rows of a body: the array `name` of a JSON object, or one row in each line of NDJSON that is not blank.

    With `single_with`, a JSON object that has this field is itself the one row. Raises RefusedRequest.
    """
    kind = _content_type(request, {JSON, NDJSON})
    body = read(request, MAX_BYTES)
    found = _lines(body) if kind == NDJSON else _document_rows(body, name, single_with)
    if len(found) > MAX_ROWS:
        raise RefusedRequest(413, f"At most {MAX_ROWS:,} rows at once; nothing was stored.")
    return found


def document(request: HttpRequest) -> object:
    """A small JSON body. Raises RefusedRequest."""
    _content_type(request, {JSON})
    body = read(request, MAX_DOCUMENT)
    try:
        return parse_object(body)
    except ValueError:
        raise RefusedRequest(400, "The body is not a JSON object, or holds what cannot be searched for.") from None


def _row(raw: bytes) -> object:
    if len(raw) > MAX_LINE:
        return Unreadable(f"longer than {MAX_LINE:,} bytes")
    try:
        return parse_object(raw)
    except (ValueError, RecursionError) as error:
        return Unreadable(str(error))


def _content_type(request: HttpRequest, known: set[str]) -> str:
    kind = (request.content_type or "").lower()
    if kind not in known:
        raise RefusedRequest(415, f"The Content-Type must be {' or '.join(sorted(known))}.")
    if (request.content_params or {}).get("charset", "utf-8").lower().replace("_", "-") not in {"utf-8", "utf8"}:
        raise RefusedRequest(415, "The charset must be UTF-8.")
    return kind


def _lines(body: bytes) -> Rows:
    if body.count(b"\n") > 2 * MAX_ROWS:
        raise RefusedRequest(413, f"At most {MAX_ROWS:,} rows at once; nothing was stored.")
    return Rows([line for line in body.split(b"\n") if line.strip()])


def _document_rows(body: bytes, name: str, single_with: str | None) -> Sequence[object]:
    if body.count(b",") + body.count(b"{") + body.count(b"[") <= _DENSE:
        try:
            document = from_json(body, allow_inf_nan=False)
        except ValueError:
            pass
        else:
            if not _has_repeated_keys(document, body):
                if isinstance(document, dict) and single_with in document:
                    return [document]
                return _named(document, name)
    # A single row that cannot be read is a wrong row, and any other text no JSON.
    if single_with and f'"{single_with}"'.encode() in body and not _opening(name).match(body):
        return Rows([body])
    return Rows(_split(body, name))


def _named(document: object, name: str) -> Sequence[object]:
    if not isinstance(document, dict):
        raise RefusedRequest(422, errors=[_error(None, f"must be an object with the field {name}")])
    if unknown := [key for key in document if key != name]:
        raise RefusedRequest(422, errors=[_error(unknown[0][:64], "unknown field")])
    found = document.get(name)
    if not isinstance(found, list):
        raise RefusedRequest(422, errors=[_error(name, "must be an array of rows")])
    return found


def _has_repeated_keys(document: Any, body: bytes) -> bool:
    """Whether there may be: the fast reader keeps the last of two equal keys, the careful one refuses the row."""
    return _count_keys(document) != body.count(b'":') + body.count(b'" :')


def _count_keys(value: Any) -> int:
    keys, members = (len(value), value.values()) if type(value) is dict else (0, value if type(value) is list else ())
    for member in members:
        if type(member) is dict or type(member) is list:
            keys += _count_keys(member)
    return keys


def _opening(name: str) -> re.Pattern[bytes]:
    return re.compile(rb'(?:\xef\xbb\xbf)?\s*\{\s*"' + name.encode() + rb'"\s*:\s*\[')


def _split(body: bytes, name: str) -> list[bytes]:
    """The rows of `{"name": [...]}` as they stand in the text, unread. Raises RefusedRequest."""
    head = _opening(name).match(body)
    if not head:
        raise _not_json(name)
    found: list[bytes] = []
    start, depth = head.end(), 0
    for token in _TOKEN.finditer(body, start):
        sign = token[0]
        if depth == 0 and sign in (b",", b"]"):
            found.append(body[start : token.start()].strip())
            start = token.end()
            if sign == b"]":
                break
            if len(found) > MAX_ROWS:
                return found
        elif sign in (b"{", b"["):
            depth += 1
        elif sign in (b"}", b"]"):
            depth -= 1
        if depth < 0 or sign == b'"':
            raise _not_json(name)
    else:
        raise _not_json(name)
    if not re.fullmatch(rb"\s*\}\s*", body[start:]):
        raise _not_json(name)
    if found == [b""]:
        return []
    # What has an object's brackets is a row, however wrong it may be inside. Anything else that is no JSON value
    # is a body that somebody put together wrongly.
    if not all((row[:1] == b"{" and row[-1:] == b"}") or len(row) > MAX_LINE or _is_json(row) for row in found):
        raise _not_json(name)
    return found


def _is_json(raw: bytes) -> bool:
    try:
        from_json(raw)
    except ValueError:
        return False
    return True


def _error(field: str | None, error: str) -> dict[str, Any]:
    return {"index": None, "field": field, "error": error}


def _not_json(name: str) -> RefusedRequest:
    return RefusedRequest(400, f"The body must be a JSON object with the array “{name}”.")
