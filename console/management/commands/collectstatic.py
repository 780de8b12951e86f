"""Django's collectstatic, which does nothing if all is collected, and lets one process collect at a time."""

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.contrib.staticfiles.management.commands import collectstatic
from django.core.management import CommandError, CommandParser

# Ninja's other page about the API weighs a megabyte, and we do not show it.
_NOT_SERVED = ["redoc*", "README.md"]


class Command(collectstatic.Command):
    help = "Names static files by their content, and compresses them. Needs neither a database nor secrets."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.set_defaults(interactive=False, ignore_patterns=[*_NOT_SERVED])

    def handle(self, **options: Any) -> str | None:
        root = Path(settings.STATIC_ROOT)
        if not settings.CHECKOUT:
            return None  # the wheel was built with them
        stamp, found = root / "collected", _fingerprint()
        if _is_current(stamp, found) and not options["clear"]:
            return None
        try:
            root.mkdir(exist_ok=True)
            with _locked(root):
                # Another process may have collected them meanwhile.
                if _is_current(stamp, found) and not options["clear"]:
                    return None
                if options["verbosity"]:
                    self.stdout.write("Collecting static files …")
                    self.stdout.flush()
                printed: str | None = super().handle(**options)
                if not options["dry_run"]:
                    stamp.write_text(found)
        except OSError as error:
            raise CommandError(
                f"{root} does not have the static files of this version, and cannot be written: {error.strerror}."
                " Run manage.py collectstatic as somebody who may."
            ) from error
        return printed


def _is_current(stamp: Path, fingerprint: str) -> bool:
    return stamp.exists() and stamp.read_text() == fingerprint


def _fingerprint() -> str:
    """Of names and contents. Times say nothing: copies keep those of another machine."""
    found = hashlib.sha256()
    for finder in get_finders():
        for name, storage in finder.list(_NOT_SERVED):
            found.update(name.encode() + hashlib.sha256(Path(storage.path(name)).read_bytes()).digest())
    return found.hexdigest()


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
