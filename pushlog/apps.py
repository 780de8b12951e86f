"""Pushlog's record as a Django app."""

import gc

from django.apps import AppConfig
from django.conf import settings

_COLLECT_AFTER = 100_000  # objects


class PushlogConfig(AppConfig):
    name = "pushlog"
    verbose_name = "Push log"

    def ready(self) -> None:
        # The models must be there first.
        from pushlog.postgres import sessions

        sessions.use(**settings.SESSION_SETTINGS)
        # A batch of 10,000 rows makes up to 100,000 objects. By default the collector takes a fifth of its time.
        gc.set_threshold(_COLLECT_AFTER, *gc.get_threshold()[1:])
