"""Processes that are killed between any two statements."""

import os
import signal
from collections.abc import Callable
from typing import Any

from django.db import connection, connections


def killed_after(statements: int, work: Callable[[], object]) -> bool:
    """Does work in a process that kills itself before its next statement; whether it came to that."""
    connections.close_all()  # or the child would share its session
    child = os.fork()
    if child == 0:
        left = iter(range(statements))

        def count(execute: Any, *arguments: Any) -> Any:
            if next(left, None) is None:
                os.kill(os.getpid(), signal.SIGKILL)
            return execute(*arguments)

        try:
            with connection.execute_wrapper(count):
                work()
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
