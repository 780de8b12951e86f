"""Starts and restarts the embedded database."""

import atexit
import fcntl
import logging
import os
import threading
from contextlib import suppress

from django.conf import settings

from pushlog.postgres import embedded

logger = logging.getLogger(__name__)
_EVERY = 0.5  # seconds


def start() -> None:
    """Starts or joins it, unless DATABASE_URL is set. Raises EmbeddedError."""
    if settings.EMBEDDED:
        embedded.start(settings.VAR)


def keep_running() -> None:
    """Has a thread restart the server after crashes."""
    if not settings.EMBEDDED:
        return
    ending = threading.Event()
    watcher = threading.Thread(target=_watch, args=[ending], name="database watcher", daemon=True)

    def end() -> None:
        ending.set()
        watcher.join()

    # Runs before the handler that stops the server.
    atexit.register(end)
    watcher.start()


def _watch(ending: threading.Event) -> None:
    while not ending.wait(_EVERY):
        with suppress(OSError):  # such as too many open files
            if not _is_alive():
                logger.error("PostgreSQL died: starting it again")
                try:
                    embedded.start(settings.VAR)
                except embedded.EmbeddedError as error:
                    logger.error("PostgreSQL does not start: %s", error)


def _is_alive() -> bool:
    # The server holds this lock as long as it runs.
    folder = os.open(settings.VAR / "postgres", os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(folder)
    return False
