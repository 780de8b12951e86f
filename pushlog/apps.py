"""Pushlog's record as a Django app."""

import gc

from django.apps import AppConfig
from django.conf import settings

# Objects made and still alive before the collector looks through the youngest of them.
_COLLECT_AFTER = 100_000


class PushlogConfig(AppConfig):
    name = "pushlog"
    verbose_name = "Push log"

    def ready(self) -> None:
        from pushlog.postgres import sessions

        """Lets the garbage collector look less often, in every process that uses the record.

        A batch of 10,000 rows is 50,000 to 100,000 objects, freed without it. Every 700 of them, as Python's default
        has it, and with all of Django now and then, it spent a fifth of the time on looking through them.
        """
        sessions.use(**settings.SESSION_SETTINGS)
        gc.set_threshold(_COLLECT_AFTER, *gc.get_threshold()[1:])
