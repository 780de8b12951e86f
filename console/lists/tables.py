"""The columns of the lists, and which of them sorts by what."""

from typing import Any

import django_tables2 as tables
from django_tables2.columns import BoundColumn
from django_tables2.data import TableData

from pushlog.models import Message, PushTask

# Public name -> the columns to order by. All of a sort run in one direction and end in the ID; each has an index
# that begins with the app (pushlog/models/message.py).
SORTS = {
    "customer_message_id": ("customer_message_id", "id"),
    "push_type": ("push_type", "id"),
    "target_id": ("target_id", "id"),
    "title": ("title", "id"),
    "status": ("outcome", "channel", "code", "id"),
    "created_at": ("id",),
}
DEFAULT_SORT = "-created_at"

# The same for push tasks (pushlog/models/task.py). Within an app a push ID is unique, and needs nothing behind it.
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
    """A page that the database has sorted and cut already."""

    def __len__(self) -> int:
        return len(self.data)

    def order_by(self, aliases: Any) -> None:
        """Nothing to do: the stock class would sort the page again, in Python."""


def _aria_sort(bound_column: BoundColumn) -> str | None:
    if not bound_column.is_ordered:
        return None
    return "descending" if bound_column.order_by_alias.is_descending else "ascending"


class MessageTable(tables.Table):
    """Headers and sorting. The cells are in console/templatetags/rows.py: the table's own are ten times as slow."""

    customer_message_id = tables.Column("Customer message ID", orderable=True)
    push_type = tables.Column("Push type", orderable=True)
    target_id = tables.Column("Target ID", orderable=True)
    title = tables.Column("Title", orderable=True)
    status = tables.Column("Status", orderable=True)
    created_at = tables.Column("Created", orderable=True, initial_sort_descending=True)

    class Meta:
        model = Message
        fields: list[str] = []
        orderable = False
        attrs = {"th": {"aria-sort": _aria_sort}}


class TaskTable(tables.Table):
    """The same for push tasks, whose cells are in templates/tasks/_row.html."""

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
