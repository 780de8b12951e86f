"""The database is there before Django asks for it, and again after it died."""

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
    """Starts the embedded server, or joins it, unless DATABASE_URL names another. Raises EmbeddedError."""
    if settings.EMBEDDED:
        embedded.start(settings.VAR)


def keep_running() -> None:
    """Has a thread start the embedded server again whenever it died, until this process ends.

    Nobody else would: it is nobody's child. Requests in between are answered with an error, and connections that
    died with it are made anew by Django.
    """
    if not settings.EMBEDDED:
        return
    ending = threading.Event()
    watcher = threading.Thread(target=_watch, args=[ending], name="database watcher", daemon=True)

    def end() -> None:
        ending.set()
        watcher.join()

    # Before the exit handler of embedded.start, which was there first, stops the server: or it would come back.
    atexit.register(end)
    watcher.start()


def _watch(ending: threading.Event) -> None:
    while not ending.wait(_EVERY):
        with suppress(OSError):  # such as too many open files: the next look may do better
            if not _is_alive():
                logger.error("PostgreSQL died: starting it again")
                try:
                    embedded.start(settings.VAR)
                except embedded.EmbeddedError as error:
                    logger.error("PostgreSQL does not start: %s", error)


def _is_alive() -> bool:
    """Whether somebody has the lock which the server has as long as it runs (pushlog/postgres/embedded.py)."""
    folder = os.open(settings.VAR / "postgres", os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(folder)
    return False
