"""Several processes of Locust against one console, and the lines that they keep."""

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any

from tests.load.served import ROOT, Served

PROCESSES = 4  # in pairs, of which both send the same rows
USERS = 3  # in a process: two gateways and a reader

Line = dict[str, Any]


def run(served: Served, folder: Path, start: datetime, meanwhile: Callable[[], None]) -> list[Line]:
    """Has gateways and readers work while `meanwhile` runs, which begins when all processes are at work.

    Gives a line for each request of any of them, with the number of its process.
    """
    outs = [folder / f"{number}.jsonl" for number in range(PROCESSES)]
    seed, common = Random().randrange(10**6) * 10, _arguments(served, start)
    processes = []
    for number, out in enumerate(outs):
        own = {"seed": seed + number // 2 * USERS, "order": number, "out": out}
        with out.with_suffix(".log").open("wb") as log:
            command = [*common, *(f"--{name}={value}" for name, value in own.items())]
            processes.append(
                subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
            )
    try:
        deadline = time.monotonic() + 60
        for process, out in zip(processes, outs, strict=True):
            # Readers must be in: allauth takes only so many tries to log in, from one address and a minute.
            while not (out.exists() and all(word in out.read_text() for word in ('"batch"', '"list"'))):
                assert (process.poll(), time.monotonic() < deadline) == (None, True), out.with_suffix(
                    ".log"
                ).read_text()
                time.sleep(0.1)
        meanwhile()
    finally:
        for process in processes:
            process.terminate()
        ends = [process.wait(180) for process in processes]
    assert ends == [0] * PROCESSES, "".join(out.with_suffix(".log").read_text() for out in outs)
    return [
        json.loads(line) | {"process": number}
        for number, out in enumerate(outs)
        for line in out.read_text().splitlines()
    ]


def acknowledged(lines: list[Line]) -> list[Line]:
    """What gateways sent and the console said it has."""
    return [line for line in lines if "batch" in line and line["status"] == 200]


def summary(lines: list[Line]) -> str:
    """How much was done, in a line."""
    written, sent = acknowledged(lines), [line for line in lines if "batch" in line]
    rows = {line["name"]: 0 for line in written}
    for line in written:
        rows[line["name"]] += len(line["rows"]) if line["name"] == "messages" else line["rows"]
    accepted = sum(line["answer"].get("accepted", 0) for line in written)
    keys = {key for line in written if line["name"] == "messages" for key in line["rows"]}
    read = Counter(line["status"] for line in lines if "batch" not in line)
    again = Counter(line["status"] for line in sent if line["status"] != 200)
    return (
        f"{len(sent)} requests with rows, {len(written)} of them acknowledged, the others sent again {dict(again)}; "
        f"rows acknowledged {rows}, {len(keys)} different messages, {accepted} told to be new; pages {dict(read)}"
    )


def _arguments(served: Served, start: datetime) -> list[str]:
    """What the command has that starts any of the processes."""
    options: dict[str, object] = {
        "host": f"http://127.0.0.1:{served.port}",
        "users": USERS,
        "spawn-rate": USERS,
        "stop-timeout": 120,
        "exit-code-on-error": 0,  # requests may fail, and their lines say so
        "loglevel": "WARNING",
        "start": start.isoformat(),
        "authorization": served.credential(),
        "password": served.password(),
    }
    locust = [sys.executable, "-m", "locust", "-f", "tests/load/locustfile.py", "--headless", "--only-summary"]
    return locust + [f"--{name}={value}" for name, value in options.items()]
