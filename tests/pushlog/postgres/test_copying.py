"""COPY writes all rows or none, and its transaction stays usable."""

from datetime import UTC, datetime

import pytest
from django.db import DataError

from pushlog import message_ids
from pushlog.models import StatusChange
from pushlog.postgres.copying import copied

pytestmark = pytest.mark.django_db

NOW = datetime.now(UTC)
TABLE = StatusChange._meta.db_table
COLUMNS = {"message_id": "uuid", "at": "timestamptz", "code": "int4", "channel": "int2", "detail": "text"}
FIRST, SECOND = [(message_ids.first_id(NOW), NOW, code, 1, "") for code in (2, 3)]


def test_copied_writes_rows_that_are_new() -> None:
    assert copied(TABLE, COLUMNS, iter([FIRST, SECOND]))

    assert StatusChange.objects.count() == 2


def test_copied_writes_nothing_if_one_row_is_there() -> None:
    copied(TABLE, COLUMNS, [SECOND])

    assert not copied(TABLE, COLUMNS, [FIRST, SECOND])
    assert StatusChange.objects.count() == 1


def test_copied_raises_for_anything_else() -> None:
    with pytest.raises(DataError):
        copied(TABLE, COLUMNS, [(*FIRST[:-1], "a\0")])
