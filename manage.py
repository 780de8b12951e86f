#!/usr/bin/env python
"""Runs Pushlog's commands; without DATABASE_URL, on its own PostgreSQL."""

import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line
from environs import EnvError


def main() -> None:
    """The command line. What keeps a command from starting at all is told in one line."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "console.settings")
    from pushlog.maintenance import database
    from pushlog.postgres.embedded import EmbeddedError

    try:
        database.start()
    except (EmbeddedError, EnvError, ImproperlyConfigured) as error:
        sys.exit(f"pushlog: {error}")
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
