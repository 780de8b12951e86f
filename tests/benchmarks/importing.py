"""How fast the import command reads a file, against raw COPY of the same rows, and what memory it takes for it."""

import json
import subprocess
import sys
from contextlib import suppress
from io import StringIO
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter, sleep
from typing import Any
from uuid import UUID

import psutil
from django.core.management import call_command

from pushlog import ingest
from pushlog.models import App
from tests.benchmarks.figures import Facts, Figure, Found, speed, timed
from tests.benchmarks.writing import copy, message_rows, take_out

ROWS = 50_000
ROUNDS = 6
FLAT = 1.15
_MANAGE = Path(__file__).resolve().parents[2] / "manage.py"


def measure() -> Found:
    """A file of JSON Lines, by the command and by COPY in turn; then its memory. Leaves the log as it was."""
    app = App.objects.get(slug="bank")
    with TemporaryDirectory() as folder:
        speed_of_it = _speed(app, Path(folder))
        memory, facts = _memory(app, Path(folder))
        return Found([speed_of_it, memory], facts)


def _speed(app: App, folder: Path) -> Figure:
    times: dict[str, list[float]] = {"ours": [], "bare": []}
    for number in range(ROUNDS):
        rows = message_rows(number, ROWS)
        file = _file(folder, rows)
        ids = _stored(app, rows)
        lines = take_out(ids)
        for side in ("ours", "bare") if number % 2 else ("bare", "ours"):
            if side == "ours":
                timed(times[side], lambda file=file: _command(app, file))  # type: ignore[misc]
            else:
                timed(times[side], lambda lines=lines: copy(lines))  # type: ignore[misc]
            take_out(ids)
    return speed(f"import of {ROWS:,} messages", times["ours"], times["bare"], least=0.5, of="raw COPY")


def _memory(app: App, folder: Path) -> tuple[Figure, Facts]:
    """The largest process for the whole file against that for one batch of it. The times are the processes'."""
    peaks: dict[int, list[int]] = {ingest.MAX_ROWS: [], ROWS: []}
    times = []
    for number in range(3):
        for count, found in peaks.items():
            rows = message_rows(number, count)
            start = perf_counter()
            found.append(_peak(app, _file(folder, rows)))
            times.append((perf_counter() - start) * 1000)
            take_out(_stored(app, rows))
    least, most = (round(median(found) / 2**20) for found in peaks.values())
    ratio = most / least
    figure = Figure("import, peak of memory", median(times), max(times), ratio, f"≤ {FLAT} x a batch", ratio <= FLAT)
    return figure, {"MiB at the most, import of a file": most, "MiB at the most, import of one batch": least}


def _file(folder: Path, rows: list[dict[str, Any]]) -> Path:
    file = folder / "messages.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file


def _stored(app: App, rows: list[dict[str, Any]]) -> list[UUID]:
    """The IDs of the rows, which are in the log then."""
    batches = (rows[start : start + ingest.MAX_ROWS] for start in range(0, len(rows), ingest.MAX_ROWS))
    return [
        identifier for batch in batches for identifier in ingest.write_messages(app=app, rows=batch).ids if identifier
    ]


def _command(app: App, file: Path) -> None:
    out = StringIO()
    call_command("import_messages", str(file), app=app.slug, stdout=out)
    assert f"{ROWS:,} messages accepted" in out.getvalue(), out.getvalue()


def _peak(app: App, file: Path) -> int:
    """The most memory, in bytes, that a process importing the file was seen to have."""
    command = [sys.executable, str(_MANAGE), "import_messages", str(file), "--app", app.slug]
    peak = 0
    # The kernel's own record would not do: a new process starts with the peak of the one that it was forked from.
    with psutil.Popen(command, stdout=subprocess.DEVNULL) as process:
        while process.poll() is None:
            with suppress(psutil.NoSuchProcess):
                peak = max(peak, process.memory_info().rss)
            sleep(0.01)
    assert process.returncode == 0, "the import failed"
    return peak
