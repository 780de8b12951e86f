"""Pages that read a bounded number of rows, whatever the planner expects: docs/decisions/0031-walks.md."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.db import connection, models, transaction

from pushlog.postgres.statements import generic_plans_cached

# Entries that a walk reads at most, each with its row.
WALKED = 10_000
# Entries of which a page sorts those that fit.
SORTED = 5_000

_CASTS = {
    "UUIDField": "uuid",
    "CharField": "text",
    "SmallIntegerField": "int2",
    "IntegerField": "int4",
    "BigAutoField": "int8",
    "ForeignKey": "int8",
    "DateTimeField": "timestamptz",
}
_LEAST = {
    "uuid": "0" * 32,
    "text": "",
    "int2": -(2**15),
    "int4": -(2**31),
    "int8": -(2**63),
    "timestamptz": "-infinity",
}
# No text of ours is as long.
_GREATEST = {
    "uuid": "f" * 32,
    "text": "\U0010ffff" * 513,
    "int2": 2**15 - 1,
    "int4": 2**31 - 1,
    "int8": 2**63 - 1,
    "timestamptz": "infinity",
}


@dataclass(frozen=True, slots=True)
class Index:
    """Its columns behind the app, of which the last is unique, and the condition of a partial index.

    Without columns the condition alone finds the entries, in any order.
    """

    columns: tuple[str, ...] = ()
    condition: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """What a page selects of a table. `fits` is SQL with named parameters, whose values come with each page."""

    model: type[models.Model]
    columns: tuple[str, ...]
    fits: str
    pruned_by: str = ""  # the column that its partitions are ranges of


@dataclass(frozen=True, slots=True)
class Span:
    """From where to where a walk goes: values of the first columns of its index. `pruned`: of `Table.pruned_by`."""

    low: tuple[Any, ...] = ()
    high: tuple[Any, ...] = ()
    pruned: tuple[Any, Any] | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """Rows in order, as tuples of the table's columns. `stopped`: the last entry, if the walk was cut there."""

    rows: list[tuple[Any, ...]]
    stopped: tuple[Any, ...] | None = None


def walk(
    table: Table,
    index: Index,
    app_id: int,
    values: Mapping[str, Any],
    *,
    span: Span,
    descending: bool,
    size: int,
    entries: int | None = None,
) -> Found:
    """Those of at most `entries` that fit, until there are `size` of them."""
    entries = WALKED if entries is None else entries
    order = _order(_ordered(index), descending=descending)
    sql = f"""
        SELECT {_names(table.columns)}, fits, walked = %(entries)s::int8 AS stopped FROM (
            SELECT *, row_number() OVER (ORDER BY {order}) AS walked FROM ({_entries(table, index, order)}) AS entry
        ) AS numbered WHERE fits OR walked = %(entries)s::int8 ORDER BY {order} LIMIT %(size)s::int8
    """
    given = {**values, **_bounds(table, index, app_id, span), "entries": entries, "size": size}
    rows, stopped = [], None
    for row in _run(sql, given):
        *entry, fits, is_last = row
        if fits:
            rows.append(tuple(entry))
        if is_last:
            stopped = tuple(entry)
    return Found(rows, stopped)


def sort(
    table: Table,
    index: Index,
    app_id: int,
    values: Mapping[str, Any],
    *,
    span: Span,
    keys: Sequence[str],
    start: Sequence[Any] | None,
    descending: bool,
    size: int,
) -> Found | None:
    """`size` of the matches in the order of `keys`, from `start` on; None if the span has more than SORTED entries."""
    order, casts = _order(keys, descending=descending), [_cast(table, key) for key in keys]
    sql = f"""
        WITH entry AS MATERIALIZED ({_entries(table, index, _order(_ordered(index), descending=True))})
        SELECT counted.entries, {", ".join(f"page.{name}" for name in table.columns)}
        FROM (SELECT count(*) AS entries FROM entry) AS counted LEFT JOIN LATERAL (
            SELECT * FROM entry
            WHERE fits AND ({_names(keys)}) {"<=" if descending else ">="} ({_parameters("start", casts)})
            ORDER BY {order} LIMIT %(size)s::int8
        ) AS page ON true ORDER BY {", ".join(f"page.{part}" for part in order.split(", "))}
    """
    if start is None:
        start = [(_GREATEST if descending else _LEAST)[cast] for cast in casts]
    given = {**values, **_bounds(table, index, app_id, span), "entries": SORTED + 1, "size": size}
    given |= {f"start_{number}": value for number, value in enumerate(start)}
    found = _run(sql, given)
    if found[0][0] > SORTED:
        return None
    key = table.columns.index(keys[-1]) + 1
    return Found([row[1:] for row in found if row[key] is not None])


def _entries(table: Table, index: Index, order: str) -> str:
    columns = tuple(dict.fromkeys((*table.columns, *_ordered(index))))
    conditions = [index.condition] if index.condition else []
    if index.columns:
        casts = [_cast(table, column) for column in _ordered(index)]
        conditions += [
            f"({_names(_ordered(index))}) >= ({_parameters('low', casts)})",
            f"({_names(_ordered(index))}) <= ({_parameters('high', casts)})",
        ]
        if len(index.columns) > 1:
            conditions.append("app_id = %(app)s::int8")
    if column := table.pruned_by:
        cast = _cast(table, column)
        conditions += [f"{column} >= %(pruned_low)s::{cast}", f"{column} <= %(pruned_high)s::{cast}"]
    return f"""
        SELECT {_names(columns)}, {table.fits} AS fits FROM {table.model._meta.db_table}
        WHERE {" AND ".join(conditions)} {f"ORDER BY {order}" if index.columns else ""} LIMIT %(entries)s::int8
    """


def _ordered(index: Index) -> tuple[str, ...]:
    """With the app if the primary key has the rest: it would be read through all apps."""
    return ("app_id", *index.columns) if len(index.columns) == 1 else index.columns


def _bounds(table: Table, index: Index, app_id: int, span: Span) -> dict[str, Any]:
    casts = [_cast(table, column) for column in _ordered(index)]
    of_app = (app_id,) if len(casts) > len(index.columns) else ()
    low, high = [*of_app, *span.low], [*of_app, *span.high]
    low += [_LEAST[cast] for cast in casts[len(low) :]]
    high += [_GREATEST[cast] for cast in casts[len(high) :]]
    pruned = span.pruned or (_LEAST["uuid"], _GREATEST["uuid"])
    return {
        "app": app_id,
        **{f"low_{number}": value for number, value in enumerate(low)},
        **{f"high_{number}": value for number, value in enumerate(high)},
        **(dict(zip(("pruned_low", "pruned_high"), pruned, strict=True)) if table.pruned_by else {}),
    }


def _cast(table: Table, column: str) -> str:
    return _CASTS[table.model._meta.get_field(column).get_internal_type()]


def _names(columns: Sequence[str]) -> str:
    return ", ".join(columns)


def _parameters(name: str, casts: Sequence[str]) -> str:
    # In brackets: without server-side binding, -32768::int2 is minus 32768, which int2 does not hold.
    return ", ".join(f"(%({name}_{number})s)::{cast}" for number, cast in enumerate(casts))


def _order(columns: Sequence[str], *, descending: bool) -> str:
    return ", ".join(f"{column} {'DESC' if descending else 'ASC'}" for column in columns)


def _run(sql: str, given: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    with in_index_order(), generic_plans_cached(), connection.cursor() as cursor:
        cursor.execute(sql, given)
        return list(cursor.fetchall())


_SETTINGS = {"enable_sort": "off", "enable_incremental_sort": "off", "plan_cache_mode": "force_generic_plan"}


@contextmanager
def in_index_order() -> Iterator[None]:
    """PostgreSQL sorts only what no index has in order. Otherwise it would sort a partition that it takes for small."""
    is_nested = connection.in_atomic_block
    with transaction.atomic():
        _set(_SETTINGS)
        yield
        if is_nested:
            _set({"enable_sort": "on", "enable_incremental_sort": "on", "plan_cache_mode": "auto"})


def _set(settings: Mapping[str, str]) -> None:
    # As SET LOCAL, in one statement.
    calls = ", ".join(f"set_config('{name}', '{value}', true)" for name, value in settings.items())
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {calls}")
