"""`make bench`: the budgets of the design, measured in one run, as a table. Ends with 1 if one does not hold."""

import argparse
import json
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from tests.benchmarks.figures import Figure

PARTS = ["pages", "peers", "writing", "http", "importing", "tpns", "sizes", "load"]
VAR = Path(__file__).resolve().parents[2] / "var" / "bench"


def main() -> int:
    """Loads what is missing of the rows, measures, prints and writes var/bench/<rows>/figures.json."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=400_000)
    parser.add_argument("--only", nargs="+", metavar="PART", help="some of: " + ", ".join(PARTS), choices=PARTS)
    given = parser.parse_args()
    rows: int = given.rows
    parts: list[str] = given.only or PARTS
    # Said before anything is measured, not after it.
    if "load" in parts and not shutil.which("wrk"):
        parser.error("the part “load” needs wrk (apt-get install wrk); --only names the parts to measure")
    # A log of its own for each size, beside the one that `make run` shows.
    var = VAR / str(rows)
    os.environ |= {
        "PUSHLOG_VAR": str(var),
        "DJANGO_SETTINGS_MODULE": "console.settings",
        "ALLOWED_HOSTS": "testserver,127.0.0.1",
    }
    os.environ.pop("DATABASE_URL", None)

    import django
    from django.conf import settings
    from rich.console import Console
    from rich.table import Table

    from console import database

    database.start()
    django.setup()
    settings.ROOT_URLCONF = "tests.benchmarks.control"
    _load(rows)

    from tests.benchmarks import http, importing, load, pages, peers, sizes, tpns, writing

    measures: dict[str, Callable[[], list[Figure]]] = {
        "pages": pages.measure,
        "peers": lambda: peers.measure(rows),
        "writing": writing.measure,
        "http": http.measure,
        "importing": importing.measure,
        "tpns": tpns.measure,
    }
    figures = [figure for part, measure in measures.items() if part in parts for figure in measure()]
    facts = (sizes.measure() if "sizes" in parts else {}) | (load.measure() if "load" in parts else {})
    table = Table("what", "p50 ms", "p95 ms", "ratio", "spread", "budget", "holds", title=f"{rows:,} messages")
    for one in figures:
        numbers = (f"{one.p50:.1f}", f"{one.p95:.1f}", f"{one.ratio:.2f}", one.spread)
        table.add_row(one.name, *numbers, one.budget, "yes" if one.holds else "NO")
    console = Console(width=120)
    console.print(table)
    for name, number in facts.items():
        console.print(f"{number:>14,} {name}", highlight=False)
    content = {"rows": rows, "at": datetime.now(UTC).isoformat(), "figures": [asdict(one) for one in figures]}
    (var / "figures.json").write_text(json.dumps(content | {"facts": facts}, indent=1))
    return 0 if all(one.holds for one in figures) else 1


def _load(rows: int) -> None:
    """Fills an empty log with the demo's messages, which are skewed as real ones are, by the project's own path."""
    from django.core.management import call_command
    from django.db import connection

    from pushlog import demo, partitions
    from pushlog.models import Message
    from tests.benchmarks import tpns

    call_command("migrate", verbosity=0)
    partitions.ensure_window()
    if not Message.objects.exists():
        print(f"Loading {rows:,} messages …", flush=True)
        demo.load(count=rows, seed=1, until=datetime.now(UTC).replace(second=0, microsecond=0))
    tpns.load(rows)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE)")


if __name__ == "__main__":
    sys.exit(main())
