"""Encrypts the secrets of all credentials and second factors again."""

from typing import Any

from cryptography.fernet import InvalidToken
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from console import second_factors
from pushlog import credentials


class Command(BaseCommand):
    help = (
        "Encrypts the secrets of all credentials and second factors with the first of ENCRYPTION_KEYS. Then remove the"
        " old keys."
    )

    def handle(self, **options: Any) -> None:
        try:
            with transaction.atomic():
                count, factors = credentials.reseal(), second_factors.reseal()
        except InvalidToken:
            raise CommandError(
                "A secret was encrypted with a key that is not in ENCRYPTION_KEYS; nothing was changed."
            ) from None
        self.stdout.write(
            f"Encrypted with the first key: {count:,} secrets of credentials, {factors:,} of second factors"
        )
