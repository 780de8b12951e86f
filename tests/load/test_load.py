"""Gateways write while people read, and in the end the tables hold exactly what was acknowledged."""

import json
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.load.reader import Reader
from tests.load.rows import batch, state
from tests.load.served import ROOT, Served

TWINS = 2  # pairs of gateways, both of which send the same rows


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    served = Served(tmp_path_factory.mktemp("load") / "var")
    served.start()
    yield served
    served.stop()


def run(served: Served, folder: Path, meanwhile: Callable[[], None]) -> tuple[list[dict[str, Any]], list[int], int]:
    """Has gateways and a reader work while `meanwhile` runs; what was answered to both, and what was sent again."""
    authorization, start, stop = served.credential(), datetime.now(UTC), folder / "stop"
    first_seed = Random().randrange(10**6)
    gateways = []
    for number in range(2 * TWINS):
        seed, out = first_seed + number // 2, folder / f"{first_seed + number // 2}-{number}"
        arguments = map(str, (served.port, authorization, seed, number, start.isoformat(), out, stop))
        command = [sys.executable, "-m", "tests.load.gateway", *arguments]
        gateways.append((seed, out, subprocess.Popen(command, cwd=ROOT)))
    reader = Reader(served.port, served.password())
    reader.start()
    try:
        meanwhile()
    finally:
        stop.touch()
        ends = [gateway.wait(120) for _, _, gateway in gateways]
        read = reader.stop()
    assert ends == [0] * len(gateways)
    acknowledged, again = [], 0
    for seed, out, _ in gateways:
        *answers, last = [json.loads(line) for line in out.read_text().splitlines()]
        again += last["again"]
        acknowledged += [answer | {"seed": seed} for answer in answers]
    _compare(served, acknowledged, start)
    return acknowledged, read, again


def _compare(served: Served, acknowledged: list[dict[str, Any]], start: datetime) -> None:
    """Holds the tables against the rules applied to all that was acknowledged."""
    ids: dict[str, str] = {}
    expected = {}
    for one in acknowledged:
        assert one["answer"]["rejected"] == []
        if one["sent"] == "messages":
            for key, identifier in zip(one["rows"], one["answer"]["ids"], strict=True):
                assert ids.setdefault(key, identifier) == identifier
        messages, receipts = batch(one["seed"], one["batch"], start)
        for message, of_message in zip(messages, receipts, strict=True):
            expected[message["customer_message_id"]] = state(of_message)
    assert set(ids) == set(expected)

    seeds = "|".join(str(seed) for seed in {one["seed"] for one in acknowledged})
    ours = f"target_id LIKE 'load-%' AND customer_message_id ~ '^({seeds})-'"
    stored = served.query(
        f"SELECT id, customer_message_id, modified_at, code, channel FROM pushlog_message WHERE {ours}"
    )
    assert sorted((str(identifier), key) for identifier, key, *_ in stored) == sorted(
        (one, key) for key, one in ids.items()
    )
    history: dict[str, dict[Any, Any]] = defaultdict(dict)
    for identifier, at, code, channel, detail in served.query(
        "SELECT message_id, at, code, h.channel, detail FROM pushlog_statuschange h"
        f" JOIN pushlog_message m ON m.id = message_id WHERE {ours}".replace("code, h", "h.code, h")
    ):
        assert (at, code) not in history[str(identifier)]
        history[str(identifier)][at, code] = (channel, detail)
    for identifier, key, modified_at, code, channel in stored:
        wanted = expected[key]
        assert (modified_at, code, channel) == wanted.status or (code == -1000 and wanted.status is None)
        assert history[str(identifier)] == wanted.history
    assert served.query("SELECT count(*) FROM pushlog_keptreceipt") == [(0,)]


def _kill(served: Served, times: int) -> Callable[[], None]:
    def meanwhile() -> None:
        random = Random()
        for _ in range(times):
            time.sleep(random.random())
            served.kill()
            served.start()
            time.sleep(random.random())
            served.kill_database()
        time.sleep(1)

    return meanwhile


def _check_quiet(acknowledged: list[dict[str, Any]], read: list[int], again: int) -> None:
    """Without anything failing, every row is accepted by exactly one answer, and nobody gets an error."""
    answers = [one for one in acknowledged if one["sent"] == "messages"]
    accepted = sum(one["answer"]["accepted"] for one in answers)
    keys = {key for one in answers for key in one["rows"]}
    assert accepted == len(keys)
    assert again == 0
    assert set(read) == {200}
    print(f"{accepted} messages, {len(acknowledged)} requests, {len(read)} pages read")


def test_the_log_holds_what_was_acknowledged(served: Served, tmp_path: Path) -> None:
    _check_quiet(*run(served, tmp_path, lambda: time.sleep(5)))


def test_what_was_acknowledged_outlives_every_kill(served: Served, tmp_path: Path) -> None:
    acknowledged, _, again = run(served, tmp_path, _kill(served, 3))

    assert acknowledged
    assert again


@pytest.mark.long
def test_the_log_holds_what_was_acknowledged_for_minutes(served: Served, tmp_path: Path) -> None:
    _check_quiet(*run(served, tmp_path, lambda: time.sleep(180)))


@pytest.mark.long
def test_what_was_acknowledged_outlives_fifty_kills(served: Served, tmp_path: Path) -> None:
    acknowledged, _, again = run(served, tmp_path, _kill(served, 50))

    assert acknowledged
    assert again
