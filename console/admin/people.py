"""Django's own pages for people and groups, with our bounds."""

from allauth.account.admin import EmailAddress, EmailConfirmation
from django.contrib import admin
from django.contrib.auth import admin as auth_admin
from django.contrib.auth.models import Group, User

from console.admin.strict import StrictAdmin

# Importing their modules registered them. We send no mail.
for _model in (User, Group, EmailAddress, EmailConfirmation):
    if admin.site.is_registered(_model):
        admin.site.unregister(_model)


@admin.register(User)
class UserAdmin(StrictAdmin, auth_admin.UserAdmin):
    lookups = frozenset({"is_staff__exact", "is_superuser__exact", "is_active__exact", "groups__id__exact"})


@admin.register(Group)
class GroupAdmin(StrictAdmin, auth_admin.GroupAdmin):
    pass
