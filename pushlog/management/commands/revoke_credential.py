"""Revokes a credential of the API. See `pushlog.credentials`."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from pushlog import audit, credentials
from pushlog.models import Credential


class Command(BaseCommand):
    help = "Revokes a credential at once. This cannot be undone."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("access_id", metavar="ACCESS_ID")

    def handle(self, *, access_id: str, **options: Any) -> None:
        try:
            with transaction.atomic():
                now = credentials.revoke(access_id=access_id)
                if now:
                    one = Credential.objects.select_related("app").get(access_id=access_id)
                    audit.record_credential(audit.COMMAND, "revoked", one)
        except (Credential.DoesNotExist, ValueError):
            raise CommandError("There is no credential with this access ID.") from None
        self.stdout.write("Revoked." if now else "It was revoked already.")
