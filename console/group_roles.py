"""What groups of the single sign-on mean here."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.core.exceptions import ImproperlyConfigured

# Not from the models: settings.py reads this before Django can load them.
_IN_AN_APP = {"viewer", "support", "operator", "manager"}
_OF_THE_INSTALLATION = {"administrator", "auditor"}


@dataclass(frozen=True, slots=True)
class GroupRole:
    """A role that the members of a group have in an app, or for the installation."""

    group: str
    app: str  # its slug; empty for the installation
    role: str


def roles_of_groups(entries: Iterable[str]) -> list[GroupRole]:
    """Entries are "group=slug:role" or "group=administrator". Raises ImproperlyConfigured."""
    return [_role(entry) for entry in entries if entry.strip()]


def _role(entry: str) -> GroupRole:
    group, _, target = entry.strip().rpartition("=")
    app, colon, role = target.rpartition(":")
    known = _IN_AN_APP if colon else _OF_THE_INSTALLATION
    if not group or role not in known or (colon and not app):
        raise ImproperlyConfigured(
            f"OIDC_ROLES: “{entry}” is neither “group=app:role” nor “group=administrator” nor “group=auditor”."
        )
    return GroupRole(group, app, role)
