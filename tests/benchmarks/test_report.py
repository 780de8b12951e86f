import pytest

from tests.benchmarks import report
from tests.benchmarks.figures import Figure, Found
from tests.benchmarks.records import Record


def figure(name: str, ratio: float, *, growth: float | None = None, holds: bool = True) -> Figure:
    return Figure(name, ratio * 10, ratio * 12, ratio, "≤ 2.5 x control", holds, queries=4, growth=growth)


def test_sizes_stand_side_by_side() -> None:
    small = Found([figure("list", 1.5), figure("search", 2.0)], {"bytes a message": 1_437})
    large = Found([figure("list", 1.8, growth=1.2), figure("tasks", 3.0, holds=False)])

    text = report.markdown({400_000: {"pages": Record("then", small)}, 40_000_000: {"pages": Record("now", large)}})

    assert text.splitlines() == [
        "| what | 0.4 million: p50 ms | ratio | 40 million: p50 ms | ratio | growth | budget | holds |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
        "| list | 15.0 | 1.50 | 18.0 | 1.80 | 1.20 | ≤ 2.5 x control | yes |",
        "| search | 20.0 | 2.00 |  |  |  | ≤ 2.5 x control | yes |",
        "| tasks |  |  | 30.0 | 3.00 |  | ≤ 2.5 x control | NO: 40 million |",
        "",
        "| what | 0.4 million | 40 million |",
        "| --- | ---: | ---: |",
        "| pages: bytes a message | 1,437 |  |",
    ]


def test_a_run_without_figures_prints_no_table(capsys: pytest.CaptureFixture[str]) -> None:
    report.show(400_000, {"sizes": Found(facts={"bytes a message": 1_437})})

    assert capsys.readouterr().out == "         1,437 bytes a message\n"


def test_columns_that_nothing_is_in_are_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    report.show(400_000, {"pages": Found([figure("list", 1.5)])})

    header = capsys.readouterr().out.splitlines()[2]
    assert "queries" in header
    assert "growth" not in header
    assert "spread" not in header
