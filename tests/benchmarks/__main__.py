"""`make bench`: the budgets of the design, measured in one run, as a table. Ends with 1 if one does not hold."""

import argparse
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from tests.benchmarks import records, report
from tests.benchmarks.figures import Found

# What only reads comes first: what is written and taken away again leaves its room behind.
PARTS = ["pages", "space", "peers", "tpns", "sizes", "indexes", "writing", "http", "importing", "load"]
VAR = Path(__file__).resolve().parents[2] / "var" / "bench"


def main() -> int:
    """Loads the log if it is empty, measures, prints, and keeps what was found in var/bench/<rows>/figures.json."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=records.SMALLEST)
    parser.add_argument("--only", nargs="+", metavar="PART", help="some of: " + ", ".join(PARTS), choices=PARTS)
    parser.add_argument(
        "--markdown", action="store_true", help="measure nothing, print what was found at all sizes as a table"
    )
    parser.add_argument("--report", action="store_true", help="keep each answer of the part “space” in a file, too")
    given = parser.parse_args()
    if given.markdown:
        sizes = records.by_size(VAR)
        print(report.markdown(sizes) if sizes else "Nothing was measured yet.")
        return 0
    rows: int = given.rows
    parts = [part for part in PARTS if part in (given.only or PARTS)]
    # Said before anything is measured, not after it.
    if "load" in parts and not shutil.which("wrk"):
        parser.error("the part “load” needs wrk (apt-get install wrk); --only names the parts to measure")
    # A log of its own for each size, beside the one that `make run` shows.
    var = VAR / str(rows)
    measures = _set_up(var, rows, report=given.report)
    smallest = records.kept(VAR / str(records.SMALLEST)) if rows > records.SMALLEST else {}
    results: dict[str, Found] = {}
    try:
        for part in parts:
            found = measures[part]()
            if part == "pages":
                found = replace(found, figures=records.with_growth(found.figures, smallest))
            # At once: the parts behind it may take an hour, and fail.
            records.keep(var, rows, part, found)
            results[part] = found
    finally:
        report.show(rows, results)
    return 0 if all(one.holds for found in results.values() for one in found.figures) else 1


def _set_up(var: Path, rows: int, *, report: bool) -> dict[str, Callable[[], Found]]:
    """Starts the server in the folder, with a whole log; gives what measures each part of it."""
    os.environ |= {
        "PUSHLOG_VAR": str(var),
        "DJANGO_SETTINGS_MODULE": "console.settings",
        "ALLOWED_HOSTS": "testserver,127.0.0.1",
    }
    os.environ.pop("DATABASE_URL", None)

    import django
    from django.conf import settings
    from django.core.management import call_command

    from pushlog.maintenance import database

    database.start()
    django.setup()
    call_command("collectstatic", verbosity=0)
    settings.ROOT_URLCONF = "tests.benchmarks.control"

    from tests.benchmarks import filling, http, importing, indexes, load, pages, peers, sizes, space, tpns, writing

    filling.ensure(var, rows)
    return {
        "pages": pages.measure,
        "space": lambda: space.measure(var, report=report),
        "peers": lambda: peers.measure(rows),
        "tpns": tpns.measure,
        "sizes": sizes.measure,
        "indexes": indexes.measure,
        "writing": writing.measure,
        "http": http.measure,
        "importing": importing.measure,
        "load": load.measure,
    }


if __name__ == "__main__":
    sys.exit(main())
