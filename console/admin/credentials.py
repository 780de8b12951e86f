"""Credentials in Django's admin."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.widgets import AdminBigIntegerFieldWidget
from django.db import models, transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path

from console.access import Right
from console.admin.strict import OfApps
from console.audit import actor
from console.logins import ask_password
from pushlog import clock, credentials
from pushlog.audit import record_credential
from pushlog.models import Credential, CredentialUsage, Scope
from pushlog.models.credential import all_scopes

_WALLS = ["scopes", "expires_at", "networks"]
_LIMITS = ["requests_per_minute", "rows_per_minute", "mib_per_minute", "calls_per_hour"]


class CredentialForm(forms.ModelForm):
    """Scopes as check boxes."""

    scopes = forms.MultipleChoiceField(
        label="May",
        choices=Scope.choices,
        initial=all_scopes,
        widget=forms.CheckboxSelectMultiple,
        help_text="Only what the program needs.",
    )

    class Meta:
        model = Credential
        fields = ["name", "note", *_WALLS, *_LIMITS]


class NewCredentialForm(CredentialForm):
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
        fields = ["app", "name", "note", *_WALLS]

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

    asks_password = True
    form = CredentialForm
    change_form_template = "admin/pushlog/credential/change.html"
    list_display = ["access_id", "name", "app", "created_at", "last_used_at", "expires_at", "revoked_at"]
    list_select_related = ["app"]
    search_fields = ["access_id", "name"]
    actions = None
    # The usual one shows six digits.
    formfield_overrides = {
        **OfApps.formfield_overrides,
        models.PositiveIntegerField: {"widget": AdminBigIntegerFieldWidget},
    }

    def get_fields(self, request: HttpRequest, obj: Credential | None = None) -> list[Any]:
        if obj is None:
            return ["app", "name", "note", *_WALLS, "own_access_id", "own_secret"]
        return ["app", "name", "note", *_WALLS, *_LIMITS, *self.get_readonly_fields(request, obj)[1:]]

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        return super().get_form(request, obj, change, **kwargs | ({} if change else {"form": NewCredentialForm}))

    def get_readonly_fields(self, request: HttpRequest, obj: Credential | None = None) -> list[str]:
        """A credential never moves to another app: programs use it."""
        return ["app", "access_id", "created_at", "last_used_at", "revoked_at"] if obj else []

    def save_model(self, request: HttpRequest, obj: Credential, form: Any, change: bool) -> None:
        if change:
            obj.save(update_fields=["name", "note", *_WALLS, *_LIMITS])
            return
        own = {name: form.cleaned_data[f"own_{name}"] or None for name in ("access_id", "secret")}
        made, secret = credentials.create(
            app=obj.app, name=obj.name, note=obj.note, **{name: getattr(obj, name) for name in _WALLS}, **own
        )
        obj.__dict__.update(made.__dict__)
        form.instance.new_secret = None if own["secret"] else secret

    def response_add(self, request: HttpRequest, obj: Credential, post_url_continue: str | None = None) -> HttpResponse:
        """Shows the secret in the answer itself: a notice for the next page would be a cookie."""
        secret = getattr(obj, "new_secret", None)
        if not secret:
            return super().response_add(request, obj, post_url_continue)
        return self._with_secret(request, obj, secret, "Credential made")

    def get_urls(self) -> list[Any]:
        ask = self.admin_site.admin_view(self.ask)
        return [path("<int:pk>/step/<slug:step>/", ask, name="pushlog_credential_step"), *super().get_urls()]

    def change_view(self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None) -> Any:
        one = self.get_object(request, object_id)
        steps = [step for step in _STEPS.values() if one and step.is_possible(one, clock.now())]
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), "steps": steps})

    def ask(self, request: HttpRequest, pk: int, step: str) -> HttpResponse:
        """Asks first what a step ends, then takes it."""
        ask_password(request)
        one = self.get_object(request, str(pk))
        chosen = _STEPS.get(step)
        if one is None or chosen is None or not self.has_change_permission(request, one):
            raise Http404
        with transaction.atomic():
            # Somebody else may take a step at the same time.
            locked = Credential.objects.select_for_update(no_key=True).get(pk=one.pk)
            is_possible = chosen.is_possible(locked, clock.now())
            takes = is_possible and request.method == "POST"
            secret = chosen.take(locked) if takes else None
            if takes:
                record_credential(actor(request), chosen.recorded, one)
        if secret:
            return self._with_secret(request, one, secret, "Second secret made")
        if takes:
            self.message_user(request, f"{one}: {chosen.done}", messages.SUCCESS)
            return redirect("admin:pushlog_credential_change", one.pk)
        context = {
            **self.admin_site.each_context(request),
            "title": chosen.question,
            "one": one,
            "step": chosen,
            "is_possible": is_possible,
            "usage": CredentialUsage.objects.filter(pk=one.pk).first(),
        }
        return TemplateResponse(request, "admin/pushlog/credential/ask.html", context)

    def _with_secret(self, request: HttpRequest, one: Credential, secret: str, title: str) -> HttpResponse:
        context = {**self.admin_site.each_context(request), "title": title, "made": one, "secret": secret}
        return TemplateResponse(request, "admin/pushlog/credential/made.html", context)


@dataclass(frozen=True, slots=True)
class _Step:
    """Something that is done to a credential after a question."""

    name: str
    label: str
    question: str
    means: str
    done: str
    recorded: str  # in the audit log
    take: Callable[[Credential], str | None]  # may give a secret
    is_possible: Callable[[Credential, datetime], bool]


def _revoke(one: Credential) -> None:
    credentials.revoke(access_id=one.access_id)


def _take_back(one: Credential) -> None:
    credentials.take_back_revocation(access_id=one.access_id)


def _keep_new(one: Credential) -> None:
    credentials.keep_new_secret(one)


def _drop_new(one: Credential) -> None:
    credentials.drop_new_secret(one)


_STEPS = {
    step.name: step
    for step in (
        _Step(
            "revoke",
            "Revoke",
            "Revoke this credential?",
            "Its program is refused at once, whatever it sends or asks. It can be taken back for an hour.",
            "revoked. It can be taken back for an hour.",
            "revoked",
            _revoke,
            lambda one, now: one.revoked_at is None,
        ),
        _Step(
            "take-back",
            "Take the revocation back",
            "Take the revocation back?",
            "Its program is accepted again.",
            "counts again.",
            "valid again",
            _take_back,
            lambda one, now: one.revoked_at is not None and one.revoked_at >= now - credentials.REGRET,
        ),
        _Step(
            "second-secret",
            "Make a second secret",
            "Make a second secret?",
            "Both secrets count, so that the program can change over. Then end the first one here.",
            "has a second secret.",
            "second secret made",
            credentials.add_secret,
            lambda one, now: one.revoked_at is None and one.new_sealed_secret is None,
        ),
        _Step(
            "end-first-secret",
            "End the first secret",
            "End the first secret?",
            "A program that still uses it is refused at once.",
            "only the new secret counts.",
            "first secret ended",
            _keep_new,
            lambda one, now: one.new_sealed_secret is not None,
        ),
        _Step(
            "end-second-secret",
            "End the second secret",
            "End the second secret?",
            "A program that uses it already is refused at once. The first secret stays. Then another can be made.",
            "only the first secret counts.",
            "second secret ended",
            _drop_new,
            lambda one, now: one.new_sealed_secret is not None,
        ),
    )
}
