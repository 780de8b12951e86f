"""Creates a credential for the API."""

import getpass
import sys
from argparse import ArgumentParser, ArgumentTypeError
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from pushlog import audit, credentials
from pushlog.models import App, Credential, Scope


class Command(BaseCommand):
    help = "Creates an access ID and a secret. A program uses them to write and read the messages of an app."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--app", required=True, metavar="SLUG", help="the app, as in the addresses of its pages")
        parser.add_argument("--name", required=True, help="the program that will use it")
        parser.add_argument("--note", default="")
        parser.add_argument(
            "--scope",
            action="append",
            choices=Scope.values,
            help="what it may do; give it more than once for more than one (default: everything)",
        )
        parser.add_argument(
            "--expires",
            type=_moment,
            metavar="TIME",
            help="when it ends, such as 2027-01-31T00:00+08:00 (default: never)",
        )
        parser.add_argument(
            "--network",
            action="append",
            default=[],
            help="an address or network from which it counts; give it more than once for more than one (default: all)",
        )
        parser.add_argument(
            "--access-id",
            metavar="DIGITS",
            help="keep the access ID that a program has from TPNS; its secret is read from standard input",
        )

    def handle(self, *, app: str, name: str, access_id: str | None, **options: Any) -> None:
        more = {
            "note": options["note"],
            "scopes": options["scope"] or [*Scope.values],
            "expires_at": options["expires"],
            "networks": options["network"],
        }
        try:
            owner = App.objects.get(slug=app)
            Credential(name=name, **more).clean_fields(exclude={"app"})
            # Other users of the machine can see a command line.
            secret = None if access_id is None else _read_secret()
            with transaction.atomic():
                made, shown = credentials.create(app=owner, name=name, access_id=access_id, secret=secret, **more)
                audit.record_credential(audit.COMMAND, "added", made)
        except App.DoesNotExist:
            slugs = ", ".join(App.objects.order_by("slug").values_list("slug", flat=True)) or "none yet"
            raise CommandError(f"There is no app “{app}”; apps: {slugs}") from None
        except ValidationError as error:
            raise CommandError("; ".join(error.messages)) from None
        except credentials.NotUsable as error:
            raise CommandError(f"Not created: {error}.") from None
        if access_id is not None:
            self.stdout.write(f"access ID  {made.access_id}")
            return
        self.stdout.write(f"access ID  {made.access_id}\nsecret     {shown}")
        self.stderr.write("The secret is not shown again.")


def _moment(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ArgumentTypeError("give the offset, such as +08:00")
    return found


def _read_secret() -> str:
    return (getpass.getpass("Secret: ") if sys.stdin.isatty() else sys.stdin.readline()).strip()
