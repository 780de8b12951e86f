"""Work that goes on at the same time, each with a database connection of its own."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.db import connection

T = TypeVar("T")


def run_together(*works: Callable[[], object], timeout: float = 300) -> None:
    """Runs all at once and waits for them. Raises the first error of any; a statement that waits too long is one."""

    def run(work: Callable[[], object]) -> None:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SET lock_timeout = '60s'")
            work()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(works)) as pool:
        for future in [pool.submit(run, work) for work in works]:
            future.result(timeout)


def wait_until(happened: Callable[[], T | None], seconds: float = 60) -> T:
    """Asks again and again for what is true, and gives it. Raises TimeoutError after so many seconds of no."""
    end = time.monotonic() + seconds
    while not (answer := happened()):
        if time.monotonic() > end:
            raise TimeoutError("it did not happen")
        time.sleep(0.01)
    return answer
