from console.list_state import MESSAGES
from console.tables import DEFAULT_SORT, SORTS, MessageTable, PageData
from pushlog.models import Message


def test_every_column_sorts_by_a_declared_sort() -> None:
    table = MessageTable(PageData([]))

    assert [column.name for column in table.columns if column.orderable] == list(SORTS)
    assert [column.name for column in table.columns] == list(SORTS)
    assert DEFAULT_SORT.removeprefix("-") in SORTS


def test_every_sort_has_an_index_that_begins_with_the_app() -> None:
    indexes = {tuple(index.fields) for index in Message._meta.indexes}

    for keys in SORTS.values():
        assert keys[-1] == "id"
        assert any(index[: len(keys) + 1] == ("app", *keys) for index in indexes), keys


def test_no_sort_column_may_be_null() -> None:
    # A comparison of rows with a NULL in it is neither true nor false: such rows would be on no page.
    assert not any(Message._meta.get_field(key).null for keys in SORTS.values() for key in keys)


def test_page_data_is_not_sorted_again() -> None:
    table = MessageTable(PageData([{"title": "b"}, {"title": "a"}]), order_by="title")

    assert [row.record["title"] for row in table.rows] == ["b", "a"]


def test_sorted_column_says_so() -> None:
    table = MessageTable(PageData([]), order_by="-title")

    assert table.columns["title"].attrs["th"]["aria-sort"] == "descending"
    assert "aria-sort" not in table.columns["status"].attrs["th"].as_html()


def test_no_filter_has_the_name_of_another_parameter() -> None:
    assert not {"search", "sort", "after", "before"} & set(MESSAGES.filters)
