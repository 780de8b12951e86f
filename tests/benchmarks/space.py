"""The search for trouble: every pair of what people can choose in the message list, and a sample of more at once.

Times are ratios to the plain list of the same app, in the same run. What an answer reads has the bound.
"""

import csv
import sys
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from time import perf_counter

from django.http import HttpResponseBase
from django.test import Client

from tests.benchmarks import arrival, pages
from tests.benchmarks.figures import Facts, Figure, Found
from tests.benchmarks.questions import Question, Space
from tests.benchmarks.reading import NOTHING, Indexes, Reading, reading

BOUND = 20_000  # index entries and rows that one answer may visit
SAMPLE, SEED = 400, 1
WORST = 20
_EVERY = 25  # questions between two looks at the plain list
_LOOKS = 9
_AGAIN = 5
_REPORT = "space.csv"


@dataclass(frozen=True, slots=True)
class Answer:
    question: Question
    status: int
    ms: float
    ratio: float
    read: Reading

    @property
    def holds(self) -> bool:
        return self.status == 200 and 0 <= self.read.rows <= BOUND

    def __str__(self) -> str:
        return (
            f"{self.ratio:8.1f} x {self.ms:8.1f} ms  {self.status}  {self.read.rows:>10,} rows"
            f" {self.read.buffers:>9,} buffers  {self.question}\n           {self.read.nodes}"
        )


def measure(folder: Path, *, report: bool = False) -> Found:
    """Asks everything once, and the slowest again. Prints those; if asked, writes all answers to a file."""
    spaces = [Space(app, now=datetime.now(UTC)) for app in arrival.ensure_apps().values()]
    client = pages.member("bench-space", *(space.app for space in spaces))
    indexes = Indexes()
    answers = [answer for space in spaces for answer in _answers(space, client, indexes)]
    by_app = {space.app.slug: space for space in spaces}
    # A noisy neighbour makes some look slow: those that read much are asked again too.
    suspects = dict.fromkeys([*_most(answers, lambda one: one.ratio), *_most(answers, lambda one: one.read.buffers)])
    worst = _most([_again(one, by_app[one.question.app], client) for one in suspects], lambda one: one.ratio)[:WORST]
    if report:
        _write(folder / _REPORT, answers)
    _print("The slowest:", worst)
    _print("Those that read most:", _most(answers, lambda one: one.read.rows)[:WORST])
    _print("Not answered:", [one for one in answers if one.status != 200][:WORST])
    over = [one for one in answers if not one.holds]
    most = max(one.read.rows for one in answers)
    budget = f"all answered 200, ≤ {BOUND:,} rows read"
    whole = Figure("space: all questions", median(one.ms for one in answers), 0, worst[0].ratio, budget, not over)
    facts: Facts = {
        "questions": len(answers),
        f"over the bound of {BOUND:,} rows": sum(one.read.rows > BOUND for one in answers),
        "answered 5xx": sum(one.status >= 500 for one in answers),
        "answered otherwise than 200": sum(one.status != 200 for one in answers),
        "rows read at the most": most,
        "buffers read at the most": max(one.read.buffers for one in answers),
    }
    return Found([whole], facts)


def _answers(space: Space, client: Client, indexes: Indexes) -> Iterator[Answer]:
    plain = Question(space.app.slug, ())
    control = deque([_asked(space, plain, client)[1] for _ in range(_LOOKS)], _LOOKS)
    questions = dict.fromkeys([plain, *space.pairs(), *space.sample(SAMPLE, seed=SEED)])
    start = perf_counter()
    for number, question in enumerate(questions):
        if number % _EVERY == 0:
            control.append(_asked(space, plain, client)[1])
        if number % 1_000 == 0:
            done = f"{space.app.slug}: {number:,} of {len(questions):,} questions, {perf_counter() - start:,.0f} s"
            print(done, file=sys.stderr, flush=True)
        address = space.address(question, client)
        if not address:
            continue
        (response, ms), explained = reading(lambda address=address: _timed(client, address), indexes)  # type: ignore[misc]
        space.note(question, response)
        read = explained() if response.status_code == 200 else replace(NOTHING, nodes="no plan")
        yield Answer(question, response.status_code, ms, ms / median(control), read)


def _most(answers: list[Answer], key: Callable[[Answer], float]) -> list[Answer]:
    return sorted(answers, key=key, reverse=True)[: 2 * WORST]


def _again(answer: Answer, space: Space, client: Client) -> Answer:
    """Its time as the median of several, in turn with the plain list's. One that timed out is not waited for again."""
    if answer.status != 200:
        return answer
    plain, times, control = Question(space.app.slug, ()), list[float](), list[float]()
    for _ in range(_AGAIN):
        control.append(_asked(space, plain, client)[1])
        times.append(_asked(space, answer.question, client)[1])
    return replace(answer, ms=median(times), ratio=median(times) / median(control))


def _asked(space: Space, question: Question, client: Client) -> tuple[HttpResponseBase, float]:
    return _timed(client, space.address(question, client))


def _timed(client: Client, address: str) -> tuple[HttpResponseBase, float]:
    start = perf_counter()
    response = client.get(address)
    return response, (perf_counter() - start) * 1000


def _print(title: str, answers: list[Answer]) -> None:
    if answers:
        print(f"\n{title}")
        for one in answers:
            print(one)


def _write(file: Path, answers: list[Answer]) -> None:
    with file.open("w", newline="") as lines:
        writer = csv.writer(lines)
        writer.writerow(["question", "status", "ms", "ratio", "rows", "buffers", "nodes"])
        for one in answers:
            read = one.read
            writer.writerow(
                [one.question, one.status, f"{one.ms:.1f}", f"{one.ratio:.2f}", read.rows, read.buffers, read.nodes]
            )
    print(f"All answers are in {file}.")
