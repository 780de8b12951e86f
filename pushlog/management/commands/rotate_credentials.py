"""Seals the secrets of all credentials anew. See `pushlog.credentials`."""

from typing import Any

from cryptography.fernet import InvalidToken
from django.core.management.base import BaseCommand, CommandError

from pushlog import credentials


class Command(BaseCommand):
    help = "Encrypts the secrets of all credentials with the first of ENCRYPTION_KEYS; then the old keys may go."

    def handle(self, **options: Any) -> None:
        """Says how many there are; secrets and access IDs stay as they are."""
        try:
            count = credentials.reseal()
        except InvalidToken:
            raise CommandError(
                "A secret was sealed with a key that is not in ENCRYPTION_KEYS; nothing was changed."
            ) from None
        self.stdout.write(f"{count:,} secrets sealed with the first key")
