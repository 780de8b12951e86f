"""The only writer of messages, statuses and push tasks, in batches of up to MAX_ROWS."""

from pushlog.ingest.corrections import Correction, correct
from pushlog.ingest.erasure import Erased, count_target, erase_target
from pushlog.ingest.expired_tasks import count_old_tasks, sweep_tasks
from pushlog.ingest.messages import MessagesResult, write_messages
from pushlog.ingest.receipts import ReceiptsResult, write_receipts
from pushlog.ingest.recompute import fingerprint, recompute_statuses
from pushlog.ingest.rows import MAX_ROWS, Rejection, Unreadable
from pushlog.ingest.tasks import TasksResult, check_task, write_tasks

__all__ = [
    "MAX_ROWS",
    "Correction",
    "Erased",
    "MessagesResult",
    "ReceiptsResult",
    "Rejection",
    "TasksResult",
    "Unreadable",
    "check_task",
    "correct",
    "count_old_tasks",
    "count_target",
    "erase_target",
    "fingerprint",
    "recompute_statuses",
    "sweep_tasks",
    "write_messages",
    "write_receipts",
    "write_tasks",
]
