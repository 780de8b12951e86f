"""The accounts of the demo, one for each role."""

from django.conf import settings
from django.contrib.auth.models import User

from console.kept_secrets import kept_secret
from pushlog.models import App, InstallationRole, Membership, Role

_PEOPLE = [
    ("viewer", Role.VIEWER, None, "sees statuses in Shop, and no personal data"),
    ("support", Role.SUPPORT, None, "the same, and reveals one message with a reason"),
    ("operator", Role.OPERATOR, None, "sees and corrects all of both apps"),
    ("admin", Role.MANAGER, InstallationRole.Kind.ADMINISTRATOR, "decides about apps, people and credentials"),
    ("auditor", None, InstallationRole.Kind.AUDITOR, "reads who looked at and changed what, and no message"),
]


def ensure_demo_logins(shop: App, bank: App) -> list[tuple[str, str, str]]:
    """Creates missing accounts. Gives name, first password and rights of all."""
    logins = []
    for name, role, kind, may in _PEOPLE:
        password = kept_secret(f"demo_{name}", settings.VAR, may_make=True)[:12]
        user, is_new = User.objects.get_or_create(username=name)
        if is_new:
            user.set_password(password)
            user.save(update_fields=["password"])
            for app in (shop, bank):
                if role and (app == shop or role in {Role.OPERATOR, Role.MANAGER}):
                    Membership.objects.create(user=user, app=app, role=role)
            if kind:
                InstallationRole.objects.create(user=user, kind=kind)
        logins.append((name, password, may))
    return logins
