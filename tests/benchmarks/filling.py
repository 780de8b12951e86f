"""The log that is measured, in the order of arrival, stored once for each size."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter

from django.core.management import call_command
from django.db import connection

from pushlog.maintenance import reindex
from pushlog.models import Message
from pushlog.postgres import partitions
from tests.benchmarks import arrival, million_tasks

SEED = 1
LOG = "in order of arrival"  # logs of before were loaded app by app
MOST = 4  # processes: more would wait for each other
_ROOT = Path(__file__).resolve().parents[2]


def ensure(folder: Path, rows: int) -> None:
    """Fills the log in `folder` by the project's own path, if it is empty. Exits if it has only a part of its messages.

    A file says that it has them all: half a log, left by a run that was killed, must not be measured as a whole one.
    """
    call_command("migrate", verbosity=0)
    partitions.ensure_window()
    marker = folder / "loaded.json"
    if not marker.exists():
        if Message.objects.exists():
            sys.exit(f"The log in {folder} was never loaded to its end: delete that folder, and start again.")
        until = datetime.now(UTC).replace(second=0, microsecond=0)
        _store(rows, until)
        marker.write_text(json.dumps({"log": LOG, "rows": rows, "seed": SEED, "until": until.isoformat()}))
    elif json.loads(marker.read_text()).get("log") != LOG:
        sys.exit(f"The log in {folder} is of an older kind: delete that folder, and start again.")
    million_tasks.load(rows)
    _settle()


def _settle() -> None:
    """What maintenance and autovacuum do to a log in the course of its days, all at once."""
    for one in reindex.due(datetime.now(UTC)):
        reindex.rebuild(one)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE)")


def _store(rows: int, until: datetime) -> None:
    """Has a process for each core store its share; a line for each five in a hundred. Exits if one of them fails."""
    arrival.ensure_apps()  # before they all do
    processes = min(MOST, os.cpu_count() or 1)
    print(f"Loading {rows:,} messages by {processes} processes …", flush=True)
    given = [str(processes), str(rows), str(SEED), until.isoformat()]
    ours, theirs = os.pipe()
    with open(ours) as lines:
        children = [
            subprocess.Popen([sys.executable, "-m", "tests.benchmarks.share", str(k), *given], cwd=_ROOT, stdout=theirs)
            for k in range(processes)
        ]
        os.close(theirs)  # or the lines would not end with the last of them
        start, done = perf_counter(), 0
        try:
            for line in lines:
                before, done = done, done + int(line)
                if before * 20 // rows < done * 20 // rows:
                    print(f"{done * 100 // rows:4} %, {perf_counter() - start:,.0f} s", flush=True)
                if any(child.poll() for child in children):
                    break
            else:
                for child in children:
                    child.wait()
        finally:
            for child in children:
                child.terminate()
    if any(child.wait() for child in children):
        sys.exit("A process that was loading failed, as it says above.")
