"""The command line of `manage.py` and of the installed program `pushlog`."""

import os
import sys

import django
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line, load_command_class
from environs import EnvError

from pushlog import __version__


def main() -> None:
    """Runs a command; without DATABASE_URL, on the embedded PostgreSQL. Start-up errors are one line."""
    if sys.argv[1:] == ["--version"]:
        print(f"pushlog {__version__}")
        return
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "console.settings")
    from pushlog.maintenance import database
    from pushlog.postgres.embedded import EmbeddedError

    try:
        if sys.argv[1:2] == ["version"]:
            # Django's dispatcher would print its own version.
            django.setup()
            load_command_class("pushlog", "version").run_from_argv(sys.argv)
            return
        if sys.argv[1:2] == ["collectstatic"]:
            # A build has no database, and needs no secrets that last.
            for name in ("SECRET_KEY", "ENCRYPTION_KEYS"):
                os.environ.setdefault(name, Fernet.generate_key().decode())
        else:
            database.start()
    except (EmbeddedError, EnvError, ImproperlyConfigured) as error:
        sys.exit(f"pushlog: {error}")
    execute_from_command_line(sys.argv)
