"""Erases what is stored of one target ID."""

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from pushlog import audit, ingest
from pushlog.audit import NotRecorded
from pushlog.invisible import strip_invisible
from pushlog.models import App

KEPT = (
    "Backups still hold it until they expire, and after a restore it must be erased again. Files that were exported or"
    " imported, and what gateways and vendors store, are not reached."
)


class Command(BaseCommand):
    help = (
        "Deletes all messages to one target ID of an app with their history, and takes the ID out of push tasks, early"
        " receipts and corrections. Reads the ID from standard input: arguments are seen by others. It is safe to"
        " repeat it and to kill it."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--app", required=True, metavar="SLUG")
        parser.add_argument("--reason", required=True, help="such as the number of the request; the audit log keeps it")
        parser.add_argument("--dry-run", action="store_true", help="only say how much there is")

    def handle(self, *, app: str, reason: str, dry_run: bool, **options: Any) -> None:
        target_id = strip_invisible(sys.stdin.readline())
        if not target_id:
            raise CommandError("Give the target ID on standard input.")
        try:
            of_app = App.objects.get(slug=app)
        except App.DoesNotExist:
            raise CommandError(f"There is no app {app}.") from None
        try:
            if dry_run:
                messages, tasks = ingest.count_target(app=of_app, target_id=target_id)
                self.stdout.write(f"{messages} messages, and {tasks} push tasks name it. Nothing was changed.")
                return
            done = ingest.erase_target(app=of_app, target_id=target_id, by=audit.COMMAND, reason=reason)
        except NotRecorded:
            raise CommandError("The audit log cannot be written, so no more is erased.") from None
        except DatabaseError as error:
            raise CommandError(f"The database failed: {type(error.__cause__ or error).__name__}") from error
        self.stdout.write(
            f"Erased: {done.messages} messages, {done.history} entries of their history, {done.receipts} early"
            f" receipts, the ID in {done.tasks} push tasks, {done.corrections} corrections. {KEPT}"
        )
