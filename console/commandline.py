"""The command line, as `manage.py` and as the installed program `pushlog`."""

import os
import sys

import django
from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line, load_command_class
from environs import EnvError

from pushlog import __version__


def main() -> None:
    """Runs a command; without DATABASE_URL, on Pushlog's own PostgreSQL. An error at the start is one line."""
    if sys.argv[1:] == ["--version"]:
        print(f"pushlog {__version__}")
        return
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "console.settings")
    from pushlog.maintenance import database
    from pushlog.postgres.embedded import EmbeddedError

    try:
        if sys.argv[1:2] == ["version"]:
            # Not by Django's dispatcher, which answers this word itself, with its own version.
            django.setup()
            load_command_class("pushlog", "version").run_from_argv(sys.argv)
            return
        database.start()
    except (EmbeddedError, EnvError, ImproperlyConfigured) as error:
        sys.exit(f"pushlog: {error}")
    execute_from_command_line(sys.argv)
