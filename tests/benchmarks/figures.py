"""What a benchmark finds out."""

import gc
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median, quantiles
from time import perf_counter
from typing import TypeVar

Result = TypeVar("Result")
Facts = dict[str, float | int]


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table: times in milliseconds, the ratio that the budget is about, and whether it holds.

    `spread` is between which two ratios eight of ten rounds lay, where a round gives a ratio of its own. `queries` are
    those of one page. `growth` is the ratio divided by the one that the smallest log has for the same.
    """

    name: str
    p50: float
    p95: float
    ratio: float
    budget: str
    holds: bool
    spread: str = ""
    queries: int | None = None
    growth: float | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """What one part of a run finds: figures, which may have a budget, and numbers by their names, which have none."""

    figures: list[Figure] = field(default_factory=list)
    facts: Facts = field(default_factory=dict)


def timed(times: list[float], work: Callable[[], Result]) -> Result:
    """Does the work and adds its milliseconds to `times`. What others left to be collected is not in them."""
    gc.collect()
    start = perf_counter()
    result = work()
    times.append((perf_counter() - start) * 1000)
    return result


def speed(name: str, ours: list[float], bare: list[float], *, least: float, of: str) -> Figure:
    """How fast our way is, the bare way being 1; both took a turn in every round.

    The median of the rounds' own ratios: a machine that gets slower and faster again meets both sides of a round alike.
    """
    ratios = [other / own for own, other in zip(ours, bare, strict=True)]
    ratio, tenths = median(ratios), quantiles(ratios, n=10, method="inclusive")
    spread = f"{tenths[0]:.2f}-{tenths[-1]:.2f}"
    return Figure(name, median(ours), quantiles(ours, n=20)[-1], ratio, f"≥ {least} of {of}", ratio >= least, spread)
