"""Reads files of messages, receipts and push tasks: JSON Lines or CSV, plain or gzip.

Memory is bounded by the longest line. Errors quote no values, which are personal data.
"""

import base64
import csv
import gzip
import io
import re
import zlib
from collections import deque
from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any, Literal, NamedTuple

from pydantic_core import from_json

from pushlog.ingest.rows import MessageRow, ReceiptRow
from pushlog.ingest.task_rows import TaskRow
from pushlog.json_objects import parse_object

Format = Literal["jsonl", "csv"]
Kind = Literal["message", "receipt", "task"]

# Bytes. A row at all its limits is shorter, even if every character is escaped.
MAX_LINE = 1 << 20
# A CSV record has up to two such lines, and JSON up to six bytes for one of its own.
_MAX_ENTRY = 16 * MAX_LINE
_ENTRY = b'{"line":'
COLUMNS = MessageRow.model_fields.keys() | ReceiptRow.model_fields.keys() | TaskRow.model_fields.keys()

# CSV columns that hold JSON.
_JSON = {"extras", "targets", "tag_rule", "android", "ios", "iot"}
_BOM = b"\xef\xbb\xbf"
_GZIP = b"\x1f\x8b"


class Row(NamedTuple):
    line: int
    raw: bytes
    kind: Kind
    values: dict[str, object]


class Rejected(NamedTuple):
    line: int
    raw: bytes
    error: str
    ends: bool = False  # the file could not be read further
    cut: bool = False  # `raw` is not the whole line
    columns: list[str] | None = None  # of CSV
    values: dict[str, object] | None = None  # if the line could be read


class UnreadableFile(Exception):
    """The text says why."""


Line = tuple[int, bytes] | Rejected


def format_of(name: str) -> Format | None:
    """The format by a file's name; None for standard input, "-"."""
    if name == "-":
        return None
    return "csv" if name.lower().removesuffix(".gz").endswith(".csv") else "jsonl"


def rows(stream: "io.BufferedReader[Any]", *, form: Format | None = None) -> Iterator[Row | Rejected]:
    """The rows and rejected lines of a binary stream, without blank lines.

    Without `form`, a first character "{" means JSON Lines. Raises UnreadableFile when called, not while read.
    """
    head = stream.peek(2)[:2]
    readline: Callable[[int], bytes] = stream.readline
    # A pipe may give one byte at first. No text begins with that one.
    if head and _GZIP.startswith(head):
        readline = gzip.GzipFile(fileobj=stream).readline
    lines = _lines(readline)
    if form is None:
        first = next((line for line in lines if isinstance(line, Rejected) or line[1].strip()), None)
        if first is None:
            return iter(())
        lines = chain([first], lines)
        form = "jsonl" if isinstance(first, Rejected) or first[1].lstrip()[:1] == b"{" else "csv"
    return _json_rows(lines) if form == "jsonl" else _csv_rows(lines)


def _lines(readline: Callable[[int], bytes]) -> Iterator[Line]:
    number = 0
    while True:
        number += 1
        try:
            limit = MAX_LINE
            raw = readline(limit + 1)
            if len(raw) > limit and not raw.endswith(b"\n") and raw.startswith(_ENTRY):
                limit = _MAX_ENTRY
                raw += readline(limit + 1 - len(raw))
            if len(raw) > limit and not raw.endswith(b"\n"):
                while (rest := readline(MAX_LINE)) and not rest.endswith(b"\n"):
                    pass
                yield Rejected(number, raw, f"longer than {limit:,} bytes", cut=True)
                continue
        except (EOFError, OSError, zlib.error) as error:
            damaged = isinstance(error, (gzip.BadGzipFile, zlib.error))
            reason = "the gzip data is damaged" if damaged else getattr(error, "strerror", None)
            yield Rejected(number, b"", f"reading ended here: {reason or 'the file is cut short'}", ends=True)
            return
        if not raw:
            return
        yield number, raw.removeprefix(_BOM) if number == 1 else raw


def _json_rows(lines: Iterator[Line]) -> Iterator[Row | Rejected]:
    for line in lines:
        if isinstance(line, Rejected):
            yield line
            continue
        number, raw = line
        if raw.strip():
            yield _json_row(number, raw)


def _json_row(number: int, raw: bytes) -> Row | Rejected:
    try:
        values = parse_object(raw)
    except ValueError as error:
        return Rejected(number, raw, str(error))
    return _json_values(number, raw, values)


def _json_values(number: int, raw: bytes, values: dict[str, object]) -> Row | Rejected:
    if "error" in values and ("row" in values or "row_base64" in values):
        return _rejected_before(number, raw, values)
    return Row(number, raw, _kind(values), values)


def entry(rejected: Rejected) -> dict[str, object]:
    """The line's entry in a rejects file, from which `rows` reads the row again.

    The row is an object if it could be read, otherwise text. Text that is not UTF-8 or has a NUL byte is base64.
    """
    shown: dict[str, object] = {"line": rejected.line, "error": rejected.error}
    if rejected.values is not None:
        return shown | {"row": rejected.values}
    if rejected.columns is not None:
        shown["columns"] = rejected.columns
    raw = rejected.raw.rstrip(b"\r\n")
    if rejected.cut or rejected.ends:
        return shown | {"cut": True, "row": raw.decode(errors="replace")}
    try:
        if b"\0" not in raw:
            return shown | {"row": raw.decode()}
    except UnicodeDecodeError:
        pass
    return shown | {"row_base64": base64.b64encode(raw).decode()}


def _rejected_before(number: int, line: bytes, held: dict[str, object]) -> Row | Rejected:
    row, columns = held.get("row"), held.get("columns")
    if isinstance(row, dict):
        return _json_values(number, line, row)
    try:
        raw = (
            row.encode() if isinstance(row, str) else base64.b64decode(str(held.get("row_base64", "-")), validate=True)
        )
    except ValueError:
        return Rejected(number, line, "neither row (an object or text) nor row_base64 can be read", values=held)
    if held.get("cut"):
        return Rejected(number, raw, "not the whole line: take it from the file that was imported first", cut=True)
    if columns is None:
        return _json_row(number, raw)
    try:
        names = _names([str(name) for name in columns] if isinstance(columns, list) else [str(columns)])
    except UnreadableFile:
        return Rejected(number, line, "columns: must be a list of known columns, each once", values=held)
    records = list(_csv_records((number, text) for text in io.BytesIO(raw)))
    return _csv_row(records[0] if len(records) == 1 else Rejected(number, raw, "not one CSV record"), names)


def _kind(values: dict[str, object]) -> Kind:
    if "push_id" in values:
        return "task"
    is_receipt = "code" in values or "at" in values or "message_id" in values or "revoked" in values
    return "receipt" if is_receipt else "message"


class _Feed:
    """Gives lines to csv.reader and remembers those of the current record."""

    def __init__(self, lines: Iterator[Line]) -> None:
        self.lines = lines
        self.again: deque[Line] = deque()
        self.taken: list[Line] = []
        self.size = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        # A quotation mark that is never closed would take the rest of the file.
        if self.size > MAX_LINE:
            raise StopIteration
        line = self.again.popleft() if self.again else next(self.lines)
        self.taken.append(line)
        self.size += len(line[1])
        if isinstance(line, Rejected):
            raise ValueError(line.error)
        return line[1].decode()


def _csv_records(lines: Iterator[Line]) -> Iterator[tuple[int, bytes, list[str]] | Rejected]:
    feed = _Feed(lines)
    reader = csv.reader(feed, strict=True)
    while True:
        feed.taken, feed.size = [], 0
        try:
            cells = next(reader)
        except StopIteration:
            return
        except (csv.Error, ValueError) as error:
            unclosed = len(feed.taken) > 1 or "unexpected end" in str(error)
            # The lines after the first are read again as records of their own.
            first, *others = feed.taken
            feed.again.extendleft(reversed(others))
            if isinstance(first, Rejected):
                yield first
            elif isinstance(error, UnicodeDecodeError) and not unclosed:
                yield Rejected(*first, "not UTF-8")
            else:
                yield Rejected(*first, "not CSV: " + ("an open quotation mark" if unclosed else str(error)))
        else:
            raw = b"".join([line[1] for line in feed.taken])
            if raw.strip():
                yield feed.taken[0][0], raw, cells


def _csv_rows(lines: Iterator[Line]) -> Iterator[Row | Rejected]:
    records = _csv_records(lines)
    header = next(records, None)
    if header is None or isinstance(header, Rejected):
        raise UnreadableFile(header.error if header else "empty, without a first line that names the columns")
    names = _names(header[2])
    return (_csv_row(record, names) for record in records)


def _names(cells: list[str]) -> list[str]:
    names = [cell.strip() for cell in cells]
    if unknown := [(number, name) for number, name in enumerate(names, 1) if name not in COLUMNS]:
        # The values of a row do not belong on a terminal.
        shown = [f"“{name}”" if re.fullmatch("[A-Za-z_]{1,30}", name) else f"no. {n}" for n, name in unknown]
        raise UnreadableFile("the first line must name columns, with commas; unknown: " + ", ".join(shown))
    if len(set(names)) != len(names):
        raise UnreadableFile("the first line names a column twice")
    return names


def _csv_row(record: tuple[int, bytes, list[str]] | Rejected, names: list[str]) -> Row | Rejected:
    """Leaves out empty cells. Numbers stay text, which `ingest` accepts."""
    if isinstance(record, Rejected):
        return record._replace(columns=names)
    line, raw, cells = record

    def rejected(error: str) -> Rejected:
        return Rejected(line, raw, error, columns=names)

    if len(cells) != len(names):
        return rejected(f"not CSV: {len(cells)} cells under a header of {len(names)}")
    if b"\0" in raw:
        return rejected("holds a NUL character")
    values: dict[str, object] = {name: cell for name, cell in zip(names, cells, strict=True) if cell}
    for name in _JSON & values.keys():
        try:
            values[name] = _json(name, str(values[name]))
        except ValueError as error:
            return rejected(f"{name}: {error}")
    if "revoked" in values:
        if (word := str(values["revoked"]).lower()) not in ("true", "false"):
            return rejected("revoked: must be true or false")
        values["revoked"] = word == "true"
    return Row(line, raw, _kind(values), values)


def _json(name: str, cell: str) -> object:
    return from_json(cell, allow_inf_nan=False) if name == "targets" else parse_object(cell.encode())
