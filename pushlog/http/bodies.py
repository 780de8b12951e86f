"""Bodies of requests: JSON and NDJSON, plain or gzip, with bounds that are checked before memory is spent."""

from codecs import BOM_UTF8
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, overload

from django.http import HttpRequest
from pydantic_core import from_json

from pushlog.http.errors import RefusedRequest
from pushlog.http.streams import read
from pushlog.ingest import MAX_ROWS, Unreadable
from pushlog.json_objects import parse_object
from pushlog.row_files import MAX_LINE

MAX_BYTES = 16 << 20
MAX_DOCUMENT = 64 << 10  # bytes of a body that holds no rows
# Commas and opening brackets. Decoded, a small object takes 30 times the memory of its text. With this many of them
# the worst document takes 180 MiB. A 16 MiB body of 36-character device tokens has 430,000.
MAX_VALUES = 500_000
JSON, NDJSON = "application/json", "application/x-ndjson"


class Lines(Sequence[object]):
    """Rows of NDJSON, decoded one at a time to save memory. A line that is not a JSON object is `Unreadable`."""

    def __init__(self, raw: list[bytes]) -> None:
        self.raw = raw

    def __len__(self) -> int:
        return len(self.raw)

    @overload
    def __getitem__(self, index: int) -> object: ...
    @overload
    def __getitem__(self, index: slice) -> "Lines": ...
    def __getitem__(self, index: int | slice) -> object:
        return Lines(self.raw[index]) if isinstance(index, slice) else _row(self.raw[index])

    def __iter__(self) -> Iterator[object]:
        return map(_row, self.raw)


class Body(NamedTuple):
    kind: str
    content: bytes  # decoded


def receive(request: HttpRequest) -> Body:
    """Raises RefusedRequest."""
    kind = _content_type(request, {JSON, NDJSON})
    return Body(kind, read(request, MAX_BYTES).removeprefix(BOM_UTF8))


def rows(body: Body, name: str, *, single_with: str | None = None) -> Sequence[object]:
    """The rows of a body: the array `name` of a JSON object, or one row in each line of NDJSON that is not blank.

    With `single_with`, a JSON object that has this field is itself the one row. Raises RefusedRequest.
    """
    is_lines = body.kind == NDJSON
    found = _lines(body.content) if is_lines else _document_rows(body.content, name, single_with)
    if len(found) > MAX_ROWS:
        raise _too_many_rows()
    return found


def document(request: HttpRequest) -> object:
    _content_type(request, {JSON})
    body = read(request, MAX_DOCUMENT).removeprefix(BOM_UTF8)
    try:
        return parse_object(body)
    except ValueError:
        raise RefusedRequest(400, "The body is not a JSON object, or holds what cannot be searched for.") from None


def _row(raw: bytes) -> object:
    if len(raw) > MAX_LINE:
        return Unreadable(f"longer than {MAX_LINE:,} bytes")
    try:
        return parse_object(raw)
    except ValueError as error:
        return Unreadable(str(error))


def _content_type(request: HttpRequest, known: set[str]) -> str:
    kind = (request.content_type or "").lower()
    if kind not in known:
        raise RefusedRequest(415, f"The Content-Type must be {' or '.join(sorted(known))}.")
    if (request.content_params or {}).get("charset", "utf-8").lower().replace("_", "-") not in {"utf-8", "utf8"}:
        raise RefusedRequest(415, "The charset must be UTF-8.")
    return kind


def _lines(body: bytes) -> Lines:
    if body.count(b"\n") > 2 * MAX_ROWS:
        raise _too_many_rows()
    return Lines([line for line in body.split(b"\n") if line.strip()])


def _document_rows(body: bytes, name: str, single_with: str | None) -> Sequence[object]:
    if sum(map(body.count, (b",", b"{", b"["))) > MAX_VALUES:
        raise RefusedRequest(
            413, f"More than {MAX_VALUES:,} commas and brackets in a JSON body. Send NDJSON or fewer rows at once."
        )
    try:
        document: Any = from_json(body, allow_inf_nan=False)
    except ValueError as error:
        raise RefusedRequest(
            400, f"The body is not JSON: {error}. Nothing was stored. In NDJSON, other lines would be stored."
        ) from None
    if not isinstance(document, dict):
        raise _wrong(None, f"must be an object with the field {name}")
    if single_with in document:
        return [document]
    if unknown := [key for key in document if key != name]:
        raise _wrong(unknown[0][:64], "unknown field")
    found = document.get(name)
    if not isinstance(found, list):
        raise _wrong(name, "must be an array of rows")
    return found


def _wrong(field: str | None, error: str) -> RefusedRequest:
    return RefusedRequest(422, errors=[{"index": None, "field": field, "error": error}])


def _too_many_rows() -> RefusedRequest:
    return RefusedRequest(413, f"At most {MAX_ROWS:,} rows at once; nothing was stored.")
