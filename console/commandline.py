"""The command line, as `manage.py` and as the installed program `pushlog`."""

import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line
from environs import EnvError


def main() -> None:
    """Runs a command; without DATABASE_URL, on Pushlog's own PostgreSQL. An error at the start is one line."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "console.settings")
    from pushlog.maintenance import database
    from pushlog.postgres.embedded import EmbeddedError

    try:
        database.start()
    except (EmbeddedError, EnvError, ImproperlyConfigured) as error:
        sys.exit(f"pushlog: {error}")
    execute_from_command_line(sys.argv)
