"""The three accounts of the demo."""

from django.conf import settings
from django.contrib.auth.models import Permission, User

from console.kept_secrets import kept_secret
from pushlog.models import App, Membership


def ensure_demo_logins(shop: App, bank: App) -> list[tuple[str, str, str]]:
    """Creates missing accounts. Gives name, first password and rights of all three."""
    people = [
        ("support", {}, [shop], "reads the messages of Shop"),
        ("operator", {"is_staff": True}, [shop, bank], "reads both apps, corrects messages in the admin"),
        ("admin", {"is_staff": True, "is_superuser": True}, [shop, bank], "may do everything"),
    ]
    logins = []
    for name, rights, apps, may in people:
        password = kept_secret(f"demo_{name}", settings.VAR, may_make=True)[:12]
        user, is_new = User.objects.get_or_create(username=name, defaults=rights)
        if is_new:
            user.set_password(password)
            user.save(update_fields=["password"])
            if name == "operator":
                user.user_permissions.set(
                    Permission.objects.filter(
                        codename__in=["view_message", "change_message"], content_type__app_label="pushlog"
                    )
                )
        for app in apps:
            Membership.objects.get_or_create(user=user, app=app)
        logins.append((name, password, may))
    return logins
