"""Verifies the audit log."""

from argparse import ArgumentParser
from datetime import UTC, date, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from pushlog import audit, clock
from pushlog.models import AuditSeal


class Command(BaseCommand):
    help = (
        "Reads the audit log and its seals, and says which entries are missing, were added or were changed. Keep the"
        " hash that it prints elsewhere: --hash finds out later whether the end of the log was cut off."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--since", type=date.fromisoformat, metavar="DAY", help="only from this UTC day on")
        parser.add_argument("--hash", metavar="HASH", help="a hash that an earlier run printed")

    def handle(self, *, since: date | None, hash: str | None, **options: Any) -> None:  # noqa: A002  # as the option
        found, problems = audit.Verification(), 0
        start = datetime(since.year, since.month, since.day, tzinfo=UTC) if since else None
        try:
            for problem in audit.verify(found, since=start, now=clock.now()):
                self.stderr.write(problem)
                problems += 1
            if hash and not self._is_sealed(hash):
                self.stderr.write("No seal has this hash: the end of the log was cut off, or expired since.")
                problems += 1
        except DatabaseError as error:
            raise CommandError(f"The database failed: {type(error.__cause__ or error).__name__}") from error
        self.stdout.write(
            f"{found.entries} entries under {found.seals} seals"
            + (f", from {found.first:%Y-%m-%d %H:%M:%S} UTC" if found.first else "")
            + f"; {found.unsealed} not yet sealed."
        )
        if found.last:
            self.stdout.write(f"hash: {bytes(found.last.hash).hex()}")
        if problems:
            raise CommandError(f"{problems} problems.")

    def _is_sealed(self, text: str) -> bool:
        try:
            return AuditSeal.objects.filter(hash=bytes.fromhex(text)).exists()
        except ValueError:
            raise CommandError("A hash is 64 hexadecimal digits.") from None
