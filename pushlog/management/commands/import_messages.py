"""Imports files of messages, receipts and push tasks. `pushlog.row_files` says what a file may look like."""

import json
import os
import re
import select
import stat
import sys
import time
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from io import BufferedReader, RawIOBase
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import Error as DatabaseError
from psycopg.errors import UndefinedTable
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from pushlog import ingest
from pushlog.clock import ClockOff
from pushlog.models import App
from pushlog.row_files import Format, Rejected, Row, UnreadableFile, entry, format_of, rows

# Ten thousand long lines would need gigabytes.
_BATCH_BYTES = 16 << 20

_MOST_PATIENT = 3600  # seconds

# The outcomes of a row by its kind: their words and remarks in the summary.
_OUTCOMES = {
    "task": {
        "accepted": ("tasks accepted", ""),
        "updated": ("tasks updated", ""),
        "unchanged": ("tasks unchanged", "the log had them as they are"),
    },
    "message": {
        "accepted": ("messages accepted", ""),
        "duplicates": ("duplicates", "messages already in the log"),
    },
    "receipt": {
        "applied": ("receipts applied", ""),
        "stale": ("receipts stale", "late or repeated; the status stays"),
        "early": ("early receipts", "applied when their message arrives"),
    },
}
_Writer = Callable[..., ingest.TasksResult | ingest.MessagesResult | ingest.ReceiptsResult]


@dataclass(slots=True)
class Totals:
    """`lines` is the sum of all `outcomes` (by kind and name) and of `rejected`."""

    lines: int = 0
    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    rejected: int = 0
    stored: str = "nothing"
    rejects: list[Path] = field(default_factory=list)
    cut_short: list[str] = field(default_factory=list)
    nothing_stored: list[str] = field(default_factory=list)


class Command(BaseCommand):
    help = (
        "Stores messages, receipts and push tasks from JSON Lines or CSV files, plain or gzip; - is the standard input."
        " Rejected lines go to a new file, FILE.rejected.jsonl or FILE.rejected-2.jsonl and so on, each with its number"
        " and the reason. Correct them there and import that file. An import may be repeated: a row with both"
        " created_at and customer_message_id is stored once. Exit status: 0 if all lines were stored, 3 if some were"
        " rejected, 1 if no line of a file could be stored or the import failed."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("files", nargs="+", metavar="FILE")
        parser.add_argument("--app", required=True, metavar="SLUG", help="the app that all rows belong to")
        parser.add_argument("--format", dest="form", choices=["jsonl", "csv"], help="default: by the name")
        parser.add_argument("--batch", type=int, default=ingest.MAX_ROWS, help="lines in one transaction (%(default)s)")
        parser.add_argument(
            "--flush-after",
            type=float,
            default=1.0,
            metavar="SECONDS",
            help="store the lines of a pipe after this time, though the batch is not full (%(default)s)",
        )

    def handle(
        self, *, files: list[str], app: str, form: Format | None, batch: int, flush_after: float, **options: Any
    ) -> None:
        """Prints the summary, and raises CommandError unless every line was read and stored."""
        if not 1 <= batch <= ingest.MAX_ROWS:
            raise CommandError(f"--batch must be from 1 to {ingest.MAX_ROWS:,}")
        if not 0 < flush_after <= _MOST_PATIENT:
            raise CommandError(f"--flush-after must be over 0, and at most {_MOST_PATIENT:,}")
        totals = Totals()
        stopped: CommandError | None = None
        try:
            owner = _app(app)
            _check(files, form)
            with _bar() as bar:
                _import(owner, files, form, batch, flush_after, totals, bar)
        except KeyboardInterrupt:
            stopped = CommandError(f"Stopped. Stored: {totals.stored}.", returncode=130)
        except DatabaseError as error:
            reason = str(error).strip().partition("\n")[0]
            if isinstance(error.__cause__, UndefinedTable):
                reason = "it has no tables yet: run manage.py migrate first"
            stopped = CommandError(f"The database failed: {reason}. Stored: {totals.stored}.")
        except ClockOff as error:
            stopped = CommandError(f"{error} Stored: {totals.stored}.")
        except OSError as error:
            stopped = CommandError(f"{error.filename or 'reading or writing'}: {error.strerror or error}")
        except UnreadableFile as error:
            stopped = CommandError(str(error))
        if totals.lines or not stopped:
            self._report(totals)
        if stopped:
            raise stopped
        if totals.cut_short:
            raise CommandError("Not read to the end: " + "; ".join(totals.cut_short))
        if totals.rejected:
            advice = f"Correct the rejected lines in {_names(totals)}, then import that, too."
            if totals.nothing_stored:
                raise CommandError(f"Nothing was stored of {', '.join(totals.nothing_stored)}. {advice}")
            raise CommandError(advice, returncode=3)

    def _report(self, totals: Totals) -> None:
        self.stdout.write(f"{totals.lines:>13,} lines read")
        for kind, outcomes in _OUTCOMES.items():
            numbers = {name: totals.outcomes[kind, name] for name in outcomes}
            # Few files have tasks.
            if kind != "task" or any(numbers.values()):
                for name, (words, remark) in outcomes.items():
                    self._entry(numbers[name], words, remark)
        self._entry(totals.rejected, "lines rejected", f"see {_names(totals)}" if totals.rejects else "")

    def _entry(self, number: int, words: str, remark: str) -> None:
        self.stdout.write(f"{number:>13,} {words}" + (f" ({remark})" if number and remark else ""))


def _names(totals: Totals) -> str:
    return ", ".join(map(str, totals.rejects))


def _app(slug: str) -> App:
    found = App.objects.filter(slug=slug).first()
    if found is None:
        known = ", ".join(App.objects.order_by("slug").values_list("slug", flat=True)[:20])
        raise CommandError(f"Unknown app “{slug}”. Known: {known or 'none yet'}.")
    return found


def _check(files: Iterable[str], form: Format | None) -> None:
    """Raises what opening a file would raise, before rows of another file are stored."""
    for name in files:
        # A pipe can be read only once, and opening it may wait for a writer.
        if name != "-" and not stat.S_ISFIFO(os.stat(name).st_mode):
            with _opened(name) as stream:
                _rows(name, stream, form)


def _opened(name: str) -> BufferedReader:
    return open(sys.stdin.fileno() if name == "-" else name, "rb", closefd=name != "-")


def _rows(name: str, stream: BufferedReader, form: Format | None) -> Iterator[Row | Rejected]:
    try:
        return rows(stream, form=form or format_of(name))
    except UnreadableFile as error:
        raise UnreadableFile(f"{name}: {error}") from error


def _import(
    app: App, files: list[str], form: Format | None, limit: int, flush_after: float, totals: Totals, bar: Progress
) -> None:
    for name in files:
        one = _Import(app, name, totals)
        task = bar.add_task("", total=os.stat(name).st_size or None if name != "-" else None)
        with _opened(name) as file, _pipe(file, one, flush_after) as stream:
            for line in _rows(name, stream, form):
                one.add(line)
                if len(one.batch) >= limit or one.size >= _BATCH_BYTES or one.age >= flush_after:
                    one.store()
                    position = stream.raw.tell() if stream.seekable() else None
                    bar.update(task, completed=position, description=f"{totals.lines:,} lines")
            one.store()
        bar.update(task, description=f"{totals.lines:,} lines")
        one.end()


class _Import:
    def __init__(self, app: App, name: str, totals: Totals) -> None:
        self.app, self.name, self.totals = app, name, totals
        self.batch: list[Row | Rejected] = []
        self.size = 0
        self.rejects: Path | None = None
        self.before = totals.lines, totals.rejected
        self._began = 0.0

    @property
    def age(self) -> float:
        """Seconds since the first line of the batch was read."""
        return time.monotonic() - self._began if self.batch else 0.0

    def add(self, line: Row | Rejected) -> None:
        if not self.batch:
            self._began = time.monotonic()
        self.batch.append(line)
        self.size += len(line.raw)

    def store(self) -> None:
        batch, self.batch, self.size = self.batch, [], 0
        if not batch:
            return
        rejected: list[Rejected] = []
        try:
            _store(self.app, batch, self.totals, rejected)
        finally:
            # Even if the receipts failed: the batch's messages are stored or rejected by then.
            self.totals.rejected += len(rejected)
            if rejected:
                if self.rejects is None:
                    self.rejects = _new_rejects(self.name)
                    self.totals.rejects.append(self.rejects)
                _write(self.rejects, rejected)
        self.totals.cut_short += [f"{self.name}, line {one.line}: {one.error}" for one in rejected if one.ends]
        self.totals.stored = f"everything up to line {batch[-1].line:,} of {self.name}"

    def end(self) -> None:
        lines, rejected = self.totals.lines - self.before[0], self.totals.rejected - self.before[1]
        if 0 < rejected == lines:
            self.totals.nothing_stored.append(self.name)


class _Pipe(RawIOBase):
    """Stores what has been read while a pipe gives nothing."""

    def __init__(self, file: BufferedReader, one: _Import, flush_after: float) -> None:
        self._file: Any = file.raw
        self._import, self._flush_after = one, flush_after

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        while self._import.batch and not select.select([self._file], [], [], self._left())[0]:
            if not self._left():
                self._import.store()
        taken: int | None = self._file.readinto(buffer)
        return taken

    def _left(self) -> float:
        return max(self._flush_after - self._import.age, 0.0)


class _PipeReader(BufferedReader):
    def read(self, size: int | None = -1, /) -> bytes:
        """What is there: gzip would wait until its buffer is full."""
        return self.read1(-1 if size is None else size)


def _pipe(file: BufferedReader, one: _Import, flush_after: float) -> BufferedReader:
    return file if file.seekable() else _PipeReader(_Pipe(file, one, flush_after))


def _new_rejects(name: str) -> Path:
    """Makes a new, empty file for the rejected lines of a file. A rejects file and its own rejects share a name."""
    # A pipe such as /dev/fd/63 has no folder to write to.
    base = "stdin" if name == "-" else name if os.path.isfile(name) else Path(name).name
    base = re.sub(r"\.rejected(-\d+)?\.jsonl$", "", base)
    number, path = 1, Path(f"{base}.rejected.jsonl")
    while True:
        try:
            # Rows are personal data: the file is for its owner only.
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        except FileExistsError:
            number += 1
            path = Path(f"{base}.rejected-{number}.jsonl")
        else:
            return path


def _store(app: App, batch: list[Row | Rejected], totals: Totals, rejected: list[Rejected]) -> None:
    rejected += [line for line in batch if isinstance(line, Rejected)]
    totals.lines += len(rejected)
    # A task before its messages, and a message before its receipts.
    writers: dict[str, _Writer] = {
        "task": ingest.write_tasks,
        "message": ingest.write_messages,
        "receipt": ingest.write_receipts,
    }
    for kind, write in writers.items():
        if rows := [line for line in batch if isinstance(line, Row) and line.kind == kind]:
            result = write(app=app, rows=[row.values for row in rows])
            wrong = [(rows[one.index], one.error) for one in result.rejected]
            rejected += [Rejected(row.line, row.raw, error, values=row.values) for row, error in wrong]
            totals.lines += len(rows)
            for name in _OUTCOMES[kind]:
                totals.outcomes[kind, name] += getattr(result, name)


def _write(path: Path, rejected: list[Rejected]) -> None:
    with path.open("a", encoding="utf-8") as file:
        for one in sorted(rejected, key=lambda one: one.line):
            file.write(json.dumps(entry(one), ensure_ascii=False) + "\n")


def _bar() -> Progress:
    """Shows progress on a terminal, in bytes of the files as they are, compressed or not."""
    columns = (BarColumn(), DownloadColumn(), TimeRemainingColumn(), TextColumn("{task.description}"))
    return Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty())
