"""What runs have found, kept part by part: a run may measure only some, and the others' figures stay."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from tests.benchmarks.figures import Figure, Found

# The design's budget: forty million messages against four hundred thousand.
SMALLEST = 400_000
GROWTH = 1.3
_FILE = "figures.json"


@dataclass(frozen=True, slots=True)
class Record:
    """What one part found, and when (UTC)."""

    at: str
    found: Found


def kept(folder: Path) -> dict[str, Record]:
    """The newest record of each part that was ever measured on the log in this folder."""
    file = folder / _FILE
    parts = json.loads(file.read_text()).get("parts", {}) if file.exists() else {}
    return {
        name: Record(part["at"], Found([Figure(**one) for one in part["figures"]], part["facts"]))
        for name, part in parts.items()
    }


def keep(folder: Path, rows: int, part: str, found: Found) -> None:
    """Puts a part's record in the place of its last one."""
    records = kept(folder) | {part: Record(datetime.now(UTC).isoformat(timespec="seconds"), found)}
    parts = {name: {"at": record.at} | asdict(record.found) for name, record in records.items()}
    (folder / _FILE).write_text(json.dumps({"rows": rows, "parts": parts}, indent=1))


def by_size(folder: Path) -> dict[int, dict[str, Record]]:
    """The records of all logs under a folder, by their number of messages, the smallest first."""
    sizes = sorted(int(one.parent.name) for one in folder.glob(f"*/{_FILE}") if one.parent.name.isdigit())
    return {size: records for size in sizes if (records := kept(folder / str(size)))}


def with_growth(figures: Iterable[Figure], smallest: dict[str, Record]) -> list[Figure]:
    """The figures of the pages with their growth since the smallest log, and its budget.

    Both ratios are to the control of their own run, so a machine that was faster then does not show.
    """
    before = {one.name: one.ratio for one in smallest["pages"].found.figures} if "pages" in smallest else {}
    return [_grown(one, one.ratio / before[one.name]) if one.name in before and one.budget else one for one in figures]


def _grown(figure: Figure, growth: float) -> Figure:
    return replace(figure, growth=growth, holds=figure.holds and growth <= GROWTH)
