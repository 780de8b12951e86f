"""The figures as tables: one run's for the terminal, and those of all sizes for docs/performance.md."""

from collections.abc import Callable

from rich.console import Console
from rich.table import Table

from tests.benchmarks.figures import Facts, Figure, Found
from tests.benchmarks.records import GROWTH, Record

WIDTH = 150
_COLUMNS: dict[str, Callable[[Figure], str]] = {
    "what": lambda one: one.name,
    "p50 ms": lambda one: f"{one.p50:.1f}",
    "p95 ms": lambda one: f"{one.p95:.1f}",
    "ratio": lambda one: f"{one.ratio:.2f}",
    "spread": lambda one: one.spread,
    "queries": lambda one: f"{one.queries or ''}",
    f"growth ≤ {GROWTH}": lambda one: _growth(one),
    "budget": lambda one: one.budget,
    "holds": lambda one: "yes" if one.holds else "NO",
}


def show(rows: int, parts: dict[str, Found]) -> None:
    """Prints what a run found: a table, if there are figures, without the columns that are empty; and the facts."""
    console = Console(width=WIDTH)
    figures = [one for found in parts.values() for one in found.figures]
    if figures:
        columns = {name: [text(one) for one in figures] for name, text in _COLUMNS.items()}
        columns = {name: texts for name, texts in columns.items() if any(texts)}
        table = Table(*columns, title=f"{rows:,} messages")
        for texts in zip(*columns.values(), strict=True):
            table.add_row(*texts)
        console.print(table)
    for found in parts.values():
        for name, number in found.facts.items():
            console.print(f"{number:>14,} {name}", highlight=False)


def markdown(sizes: dict[int, dict[str, Record]]) -> str:
    """The figures of all sizes side by side, then the facts, as two tables for GitHub."""
    names = [f"{size / 1_000_000:g} million" for size in sizes]
    figures = [{one.name: one for record in parts.values() for one in record.found.figures} for parts in sizes.values()]
    facts: list[Facts] = [
        {f"{part}: {name}": number for part, record in parts.items() for name, number in record.found.facts.items()}
        for parts in sizes.values()
    ]
    times = [header for name in names for header in (f"{name}: p50 ms", "ratio")]
    lines = [
        *_head(["what", *times, "growth", "budget", "holds"]),
        *(_line([what, *_compared(what, figures, names)]) for what in _union(figures)),
    ]
    if any(facts):
        lines += ["", *_head(["what", *names])]
        lines += [_line([what, *(f"{one[what]:,}" if what in one else "" for one in facts)]) for what in _union(facts)]
    return "\n".join(lines)


def _compared(what: str, figures: list[dict[str, Figure]], names: list[str]) -> list[str]:
    """The cells of one figure. Of the largest log that has it are growth and budget, and all must hold."""
    found = [one.get(what) for one in figures]
    largest = next(one for one in reversed(found) if one)
    missed = [name for name, one in zip(names, found, strict=True) if one and not one.holds]
    times = [text for one in found for text in ((f"{one.p50:.1f}", f"{one.ratio:.2f}") if one else ("", ""))]
    return [*times, _growth(largest), largest.budget, f"NO: {', '.join(missed)}" if missed else "yes"]


def _growth(figure: Figure) -> str:
    return "" if figure.growth is None else f"{figure.growth:.2f}"


def _union(sizes: list[dict[str, Figure]] | list[Facts]) -> list[str]:
    """All names in their order: a size may lack what another one has."""
    return list(dict.fromkeys(name for one in sizes for name in one))


def _head(cells: list[str]) -> list[str]:
    return [_line(cells), _line(["---", *["---:"] * (len(cells) - 1)])]


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"
