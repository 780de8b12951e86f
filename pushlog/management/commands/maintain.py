"""Runs maintenance."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from pushlog.clock import ClockOff
from pushlog.maintenance import run
from pushlog.postgres import sessions


class Command(BaseCommand):
    help = (
        "Creates partitions for the coming days, drops expired ones, removes early receipts and tasks that are too old,"
        " compacts counts, updates statistics and reindexes past days. It is safe to repeat it, to run it twice at once"
        " and to kill it."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="show what is due, change nothing")
        parser.add_argument(
            "--force",
            action="store_true",
            help="drop expired days even if they are more than the days since the last good run, plus one: after a"
            " restore, or the first run over an old log. The newest day with messages always stays.",
        )

    def handle(self, *, dry_run: bool, force: bool = False, **options: Any) -> None:
        if not dry_run and sessions.are_shared():
            raise CommandError(
                "Maintenance holds a session-level lock, which a pooler in transaction mode loses. Run this with a"
                " DATABASE_URL that leads to PostgreSQL itself."
            )
        try:
            result = run.due() if dry_run else run.maintain(force=force)
        except ClockOff as error:
            raise CommandError(str(error)) from error
        except DatabaseError as error:
            raise CommandError(f"The database failed: {type(error.__cause__ or error).__name__}") from error
        if result is None:
            self.stdout.write("Another maintenance is running: nothing done.")
            return
        if dry_run:
            self.stdout.write("Due (nothing was changed):")
        failed = result.pop("failed", {})
        for name, done in result.items():
            value = f"{len(done)}: {', '.join(done)}" if isinstance(done, list) and done else done or 0
            self.stdout.write(f"{name.replace('_', ' ')}: {value}")
        if {"drop_refused", "audit_months_refused"} & result.keys() and not dry_run:
            self.stderr.write(
                "More days or months are due to be dropped than have passed since the last good run, so none was"
                " dropped. A wrong clock does that. Compare the clocks of this machine and of the database. If they"
                " are right, as after a restore, run manage.py maintain --force."
            )
        if failed:
            raise CommandError("Failed: " + "; ".join(f"{name} ({why})" for name, why in failed.items()))
