"""Changes the secret of a credential without a gap. See `pushlog.credentials`."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from pushlog import audit, credentials
from pushlog.models import Credential


class Command(BaseCommand):
    help = "Makes a second secret for a credential. Both count until --finish, which ends the first."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("access_id", metavar="ACCESS_ID")
        parser.add_argument("--finish", action="store_true", help="end the first secret")

    @transaction.atomic
    def handle(self, *, access_id: str, finish: bool, **options: Any) -> None:
        try:
            one = Credential.objects.select_related("app").get(access_id=access_id)
        except (Credential.DoesNotExist, ValueError):
            raise CommandError("There is no credential with this access ID.") from None
        if finish:
            if not credentials.keep_new_secret(one):
                raise CommandError("It has one secret only.")
            self.stdout.write("Only the new secret counts.")
        else:
            self.stdout.write(f"new secret  {credentials.add_secret(one)}")
            self.stderr.write("The secret is not shown again. The old one counts, too, until --finish.")
        audit.record_credential(audit.COMMAND, "first secret ended" if finish else "second secret made", one)
