"""The only writer of messages, statuses and push tasks. Batch-wise: one transaction for up to 10,000 rows."""

from pushlog.ingest.corrections import Correction, correct
from pushlog.ingest.messages import MessagesResult, messages
from pushlog.ingest.old_tasks import count_old_tasks, sweep_tasks
from pushlog.ingest.receipts import ReceiptsResult, receipts
from pushlog.ingest.rows import MAX_ROWS, Rejection, Unreadable
from pushlog.ingest.tasks import TasksResult, check_task, tasks

__all__ = [
    "MAX_ROWS",
    "Correction",
    "MessagesResult",
    "ReceiptsResult",
    "Rejection",
    "TasksResult",
    "Unreadable",
    "check_task",
    "correct",
    "count_old_tasks",
    "messages",
    "receipts",
    "sweep_tasks",
    "tasks",
]
