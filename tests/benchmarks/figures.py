"""What a benchmark finds out."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table: times in milliseconds, the ratio that the budget is about, and whether it holds."""

    name: str
    p50: float
    p95: float
    ratio: float
    budget: str
    holds: bool
