"""Credentials in Django's admin: made, named and revoked here; the secret is shown once."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from pushlog import credentials
from pushlog.models import Credential


@admin.register(Credential)
class CredentialAdmin(admin.ModelAdmin):
    """Nothing is deleted: who had access, and until when, stays to be seen."""

    list_display = ["access_id", "name", "app", "created_at", "last_used_at", "revoked_at"]
    list_select_related = ["app"]
    search_fields = ["access_id", "name"]
    actions = ["revoke"]

    def get_fields(self, request: HttpRequest, obj: Credential | None = None) -> list[Any]:
        """The secret is not among them, and what is made up shows once it is there."""
        own = ["name", "note", "calls_per_hour"] if obj else ["name", "note"]
        return ["app", *own, *self.get_readonly_fields(request, obj)[1 if obj else 0 :]]

    def get_readonly_fields(self, request: HttpRequest, obj: Credential | None = None) -> list[str]:
        """A credential never moves to another app: programs have it."""
        return ["app", "access_id", "created_at", "last_used_at", "revoked_at"] if obj else []

    def has_delete_permission(self, request: HttpRequest, obj: Credential | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Credential, form: Any, change: bool) -> None:
        """A new one goes through the function that makes the secret; of an old one only words and limit change."""
        if change:
            obj.save(update_fields=["name", "note", "calls_per_hour"])
            return
        made, secret = credentials.create(app=obj.app, name=obj.name, note=obj.note)
        obj.__dict__.update(made.__dict__)
        self.message_user(
            request,
            f"Access ID {made.access_id}, secret {secret} — copy the secret now, it is not shown again.",
            messages.WARNING,
        )

    @admin.action(description="Revoke the selected credentials", permissions=["change"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[Credential]) -> None:
        """Revokes what is selected; what was revoked before keeps its time."""
        revoked = [one.access_id for one in queryset.order_by("pk") if credentials.revoke(access_id=one.access_id)]
        self.message_user(request, f"Revoked: {', '.join(revoked) or 'none'}.")
