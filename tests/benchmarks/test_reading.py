from typing import Any

from tests.benchmarks.reading import Indexes, reading_of


class Known(Indexes):
    _known = {"by_day_1": ("by_day", 100.0)}


def scan(kind: str, **more: Any) -> dict[str, Any]:
    return {"Node Type": kind, "Actual Loops": 1, "Actual Rows": 0, "Shared Hit Blocks": 0} | more


def test_rows_that_a_filter_drops_were_read_too_in_each_loop() -> None:
    plan = scan("Seq Scan", **{"Actual Loops": 3, "Actual Rows": 2, "Rows Removed by Filter": 5})

    assert reading_of(plan, Known()).rows == 21


def test_entries_that_an_index_condition_drops_are_told_by_pages() -> None:
    few = scan("Index Only Scan", **{"Index Name": "by_day_1", "Shared Hit Blocks": 5, "Heap Fetches": 0})
    many = few | {"Shared Hit Blocks": 45}

    assert reading_of(few, Known()).rows == 0
    assert reading_of(many, Known()).rows == 4_000


def test_pages_of_rows_are_none_of_the_index() -> None:
    plan = scan("Index Scan", **{"Index Name": "by_day_1", "Shared Hit Blocks": 40, "Actual Rows": 35})

    assert reading_of(plan, Known()).rows == 35


def test_what_was_never_executed_reads_nothing() -> None:
    parts = [scan("Index Scan", **{"Index Name": "by_day_1"}), scan("Seq Scan", **{"Actual Loops": 0})]
    plan = scan("Append", **{"Shared Hit Blocks": 7, "Plans": parts})

    read = reading_of(plan, Known())

    assert (read.rows, read.buffers, read.nodes) == (0, 7, "Append, Index Scan by_day")
