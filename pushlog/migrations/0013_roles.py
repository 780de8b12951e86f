"""Roles of members, and of people for the installation. Takes no time: it reads no message.

Whoever could read an app still can, as its operator. Whoever could change apps, members or credentials in the admin
becomes manager of the own apps, or administrator.
"""

from typing import Any

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.models import Q
from django.db.migrations.state import StateApps

ROLES = [("viewer", "Viewer"), ("support", "Support"), ("operator", "Operator"), ("manager", "Manager")]


def keep_rights(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    def may_change(*names: str) -> Any:
        codes = [f"{action}_{name}" for action in ("add", "change") for name in names]
        granted = Q(user_permissions__codename__in=codes) | Q(groups__permissions__codename__in=codes)
        return user.objects.filter(Q(is_superuser=True) | Q(is_staff=True) & granted).distinct()

    user, membership = apps.get_model(settings.AUTH_USER_MODEL), apps.get_model("pushlog", "Membership")
    installation_role = apps.get_model("pushlog", "InstallationRole")
    membership.objects.update(role="operator")
    membership.objects.filter(user__in=may_change("app", "membership", "credential")).update(role="manager")
    installation_role.objects.bulk_create(
        installation_role(user=one, kind="administrator") for one in may_change("app", "user").order_by("pk")
    )


class Migration(migrations.Migration):
    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("pushlog", "0012_credential_limits"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="membership",
            name="role",
            field=models.CharField(
                choices=ROLES,
                default="viewer",
                db_default="viewer",
                help_text="Viewers see masked target IDs and no content. Support may reveal one message or target with a"
                " reason. Operators see all, and correct. Managers also decide about members, credentials and the app.",
                max_length=10,
            ),
        ),
        migrations.CreateModel(
            name="InstallationRole",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[("administrator", "Administrator"), ("auditor", "Auditor")],
                        help_text="Administrators decide about apps and people, and read the audit log. Auditors read"
                        " the audit log.",
                        max_length=13,
                        verbose_name="role",
                    ),
                ),
                (
                    "user",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="installation_role",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.RunPython(keep_rights, migrations.RunPython.noop),
    ]
