"""Credentials in Django's admin."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AdminBigIntegerFieldWidget
from django.db import models, transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from console.access import Right
from console.admin.strict import OfApps
from console.audit import actor
from pushlog import credentials
from pushlog.audit import record_credential
from pushlog.models import Credential

_LIMITS = ["requests_per_minute", "rows_per_minute", "mib_per_minute", "calls_per_hour"]


class NewCredentialForm(forms.ModelForm):
    """Access ID and secret are generated unless given."""

    own_access_id = forms.CharField(
        label="Access ID",
        required=False,
        help_text="Only for a credential that the program already has from TPNS. Empty: a new one is made.",
    )
    own_secret = forms.CharField(
        label="Secret",
        required=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text="Belongs to the access ID.",
    )

    class Meta:
        model = Credential
        fields = ["app", "name", "note"]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        access_id, secret = cleaned.get("own_access_id", ""), cleaned.get("own_secret", "")
        if access_id or secret:
            try:
                credentials.check_usable(access_id, secret)
            except credentials.NotUsable as error:
                self.add_error("own_access_id", f"Not taken: {error}.")
        return cleaned


@admin.register(Credential)
class CredentialAdmin(OfApps):
    """Nothing is deleted: it stays visible who had access, and until when."""

    right = Right.MANAGE

    list_display = ["access_id", "name", "app", "created_at", "last_used_at", "revoked_at"]
    list_select_related = ["app"]
    search_fields = ["access_id", "name"]
    actions = ["revoke"]
    # The usual one shows six digits.
    formfield_overrides = {models.PositiveIntegerField: {"widget": AdminBigIntegerFieldWidget}}

    def get_fields(self, request: HttpRequest, obj: Credential | None = None) -> list[Any]:
        if obj is None:
            return ["app", "name", "note", "own_access_id", "own_secret"]
        return ["app", "name", "note", *_LIMITS, *self.get_readonly_fields(request, obj)[1:]]

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        return super().get_form(request, obj, change, **kwargs | ({} if change else {"form": NewCredentialForm}))

    def get_readonly_fields(self, request: HttpRequest, obj: Credential | None = None) -> list[str]:
        """A credential never moves to another app: programs use it."""
        return ["app", "access_id", "created_at", "last_used_at", "revoked_at"] if obj else []

    def save_model(self, request: HttpRequest, obj: Credential, form: Any, change: bool) -> None:
        if change:
            obj.save(update_fields=["name", "note", *_LIMITS])
            return
        own = {name: form.cleaned_data[f"own_{name}"] or None for name in ("access_id", "secret")}
        made, secret = credentials.create(app=obj.app, name=obj.name, note=obj.note, **own)
        obj.__dict__.update(made.__dict__)
        form.instance.new_secret = None if own["secret"] else secret

    def response_add(self, request: HttpRequest, obj: Credential, post_url_continue: str | None = None) -> HttpResponse:
        """Shows the secret in the answer itself: a notice for the next page would be a cookie."""
        secret = getattr(obj, "new_secret", None)
        if not secret:
            return super().response_add(request, obj, post_url_continue)
        context = {**self.admin_site.each_context(request), "title": "Credential made", "made": obj, "secret": secret}
        return TemplateResponse(request, "admin/pushlog/credential/made.html", context)

    @admin.action(description="Revoke the selected credentials", permissions=["change"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[Credential]) -> None:
        revoked = [one.access_id for one in queryset.order_by("pk") if self._revoke(request, one)]
        self.message_user(request, f"Revoked: {', '.join(revoked) or 'none'}.")

    @transaction.atomic
    def _revoke(self, request: HttpRequest, one: Credential) -> bool:
        is_new = credentials.revoke(access_id=one.access_id)
        if is_new:
            record_credential(actor(request), "revoked", one)
        return is_new
