"""Prints the versions that a bug report needs."""

from contextlib import closing
from typing import Any

import django
from django.core.management.base import BaseCommand
from django.db import Error, connection

from pushlog import __version__


class Command(BaseCommand):
    help = "Prints the versions of Pushlog, Django and, if it can be reached, PostgreSQL."
    requires_system_checks = []

    def handle(self, **options: Any) -> None:
        """Starts no database, and waits at most two seconds for one."""
        own = connection.copy()
        own.settings_dict["OPTIONS"]["connect_timeout"] = 2
        try:
            with closing(own), own.cursor() as cursor:
                cursor.execute("SELECT split_part(current_setting('server_version'), ' ', 1)")
                [found] = cursor.fetchone() or [""]
            server = f"PostgreSQL {found}"
        except Error:
            server = "PostgreSQL cannot be reached"
        self.stdout.write(f"pushlog {__version__} (Django {django.get_version()}, {server})")
