from pathlib import Path

from tests.benchmarks import records
from tests.benchmarks.figures import Figure, Found


def figure(name: str, ratio: float, budget: str = "≤ 2.5 x control") -> Figure:
    return Figure(name, ratio * 10, ratio * 12, ratio, budget, ratio <= 2.5)


def test_a_part_measured_again_leaves_the_others_as_they_were(tmp_path: Path) -> None:
    records.keep(tmp_path, 400_000, "pages", Found([figure("list", 1.5)]))
    records.keep(tmp_path, 400_000, "sizes", Found(facts={"bytes a message": 900}))
    sizes = records.kept(tmp_path)["sizes"]

    records.keep(tmp_path, 400_000, "pages", Found([figure("list", 1.7)]))

    kept = records.kept(tmp_path)
    assert kept["pages"].found == Found([figure("list", 1.7)])
    assert kept["sizes"] == sizes


def test_sizes_are_found_in_their_order_and_those_without_records_left_out(tmp_path: Path) -> None:
    for rows in (4_000_000, 40_000_000, 400_000):
        (tmp_path / str(rows)).mkdir()
    records.keep(tmp_path / "4000000", 4_000_000, "pages", Found())
    records.keep(tmp_path / "400000", 400_000, "pages", Found())
    (tmp_path / "40000000" / "figures.json").write_text('{"rows": 40000000, "figures": []}')

    assert [*records.by_size(tmp_path)] == [400_000, 4_000_000]


def test_growth_is_of_the_ratios_and_has_a_budget_of_its_own(tmp_path: Path) -> None:
    smallest = [figure("control", 1.0, ""), figure("list", 1.0), figure("search", 1.0)]
    records.keep(tmp_path, 400_000, "pages", Found(smallest))
    now = [figure("control", 1.0, ""), figure("list", 1.3), figure("search", 1.4), figure("new", 2.0)]

    grown = records.with_growth(now, records.kept(tmp_path))

    assert [(one.growth, one.holds) for one in grown] == [(None, True), (1.3, True), (1.4, False), (None, True)]


def test_there_is_no_growth_without_the_smallest_log(tmp_path: Path) -> None:
    assert records.with_growth([figure("list", 1.5)], records.kept(tmp_path)) == [figure("list", 1.5)]
