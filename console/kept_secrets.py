"""Secrets that are generated once and kept in the data folder."""

import os
from pathlib import Path
from secrets import token_hex

from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured


def kept_secret(name: str, folder: Path, *, may_make: bool) -> str:
    """A key for Fernet (32 random bytes, URL-safe base64) from `folder`/secrets. Raises ImproperlyConfigured."""
    if not may_make:
        raise ImproperlyConfigured(f"Set {name} (or {name}_FILE): with DATABASE_URL set, no secret is made up.")
    path = folder / "secrets" / name.lower()
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Two processes may start at once: only one link succeeds.
        if not path.exists():
            draft = path.with_name(f"{path.name}.{token_hex(8)}")
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                file.write(Fernet.generate_key())
            try:
                os.link(draft, path)
            except FileExistsError:
                pass
            finally:
                draft.unlink()
        return path.read_text().strip()
    except OSError as error:
        raise ImproperlyConfigured(f"The secret {name} cannot be kept in {folder}: {error.strerror}.") from error
