from typing import Any

import pytest
from django_tables2 import Table

from console.lists.state import MESSAGES, TASK_MESSAGES, TASKS, Listing
from console.lists.tables import SORTS, TASK_SORTS, MessageTable, PageData
from pushlog.models import Message, PushTask

LISTS = [MESSAGES, TASKS]


@pytest.mark.parametrize("listing", LISTS, ids=lambda listing: listing.page)
def test_every_column_sorts_by_a_declared_sort(listing: Listing) -> None:
    table: Table = listing.table(PageData([]))

    assert [column.name for column in table.columns if column.orderable] == list(listing.sorts)
    assert [column.name for column in table.columns] == list(listing.sorts)
    assert listing.time in listing.sorts


def test_every_sort_has_an_index_that_begins_with_the_app() -> None:
    indexes = {tuple(index.fields) for index in Message._meta.indexes}

    for keys in SORTS.values():
        assert keys[-1] == "id"
        assert any(index[: len(keys) + 1] == ("app", *keys) for index in indexes), keys


def test_every_sort_of_tasks_has_an_index_and_is_total() -> None:
    unique = {tuple(one.fields) for one in PushTask._meta.constraints}  # type: ignore[attr-defined]
    indexes = {tuple(index.fields) for index in PushTask._meta.indexes}

    for keys in TASK_SORTS.values():
        if keys[-1] == "id":
            assert any(index[: len(keys) + 1] == ("app", *keys) for index in indexes), keys
        else:
            assert ("app", *keys) in unique, keys


@pytest.mark.parametrize(("model", "sorts"), [(Message, SORTS), (PushTask, TASK_SORTS)])
def test_no_sort_column_may_be_null(model: Any, sorts: dict[str, tuple[str, ...]]) -> None:
    # A comparison of rows with a NULL in it is neither true nor false: such rows would be on no page.
    assert not any(model._meta.get_field(key).null for keys in sorts.values() for key in keys)


def test_page_data_is_not_sorted_again() -> None:
    table = MessageTable(PageData([{"title": "b"}, {"title": "a"}]), order_by="title")

    assert [row.record["title"] for row in table.rows] == ["b", "a"]


def test_sorted_column_says_so() -> None:
    table = MessageTable(PageData([]), order_by="-title")

    assert table.columns["title"].attrs["th"]["aria-sort"] == "descending"
    assert "aria-sort" not in table.columns["status"].attrs["th"].as_html()


@pytest.mark.parametrize("listing", [*LISTS, TASK_MESSAGES], ids=lambda listing: listing.page)
def test_no_parameter_has_the_name_of_another(listing: Listing) -> None:
    assert len(listing.parameters) == 3 + len(listing.filters) + len(listing.others)


def test_every_list_has_cursors_of_its_own() -> None:
    assert len({listing.cursor for listing in (MESSAGES, TASKS, TASK_MESSAGES)}) == 3
