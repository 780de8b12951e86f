"""Removes the second factors of somebody who lost them."""

from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from console.second_factors import remove_factors
from pushlog import audit
from pushlog.models import AuditKind


class Command(BaseCommand):
    help = "Removes all second factors of a person, who then logs in with the password alone and adds new ones."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username", metavar="NAME")

    @transaction.atomic
    def handle(self, *, username: str, **options: Any) -> None:
        try:
            person = User.objects.get(username=username)
        except User.DoesNotExist:
            raise CommandError("There is nobody with this name.") from None
        name = f"second factors of {person}"
        audit.record(audit.COMMAND, AuditKind.CHANGE, subject=name, changes=[{"removed": name}])
        self.stdout.write("Removed." if remove_factors(person) else "There were none.")
