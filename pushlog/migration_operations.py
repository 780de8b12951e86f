"""Operations for migrations that Django does not have."""

from collections.abc import Iterable
from typing import Any

from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import ProjectState


class CreatePartitionedModel(migrations.CreateModel):
    """Creates a table that is partitioned by ranges of `partition_column`."""

    def __init__(
        self,
        name: str,
        fields: list[tuple[str, Any]],
        *,
        partition_column: str,
        options: dict[str, Any] | None = None,
        bases: Iterable[type[models.Model] | str] | None = None,
        managers: Any = None,
    ) -> None:
        self.partition_column = partition_column
        super().__init__(name, fields, options=options, bases=tuple(bases or ()) or None, managers=managers)

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        # Django has no option for the clause.
        stock = schema_editor.sql_create_table
        schema_editor.sql_create_table = f"{stock} PARTITION BY RANGE ({self.partition_column})"
        try:
            super().database_forwards(app_label, schema_editor, from_state, to_state)
        finally:
            schema_editor.sql_create_table = stock


class AddIndexByPartition(migrations.AddIndex):
    """Builds an index on a partitioned table without locking out writers. Its migration must not be atomic.

    PostgreSQL builds no index of a partitioned table concurrently, but those of its partitions. After an interruption
    it goes on where it was.
    """

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        model = to_state.apps.get_model(app_label, self.model_name)
        parent, name = model._meta.db_table, self.index.name
        self._create("IF NOT EXISTS", name, f"ONLY {schema_editor.quote_name(parent)}", model, schema_editor)
        # A partition that is attached meanwhile gets the index by that.
        for partition in _without_index(schema_editor, parent, name):
            own = f"{partition}_{name}"
            # An interrupted build leaves an index that is not valid.
            schema_editor.execute(f"DROP INDEX IF EXISTS {schema_editor.quote_name(own)}")
            self._create("CONCURRENTLY", own, schema_editor.quote_name(partition), model, schema_editor)
            schema_editor.execute(
                f"ALTER INDEX {schema_editor.quote_name(name)} ATTACH PARTITION {schema_editor.quote_name(own)}"
            )

    def _create(
        self, how: str, name: str, table: str, model: type[models.Model], schema_editor: BaseDatabaseSchemaEditor
    ) -> None:
        statement: Any = self.index.create_sql(model, schema_editor)
        statement.template = statement.template.replace("CREATE INDEX", f"CREATE INDEX {how}")
        statement.parts |= {"table": table, "name": schema_editor.quote_name(name)}
        schema_editor.execute(statement, params=None)


def _without_index(schema_editor: BaseDatabaseSchemaEditor, parent: str, name: str) -> list[str]:
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(
            "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = %s::regclass AND inhrelid NOT IN ("
            " SELECT indrelid FROM pg_inherits AS of_index JOIN pg_index ON indexrelid = of_index.inhrelid"
            " WHERE of_index.inhparent = %s::regclass) ORDER BY 1",
            [parent, name],
        )
        return [partition for (partition,) in cursor.fetchall()]
