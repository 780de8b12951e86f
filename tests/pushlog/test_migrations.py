"""Migrations that change rows: what was stored before is there after, as it should be."""

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from pushlog.models import InstallationRole, Membership, Role
from tests import factories

pytestmark = pytest.mark.django_db

NAMES = ["reader", "corrects", "credits", "members", "people", "mighty"]
PERMISSIONS = {
    "corrects": "change_message",
    "credits": "add_credential",
    "members": "change_membership",
    "people": "change_user",
}


def test_members_keep_what_they_may_see_and_change() -> None:
    app = factories.create_app()
    people = {name: factories.create_user(app, username=name, is_staff=name != "reader") for name in NAMES}
    User.objects.filter(username="mighty").update(is_superuser=True)
    for name, code in PERMISSIONS.items():
        people[name].user_permissions.add(Permission.objects.get(codename=code))
    Membership.objects.update(role=Role.VIEWER)  # what the new column has before

    keep_rights = MigrationExecutor(connection).loader.get_migration("pushlog", "0013_roles").operations[-1]
    state = MigrationExecutor(connection).loader.project_state(("pushlog", "0013_roles"))
    keep_rights.code(state.apps, None)  # type: ignore[attr-defined]

    roles = dict(Membership.objects.values_list("user__username", "role"))
    assert roles == {
        "reader": "operator",
        "corrects": "operator",
        "credits": "manager",
        "members": "manager",
        "people": "operator",
        "mighty": "manager",
    }
    kinds = dict(InstallationRole.objects.values_list("user__username", "kind"))
    assert kinds == {"people": "administrator", "mighty": "administrator"}
