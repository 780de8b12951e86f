"""People in Django's admin."""

from typing import Any

from allauth.account.admin import EmailAddress, EmailConfirmation
from allauth.mfa.admin import Authenticator
from allauth.socialaccount.admin import SocialAccount, SocialApp, SocialToken
from allauth.usersessions.admin import UserSession
from django import forms
from django.contrib import admin, messages
from django.contrib.auth import admin as auth_admin
from django.contrib.auth.forms import UserChangeForm
from django.contrib.auth.models import Group, User
from django.http import HttpRequest

from console.access import standing
from console.admin.apps import OwnMembershipInline
from console.admin.fields import LabelledForm, LabelledFormSet
from console.admin.members import without_manager
from console.admin.strict import StrictAdmin
from console.logins import ask_password
from pushlog.models import InstallationRole

# Importing their modules registered them. Roles take the place of groups, and we send no mail.
for _model in (
    *(User, Group, EmailAddress, EmailConfirmation),
    *(Authenticator, SocialAccount, SocialApp, SocialToken, UserSession),
):
    if admin.site.is_registered(_model):
        admin.site.unregister(_model)


class InstallationRoleForm(LabelledForm):
    class Meta:
        model = InstallationRole
        fields = ["kind"]


class InstallationRoleInline(admin.TabularInline):
    model = InstallationRole
    form = InstallationRoleForm
    formset = LabelledFormSet
    extra = 0
    verbose_name_plural = "Role for the whole installation"

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True

    has_add_permission = has_change_permission = has_delete_permission = has_view_permission


class PersonForm(UserChangeForm):
    """Names that differ only in upper and lower case would lock both people out."""

    def clean_username(self) -> str:
        name: str = self.cleaned_data["username"]
        if User.objects.filter(username__iexact=name).exclude(pk=self.instance.pk).exists():
            raise forms.ValidationError("There is somebody with this name already.")
        return name


@admin.register(User)
class UserAdmin(StrictAdmin, auth_admin.UserAdmin):
    """Administrators make, change and deactivate people. Superusers are changed by superusers alone."""

    asks_password = True
    form = PersonForm
    lookups = frozenset({"is_superuser__exact", "is_active__exact"})
    list_display = ["username", "first_name", "last_name", "is_active", "is_superuser", "last_login"]
    list_filter = ["is_active", "is_superuser"]
    search_fields = ["username", "first_name", "last_name"]
    filter_horizontal = ()
    readonly_fields = ["last_login", "date_joined"]
    inlines = [InstallationRoleInline, OwnMembershipInline]

    def user_change_password(self, request: HttpRequest, *given: Any, **named: Any) -> Any:
        ask_password(request)
        return super().user_change_password(request, *given, **named)

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        """Nobody who must be shut out waits for a new manager, so this only says what is missing."""
        super().save_model(request, obj, form, change)
        if "is_active" in form.changed_data and not obj.is_active:
            for app in without_manager(obj):
                messages.warning(request, f"{app} has no active manager now. Make somebody one on the app's page.")

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        if obj is None:
            return super().get_fieldsets(request, obj)
        mighty = ["is_superuser"] if request.user.is_superuser else []
        fields = ["username", "password", "first_name", "last_name", "is_active", *mighty, *self.readonly_fields]
        return [(None, {"fields": fields})]

    def get_inlines(self, request: HttpRequest, obj: User | None = None) -> Any:
        """Not on the first page."""
        return self.inlines if obj else []

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return standing(request).is_administrator and (request.user.is_superuser or not (obj and obj.is_superuser))
