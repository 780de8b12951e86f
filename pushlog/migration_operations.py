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
