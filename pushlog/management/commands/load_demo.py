"""Fills the log with made-up messages."""

import sys
from argparse import ArgumentParser, ArgumentTypeError
from datetime import UTC, datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import Error as DatabaseError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

from pushlog import clock, demo
from pushlog.clock import ClockOff
from pushlog.models import WINDOW


class Command(BaseCommand):
    help = (
        "Stores COUNT made-up messages of two apps, with their receipts, skewed like a real log. The same"
        " count, seed and end give the same messages. No message is stored twice."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("count", type=_count, metavar="COUNT")
        parser.add_argument("--seed", type=int, default=1, help="another seed gives other messages (%(default)s)")
        parser.add_argument(
            "--until",
            type=_moment,
            metavar="TIME",
            help="creation time of the newest message, such as 2026-11-22T09:30Z; default: this minute",
        )

    def handle(self, *, count: int, seed: int, until: datetime | None, **options: Any) -> None:
        try:
            now = clock.checked_now()
        except ClockOff as error:
            raise CommandError(str(error)) from error
        until = until or now.replace(second=0, microsecond=0)
        if not now - WINDOW < until <= now + timedelta(minutes=10):
            raise CommandError("--until must be in the last 30 days: the log shows nothing older")
        columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        stderr = Console(stderr=True)
        try:
            with Progress(*columns, console=stderr, disable=not sys.stderr.isatty()) as bar:
                task = bar.add_task("", total=count)
                accepted = demo.load(count=count, seed=seed, until=until, progress=lambda done: bar.advance(task, done))
        except KeyboardInterrupt:
            raise CommandError("Stopped. Messages stored so far stay in the log.", returncode=130) from None
        except ClockOff as error:
            raise CommandError(f"{error} Messages stored so far stay in the log.") from error
        except DatabaseError as error:
            raise CommandError(f"The database failed: {str(error).strip().partition(chr(10))[0]}") from error
        self.stdout.write(
            f"{accepted:,} messages stored, {count - accepted:,} already in the log;"
            f" seed {seed}, until {until.astimezone(UTC):%Y-%m-%dT%H:%MZ}"
        )


def _count(text: str) -> int:
    number = int(text.replace("_", "").replace(",", ""))
    if number < 1:
        raise ArgumentTypeError("must be at least 1")
    return number


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ArgumentTypeError("needs a time zone, such as Z or +08:00")
    return moment
