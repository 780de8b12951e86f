"""A large file with broken lines in it, imported by the real command in a process of its own, twice.

What every message's status must be is worked out from the file alone, by other means than the log's.
"""

import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import psycopg
import pytest

from pushlog import statuses
from pushlog.postgres import embedded

ROOT = Path(__file__).resolve().parents[3]
CHANNELS = ["own", "apns", "fcm", "huawei", "xiaomi", "oppo", "vivo", "honor", "meizu", "harmony"]
START = datetime.now(UTC).replace(microsecond=0) - timedelta(days=29)
BROKEN = [
    b'{"target_id": "cut',
    b"[1, 2]",
    b"null",
    b'{"target_id": 5, "push_type": "user", "created_at": "%(now)s"}',
    b'{"target_id": "x", "push_type": "user", "title": ["t"], "created_at": "%(now)s"}',
    b'{"target_id": "x", "push_type": "user", "app": "no-such-app", "created_at": "%(now)s"}',
    b'{"target_id": "x", "push_type": "user", "created_at": "1970-01-01T00:00:00Z"}',
    b'{"target_id": "x", "push_type": "user", "created_at": "2100-01-01T00:00:00Z"}',
    b'{"target_id": "x", "push_type": "user", "created_at": "2026-11-01T00:00:00"}',
    b'{"target_id": "x\\u0000", "push_type": "user", "created_at": "%(now)s"}',
    b'{"target_id": "x", "push_type": "user", "title": "%(megabyte)s", "created_at": "%(now)s"}',
    b'{"target_id": "\xff\xfe", "push_type": "user", "created_at": "%(now)s"}',
    b'{"target_id": "\\ud800", "push_type": "user", "created_at": "%(now)s"}',
    b'{"target_id": "x", "customer_message_id": "y", "channel": "own", "code": "two", "at": "%(now)s"}',
    b'{"target_id": "x", "customer_message_id": "y", "channel": "pigeon", "code": 2, "at": "%(now)s"}',
    b'{"target_id": "x", "customer_message_id": "y", "channel": "own", "code": 99999999999, "at": "%(now)s"}',
]


@dataclass(slots=True)
class Written:
    """What a file holds, as known to the one who wrote it."""

    lines: int = 0
    messages: int = 0
    repeats: int = 0
    receipts: int = 0
    broken: int = 0
    strongest: dict[int, tuple[int, int]] = field(default_factory=dict)
    statuses: dict[int, tuple[str, int]] = field(default_factory=dict)


def write_file(path: Path, count: int) -> Written:
    """`count` messages and twice as many receipts, in an order that no rule may depend on, and broken lines."""
    written = Written()
    rng = random.Random(7)
    latest: dict[int, int] = {}
    with path.open("wb") as file:
        for line in _lines(count, rng, written, latest):
            file.write(line + b"\n")
            written.lines += 1
    return written


def _lines(count: int, rng: random.Random, written: Written, latest: dict[int, int]) -> Iterator[bytes]:
    values = {b"now": START.isoformat().encode(), b"megabyte": b"t" * (1 << 20)}
    late: list[bytes] = []
    step = timedelta(days=28, hours=20) / count
    every = max(count // 200, 1)
    for number in range(count):
        message = _message(number, START + number * step, rng)
        receipts = [_receipt(number, START + number * step, rng, written, latest) for _ in range(2)]
        written.messages += 1
        written.receipts += 2
        order = [message, *receipts]
        rng.shuffle(order)
        yield order[0]
        late.append(order[1])
        yield order[2]
        # Held back for a while: receipts then come long before or after their message, and across batches.
        if len(late) > 5_000 or rng.random() < 0.1:
            yield late.pop(rng.randrange(len(late)))
        if number % every == 0:
            written.repeats += 1
            yield message
            written.broken += 1
            broken = BROKEN[number // every % len(BROKEN)]
            yield broken if b"%(" not in broken else broken % values
    yield from late


def _message(number: int, created: datetime, rng: random.Random) -> bytes:
    return json.dumps(
        {
            "target_id": f"user-{number % 50_000}",
            "push_type": "user",
            "mode": ("simple", "simple", "template", "multiple", "broadcast")[number % 5],
            "customer_message_id": f"order-{number}",
            "title": f"Order {number}",
            "content": "Your order is on its way. " * rng.randrange(1, 5),
            "created_at": created.isoformat(),
            "expires_in": 86400,
        }
    ).encode()


def _receipt(number: int, created: datetime, rng: random.Random, written: Written, latest: dict[int, int]) -> bytes:
    strongest = written.strongest
    # No two of a message at the same moment: which one would stand is a rule that other tests are about.
    delay = rng.randrange(1, 3_600_000) * 2 + (number in latest and latest[number] % 2 == 0)
    channel, code = rng.choice(CHANNELS), rng.choice([0, 1, 2, 3, 2009, 80300007, 4242])
    latest[number] = max(delay, latest.get(number, delay))
    rank = statuses.rank_of(statuses.Channel.by_word()[channel], code)
    if number not in strongest or (rank, delay) > strongest[number]:
        strongest[number] = rank, delay
        written.statuses[number] = channel, code
    return json.dumps(
        {
            "target_id": f"user-{number % 50_000}",
            "customer_message_id": f"order-{number}",
            "channel": channel,
            "code": code,
            "at": (created + timedelta(milliseconds=delay)).isoformat(),
        }
    ).encode()


def run(var: Path, *arguments: str, status: int = 0) -> tuple[str, int]:
    """A command of manage.py on a database of its own: what it printed, and the most memory it had, in MiB."""
    with tempfile.TemporaryFile("w+") as output:
        command = subprocess.Popen(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env={"PATH": os.environ["PATH"], "PUSHLOG_VAR": str(var)},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        # Looked at from outside: what the kernel says of a child at its end counts what it had of us before it began.
        peak = 0
        while command.poll() is None:
            with suppress(psutil.Error):
                peak = max(peak, psutil.Process(command.pid).memory_info().rss >> 20)
            time.sleep(0.1)
        output.seek(0)
        printed = output.read()
    assert command.returncode == status, printed
    return printed, peak


def totals(output: str) -> dict[str, int]:
    """The numbers of the command's summary by their words."""
    found = re.findall(r"^\s*([\d,]+) ([a-z ]+?)(?: \(|$)", output, re.MULTILINE)
    return {words: int(number.replace(",", "")) for number, words in found}


@pytest.mark.embedded
@pytest.mark.parametrize("count", [3_000, pytest.param(1_000_000, marks=pytest.mark.long)])
def test_import_of_a_large_broken_file_twice(count: int, tmp_path: Path) -> None:
    var, path = tmp_path / "var", tmp_path / "log.jsonl"
    written = write_file(path, count)
    run(var, "migrate", "-v", "0")
    embedded.start(var)
    run(var, "shell", "-v", "0", "-c", "from pushlog.models import App; App.objects.create(slug='shop', name='Shop')")

    started = time.monotonic()
    output, peak = run(var, "import_messages", str(path), "--app", "shop", status=3)
    seconds = time.monotonic() - started
    first = totals(output)
    again = totals(run(var, "import_messages", str(path), "--app", "shop", status=3)[0])
    print(f"\n{first}\nagain: {again}\n{written.lines / seconds:,.0f} lines a second, peak {peak} MiB")

    assert first["lines read"] == written.lines
    assert first["messages accepted"] == written.messages
    assert first["duplicates"] == written.repeats
    assert first["lines rejected"] == written.broken
    assert first["receipts applied"] + first["receipts stale"] + first["early receipts"] == written.receipts
    assert sum(again.values()) == 2 * written.lines
    assert again["messages accepted"] == again["receipts applied"] == again["early receipts"] == 0
    assert again["duplicates"] == written.messages + written.repeats
    for name in ("log.jsonl.rejected.jsonl", "log.jsonl.rejected-2.jsonl"):
        refused = [json.loads(line) for line in path.with_name(name).read_bytes().splitlines()]
        assert len(refused) == written.broken
        assert all(entry["error"] for entry in refused)
    # What two batches and the process itself take: a million messages take no more than a few thousand do.
    assert 50 < peak < 200
    assert _statuses(var) == written.statuses


def _statuses(var: Path) -> dict[int, tuple[str, int]]:
    """Channel and code of every message in the log, by its number in the file."""
    with psycopg.connect(embedded.url(var)) as connection:
        rows = connection.execute("SELECT customer_message_id, channel, code FROM pushlog_message")
        found = {int(number.removeprefix("order-")): (CHANNELS[channel - 1], code) for number, channel, code in rows}
        [kept] = connection.execute("SELECT count(*) FROM pushlog_keptreceipt").fetchone() or [None]
    assert kept == 0
    return found
