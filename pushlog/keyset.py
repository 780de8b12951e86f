"""Keyset pages over any queryset: no counting, no offset, the same rows whatever is written meanwhile."""

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
    """Key values that do not fit the keys."""


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """Rows in their order, and the key values to go on from; None where there is nothing beyond."""

    rows: list[Row]
    newer: list[Any] | None
    older: list[Any] | None


def page_of(
    queryset: QuerySet[Row],
    *,
    keys: Sequence[str],
    descending: bool,
    after: list[Any] | None = None,
    before: list[Any] | None = None,
    size: int = PAGE_SIZE,
) -> Page[Row]:
    """The page of `size` rows that comes after, or before, the row with these key values; else the first page.

    `keys` are the fields to order by, all in one direction. The last one is unique, so that the order is total:
    no row is skipped or repeated, however many share the other values. Key values are JSON values as `Page` has
    given them. Raises BadCursor if they do not fit. One query.
    """
    backwards = before is not None
    cursor = before if before is not None else after
    falling = descending != backwards
    if cursor is not None:
        queryset = queryset.filter(_beyond(queryset.model, keys, cursor, falling=falling))
    # One row more than the page tells whether there is another page.
    found = list(queryset.order_by(*(f"-{key}" if falling else key for key in keys))[: size + 1])
    rows, more = found[:size], len(found) > size
    if backwards:
        rows.reverse()
    has_newer, has_older = (more, True) if backwards else (cursor is not None, more)
    return Page(
        rows=rows,
        newer=_values(rows[0], keys) if rows and has_newer else None,
        older=_values(rows[-1], keys) if rows and has_older else None,
    )


def _beyond(model: type[Model], keys: Sequence[str], cursor: list[Any], *, falling: bool) -> Q:
    """The condition for the rows beyond a cursor.

    One comparison of whole rows, which an index on the keys answers with a single descent: written out with OR,
    PostgreSQL reads and drops every row that ties in the first key. The comparison takes in the cursor's own row,
    which is then left out by its ID: for < and > the planner looks at the first key alone and without its ties, so in
    the midst of a value that most rows have it expects next to none, and reads and sorts every one of them.
    """
    values = _parsed(model, keys, cursor)
    compare = TupleLessThanOrEqual if falling else TupleGreaterThanOrEqual
    condition = Q(compare(Tuple(*(F(key) for key in keys)), values))
    # PostgreSQL does not leave out partitions for a comparison of rows: of the partition key, it is told apart.
    bound = Q(**{f"{keys[0]}__{'lte' if falling else 'gte'}": values[0]})
    return condition & bound & ~Q(**{keys[-1]: values[-1]})


def _parsed(model: type[Model], keys: Sequence[str], cursor: list[Any]) -> tuple[Any, ...]:
    try:
        fields = [cast("Field[Any, Any]", model._meta.get_field(key)) for key in keys]
        values = tuple(field.to_python(value) for field, value in zip(fields, cursor, strict=True))
        for field, value in zip(fields, values, strict=True):
            field.run_validators(value)
    except (ValidationError, ValueError, TypeError, OverflowError, FieldDoesNotExist) as error:
        raise BadCursor from error
    # A moment without a zone would be taken for one in the zone of this page.
    if any(isinstance(value, datetime) and is_naive(value) for value in values):
        raise BadCursor
    return values


def _values(row: Model, keys: Sequence[str]) -> list[Any]:
    # A moment's text has all its microseconds, and its zone.
    return [value if isinstance(value, (str, int)) else str(value) for value in (getattr(row, key) for key in keys)]
