"""Reads files of messages, receipts and push tasks: JSON Lines or CSV, plain or gzip.

Nothing in a file may stop the reading of the rest: what is no row is handed on as `Rejected`, with the reason.
Memory is bounded by the longest line let through. Reasons hold no values, since values are personal data.
"""

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

# A row at all its limits (20,000 characters of content) stays under this even if every character is escaped.
MAX_LINE = 1 << 20
COLUMNS = MessageRow.model_fields.keys() | ReceiptRow.model_fields.keys() | TaskRow.model_fields.keys()

# Columns of CSV whose cells are JSON.
_JSON = {"extras", "targets", "tag_rule", "android", "ios", "iot"}
_BOM = b"\xef\xbb\xbf"
_GZIP = b"\x1f\x8b"


class Row(NamedTuple):
    """A row as it was read; whether its values are right is for `ingest` to say."""

    line: int
    raw: bytes
    kind: Kind
    values: dict[str, object]


class Rejected(NamedTuple):
    """A line which is no row, and why; `ends` when the file could not be read further."""

    line: int
    raw: bytes
    error: str
    ends: bool = False


class UnreadableFile(Exception):
    """The file as a whole cannot be taken; the text says why."""


Line = tuple[int, bytes] | Rejected


def format_of(name: str) -> Format | None:
    """The format by a file's name; None for "-", where the first character tells."""
    if name == "-":
        return None
    return "csv" if name.lower().removesuffix(".gz").endswith(".csv") else "jsonl"


def rows(stream: "io.BufferedReader[Any]", *, form: Format | None = None) -> Iterator[Row | Rejected]:
    """What a binary stream holds, in order, with line numbers from 1. Blank lines are passed over.

    Gzip is known by its first bytes; the format, unless given, by the first character that is not blank: "{"
    means JSON Lines. A CSV record of several lines has the number of its first. Raises UnreadableFile, before
    anything is yielded, for CSV without a header of known columns.
    """
    head = stream.peek(2)[:2]
    readline: Callable[[int], bytes] = stream.readline
    # A pipe may hand out a single byte at first; no text begins with that one.
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
            raw = readline(MAX_LINE + 1)
            if len(raw) > MAX_LINE and not raw.endswith(b"\n"):
                while (rest := readline(MAX_LINE)) and not rest.endswith(b"\n"):
                    pass
                yield Rejected(number, raw, f"longer than {MAX_LINE:,} bytes")
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
        try:
            values = parse_object(raw)
        except ValueError as error:
            if raw.strip():
                yield Rejected(number, raw, str(error))
        else:
            yield Row(number, raw, _kind(values), values)


def _kind(values: dict[str, object]) -> Kind:
    if "push_id" in values:
        return "task"
    is_receipt = "code" in values or "at" in values or "message_id" in values or "revoked" in values
    return "receipt" if is_receipt else "message"


class _Feed:
    """Gives lines to csv.reader, and knows which of them it took for the record it is reading."""

    def __init__(self, lines: Iterator[Line]) -> None:
        self.lines = lines
        self.again: deque[Line] = deque()
        self.taken: list[Line] = []
        self.size = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        # A quotation mark that is never closed would swallow the rest of the file.
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
            # The lines behind the first are read again, as records of their own.
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
    names = [cell.strip() for cell in header[2]]
    if unknown := [(number, name) for number, name in enumerate(names, 1) if name not in COLUMNS]:
        # Without a header the first line is a row, and its values are not for the terminal.
        shown = [f"“{name}”" if re.fullmatch("[A-Za-z_]{1,30}", name) else f"no. {n}" for n, name in unknown]
        raise UnreadableFile("the first line must name columns, with commas; unknown: " + ", ".join(shown))
    if len(set(names)) != len(names):
        raise UnreadableFile("the first line names a column twice")
    return (r if isinstance(r, Rejected) else _csv_row(*r, names) for r in records)


def _csv_row(line: int, raw: bytes, cells: list[str], names: list[str]) -> Row | Rejected:
    """The row of a record; an empty cell is no field. Numbers stay text, which `ingest` takes as well."""
    if len(cells) != len(names):
        return Rejected(line, raw, f"not CSV: {len(cells)} cells under a header of {len(names)}")
    if b"\0" in raw:
        return Rejected(line, raw, "holds a NUL character")
    values: dict[str, object] = {name: cell for name, cell in zip(names, cells, strict=True) if cell}
    for name in _JSON & values.keys():
        try:
            values[name] = _json(name, str(values[name]))
        except ValueError as error:
            return Rejected(line, raw, f"{name}: {error}")
    if "revoked" in values:
        if (word := str(values["revoked"]).lower()) not in ("true", "false"):
            return Rejected(line, raw, "revoked: must be true or false")
        values["revoked"] = word == "true"
    return Row(line, raw, _kind(values), values)


def _json(name: str, cell: str) -> object:
    return from_json(cell, allow_inf_nan=False) if name == "targets" else parse_object(cell.encode())
