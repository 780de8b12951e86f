"""Revokes a credential of the API. See `pushlog.credentials`."""

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from pushlog import audit, credentials
from pushlog.models import Credential


class Command(BaseCommand):
    help = "Revokes a credential at once. Asks first in a terminal. It can be taken back for an hour, with --undo."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("access_id", metavar="ACCESS_ID")
        parser.add_argument("--undo", action="store_true", help="take a revocation of the last hour back")
        parser.add_argument("--yes", action="store_true", help="do not ask")

    def handle(self, *, access_id: str, undo: bool, yes: bool, **options: Any) -> None:
        try:
            one = Credential.objects.select_related("app").get(access_id=access_id)
        except (Credential.DoesNotExist, ValueError):
            raise CommandError("There is no credential with this access ID.") from None
        if not undo and not yes and sys.stdin.isatty():
            self.stdout.write(f"{one} of {one.app}, last used {one.last_used_at or 'never'}, will be refused at once.")
            if input("Revoke it? [y/N] ").strip().lower() not in {"y", "yes"}:
                raise CommandError("Not revoked.")
        with transaction.atomic():
            change = credentials.take_back_revocation if undo else credentials.revoke
            changed = change(access_id=access_id)
            if changed:
                audit.record_credential(audit.COMMAND, "valid again" if undo else "revoked", one)
        if undo and not changed:
            raise CommandError("It was not revoked within the last hour.")
        self.stdout.write("It counts again." if undo else "Revoked." if changed else "It was revoked already.")
