"""An index on a partitioned table, built partition by partition."""

import pytest
from django.db import connection, models
from django.db.migrations.state import ProjectState

from pushlog.migration_operations import AddIndexByPartition
from pushlog.models import Message
from pushlog.postgres import partitions
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)

NAME = "message_for_a_test"


def build() -> None:
    operation = AddIndexByPartition("message", models.Index(fields=["app", "modified_at"], name=NAME))
    state = ProjectState.from_apps(Message._meta.apps)
    with connection.schema_editor(atomic=False) as editor:
        operation.database_forwards("pushlog", editor, state, state)


def of_partitions(*, valid: bool) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_inherits JOIN pg_index ON indexrelid = inhrelid"
            " WHERE inhparent = %s::regclass AND indisvalid = %s",
            [NAME, valid],
        )
        [(count,)] = cursor.fetchall()
    return int(count)


def parent_is_valid() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT indisvalid FROM pg_index WHERE indexrelid = %s::regclass", [NAME])
        [(valid,)] = cursor.fetchall()
    return bool(valid)


@pytest.fixture(autouse=True)
def _without_it() -> object:
    yield
    with connection.cursor() as cursor:
        cursor.execute(f"DROP INDEX IF EXISTS {NAME}")


def test_every_partition_gets_the_index() -> None:
    factories.create_message(factories.create_app())

    build()

    assert of_partitions(valid=True) == len(partitions.existing(Message._meta.db_table)) > 30
    assert parent_is_valid()


def test_build_goes_on_after_an_interruption() -> None:
    build()
    newest = partitions.attached(Message._meta.db_table)[-1].name
    own = f"{newest}_{NAME}"
    with connection.cursor() as cursor:
        # As it is left when the server dies between the build of the last one and its attachment.
        cursor.execute(f"DROP INDEX {NAME}")
        cursor.execute(f"CREATE INDEX {own} ON {newest} (app_id, modified_at)")
        cursor.execute(f"CREATE INDEX {NAME} ON ONLY {Message._meta.db_table} (app_id, modified_at)")
    assert not parent_is_valid()

    build()

    assert of_partitions(valid=False) == 0
    assert parent_is_valid()
