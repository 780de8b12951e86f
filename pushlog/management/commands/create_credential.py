"""Makes a credential for the API. See `pushlog.credentials`."""

from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from pushlog import credentials
from pushlog.models import App, Credential


class Command(BaseCommand):
    help = "Makes an access ID and a secret with which a program may write and read the messages of an app."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--app", required=True, metavar="SLUG", help="the app's name in addresses")
        parser.add_argument("--name", required=True, help="which program will use it")
        parser.add_argument("--note", default="")

    def handle(self, *, app: str, name: str, note: str, **options: Any) -> None:
        """Prints the access ID and the secret, which is not shown again."""
        try:
            owner = App.objects.get(slug=app)
            Credential(name=name, note=note).clean_fields(exclude={"app"})
        except App.DoesNotExist:
            slugs = ", ".join(App.objects.order_by("slug").values_list("slug", flat=True)) or "none yet"
            raise CommandError(f"There is no app “{app}”; apps: {slugs}") from None
        except ValidationError as error:
            raise CommandError("; ".join(error.messages)) from None
        made, secret = credentials.create(app=owner, name=name, note=note)
        self.stdout.write(f"access ID  {made.access_id}\nsecret     {secret}")
        self.stderr.write("The secret is not shown again.")
