"""The database is there before Django asks for it."""

from django.conf import settings

from pushlog import embedded


def start() -> None:
    """Starts the embedded server, or joins it, unless DATABASE_URL names another. Raises EmbeddedError."""
    if settings.EMBEDDED:
        embedded.start(settings.VAR)
