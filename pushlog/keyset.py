"""Keyset pages over any queryset: no count, no OFFSET, and no row skipped or repeated while others are written."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar, cast

from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db.models import F, Field, Model, Q, QuerySet
from django.db.models.fields.tuple_lookups import Tuple, TupleGreaterThanOrEqual, TupleLessThanOrEqual
from django.utils.timezone import is_naive

PAGE_SIZE = 50

Row = TypeVar("Row", bound=Model)


class BadCursor(ValueError):
    """The cursor's values do not suit the keys."""


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    rows: list[Row]
    newer: list[Any] | None
    older: list[Any] | None
    stopped: Row | None = None  # where a walk ended before the page was full


def page_of(
    queryset: QuerySet[Row],
    *,
    keys: Sequence[str],
    descending: bool,
    after: list[Any] | None = None,
    before: list[Any] | None = None,
    size: int = PAGE_SIZE,
) -> Page[Row]:
    """Returns the page `after` a cursor, or the one `before` it, or the first page. One query.

    `keys` are the fields to order by, all in one direction; the last must be unique. A cursor is a list of their
    values as JSON, from a `Page`. Raises BadCursor.
    """
    backwards = before is not None
    cursor = before if before is not None else after
    falling = descending != backwards
    if cursor is not None:
        queryset = queryset.filter(_beyond(queryset.model, keys, cursor, falling=falling))
    # One more row shows whether there is another page.
    found = list(queryset.order_by(*(f"-{key}" if falling else key for key in keys))[: size + 1])
    rows, more = found[:size], len(found) > size
    if backwards:
        rows.reverse()
    has_newer, has_older = (more, True) if backwards else (cursor is not None, more)
    return Page(
        rows=rows,
        newer=values_of(rows[0], keys) if rows and has_newer else None,
        older=values_of(rows[-1], keys) if rows and has_older else None,
    )


def _beyond(model: type[Model], keys: Sequence[str], cursor: list[Any], *, falling: bool) -> Q:
    values = parsed(model, keys, cursor)
    # A row comparison: with OR, PostgreSQL would read every row with the same first key.
    # Not < or >, which the planner estimates by the first key alone, without its ties: amid a frequent value it would
    # expect few rows, and read and sort them all. So the cursor's row is excluded by its ID.
    compare = TupleLessThanOrEqual if falling else TupleGreaterThanOrEqual
    condition = Q(compare(Tuple(*(F(key) for key in keys)), values))
    # PostgreSQL prunes no partitions by a row comparison, so the first key is compared on its own as well.
    bound = Q(**{f"{keys[0]}__{'lte' if falling else 'gte'}": values[0]})
    return condition & bound & ~Q(**{keys[-1]: values[-1]})


def parsed(model: type[Model], keys: Sequence[str], cursor: list[Any]) -> tuple[Any, ...]:
    try:
        fields = [cast("Field[Any, Any]", model._meta.get_field(key)) for key in keys]
        values = tuple(field.to_python(value) for field, value in zip(fields, cursor, strict=True))
        for field, value in zip(fields, values, strict=True):
            field.run_validators(value)
    except (ValidationError, ValueError, TypeError, OverflowError, FieldDoesNotExist) as error:
        raise BadCursor from error
    # Django would read a moment without a zone in the zone of this page.
    if any(isinstance(value, datetime) and is_naive(value) for value in values):
        raise BadCursor
    return values


def values_of(row: Model, keys: Sequence[str]) -> list[Any]:
    # str() keeps a moment's microseconds and zone.
    return [value if isinstance(value, (str, int)) else str(value) for value in (getattr(row, key) for key in keys)]
