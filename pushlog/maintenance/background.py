"""Maintenance in a thread of the web server."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread

import psycopg
from django.db import connection

from pushlog import audit, counts
from pushlog.clock import ClockOff
from pushlog.maintenance import run

logger = logging.getLogger(__name__)

_HOUR = 3600.0
# Pages add up what is not compacted: up to millions of rows an hour. What is not sealed can be changed unseen.
_TIDY_EVERY = 60.0


@contextmanager
def hourly() -> Iterator[None]:
    """Maintains at once and every hour while the block runs, then cancels."""
    stop, running = Event(), list[psycopg.Connection]()
    thread = Thread(target=_loop, args=(stop, running), name="maintenance", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        for one in running:
            try:
                one.cancel_safe(timeout=2)
            except psycopg.Error:
                logger.info("The running maintenance could not be cancelled; it ends with this process")
        thread.join(10)


def _loop(stop: Event, running: list[psycopg.Connection]) -> None:
    due = time.monotonic()
    while not stop.is_set():
        if time.monotonic() >= due:
            due = time.monotonic() + _HOUR
            _attempt(lambda: run.maintain(stop=stop), running, stop)
        else:
            _attempt(_tidy, running, stop)
        stop.wait(_TIDY_EVERY)


def _tidy() -> None:
    counts.compact()
    audit.seal()


def _attempt(work: Callable[[], object], running: list[psycopg.Connection], stop: Event) -> None:
    try:
        connection.ensure_connection()
        running.append(connection.connection)
        result = work()
        if isinstance(result, dict) and not stop.is_set():
            logger.info("Maintenance done", extra={"fields": {"maintenance": result}})
    except ClockOff as error:
        logger.error("Maintenance refused: %s", error)
    except Exception:  # the web server goes on
        if not stop.is_set():
            logger.exception("Maintenance failed")
    finally:
        running.clear()
        connection.close()
