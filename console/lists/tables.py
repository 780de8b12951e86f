"""Columns and sorts of the lists."""

from typing import Any

import django_tables2 as tables
from django_tables2.columns import BoundColumn
from django_tables2.data import TableData

from pushlog.models import Message, PushTask

# Columns by public name. All run in one direction. Each sort has an index that begins with the app.
SORTS = {
    "created_at": ("id",),
    "status": ("outcome", "channel", "code", "id"),
    "target_id": ("target_id", "id"),
    "title": ("title", "id"),
    "customer_message_id": ("customer_message_id", "id"),
    "push_type": ("push_type", "id"),
}
DEFAULT_SORT = "-created_at"

# A push ID is unique within an app, so its sort needs no further column.
TASK_SORTS = {
    "push_id": ("push_id",),
    "title": ("title", "id"),
    "target_kind": ("target_kind", "pushed_at", "id"),
    "message_type": ("message_type", "pushed_at", "id"),
    "environment": ("environment", "pushed_at", "id"),
    "state": ("state", "pushed_at", "id"),
    "pushed_at": ("pushed_at", "id"),
}
DEFAULT_TASK_SORT = "-pushed_at"


class PageData(TableData):
    def __len__(self) -> int:
        return len(self.data)

    def order_by(self, aliases: Any) -> None:
        """The stock class would sort again, in Python."""


def _aria_sort(bound_column: BoundColumn) -> str | None:
    if not bound_column.is_ordered:
        return None
    return "descending" if bound_column.order_by_alias.is_descending else "ascending"


class MessageTable(tables.Table):
    """Headers. Cells of django-tables2 are ten times as slow as templatetags/rows.py."""

    created_at = tables.Column("Created", orderable=True, initial_sort_descending=True)
    status = tables.Column("Status", orderable=True)
    target_id = tables.Column("Target ID", orderable=True)
    title = tables.Column("Title", orderable=True)
    customer_message_id = tables.Column("Customer message ID", orderable=True)
    push_type = tables.Column("Type", orderable=True)

    class Meta:
        model = Message
        fields: list[str] = []
        orderable = False
        attrs = {"th": {"aria-sort": _aria_sort}}


class TaskTable(tables.Table):
    """Headers. The cells are in templates/tasks/_row.html."""

    push_id = tables.Column("Push ID", orderable=True)
    title = tables.Column("Title", orderable=True)
    target_kind = tables.Column("Target kind", orderable=True)
    message_type = tables.Column("Message type", orderable=True)
    environment = tables.Column("Environment", orderable=True)
    state = tables.Column("State", orderable=True)
    pushed_at = tables.Column("Push time", orderable=True, initial_sort_descending=True)

    class Meta:
        model = PushTask
        fields: list[str] = []
        orderable = False
        attrs = {"th": {"aria-sort": _aria_sort}}
