"""Secrets that the embedded mode makes once and keeps in its data folder."""

import os
from pathlib import Path
from secrets import token_hex

from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured


def kept_secret(name: str, folder: Path, *, may_make: bool) -> str:
    """The secret that `folder`/secrets/`name` holds, made at the first call if `may_make`.

    It is 32 random bytes as URL-safe base64, which is what Fernet asks of a key. Raises ImproperlyConfigured,
    with what to do, where it may not be made or cannot be read or written.
    """
    if not may_make:
        raise ImproperlyConfigured(f"Set {name} (or {name}_FILE): with DATABASE_URL set, no secret is made up.")
    path = folder / "secrets" / name.lower()
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Written aside and linked into place: of two processes starting at once, one makes the secret, whole,
        # and the other reads that one.
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
