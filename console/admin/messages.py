"""Corrections of single messages in Django's admin."""

from typing import Any

import pydantic
from django import forms
from django.contrib import admin, messages
from django.contrib.admin.widgets import AdminTextareaWidget
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse

from console import audit
from console.access import Right
from console.admin.fields import BoundedJSON, StoredText
from console.admin.strict import OfApps
from console.audit import actor
from pushlog import clock, ingest, message_ids
from pushlog.audit import record_correction
from pushlog.keyset import BadCursor, page_of
from pushlog.models import AuditKind, Message
from pushlog.statuses import NO_RECEIPT, REVOKED, Channel

_CORRECTED = ("title", "content", "extras", "expires_at")


class MessageForm(forms.ModelForm):
    """What may be corrected. A changed status becomes a receipt of now."""

    title = StoredText(max_length=500)
    content = StoredText(widget=AdminTextareaWidget)

    class Meta:
        model = Message
        fields = ["title", "content", "extras", "expires_at", "channel", "code"]
        field_classes = {"extras": BoundedJSON}

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if self.errors:
            return cleaned
        # Only what was changed: the form cuts times to seconds, and stored values may be out of bounds.
        given = {name: cleaned[name] for name in _CORRECTED if name in self.changed_data}
        try:
            self.correction = ingest.Correction(created_at=self.instance.created_at, **given)
        except pydantic.ValidationError as error:
            for one in error.errors(include_input=False):
                self.add_error(str(one["loc"][0]) if one["loc"] else "expires_at", one["msg"])
        if self.changes_status:
            if cleaned["code"] in (NO_RECEIPT, REVOKED):
                self.add_error("code", "This code is reserved: it says that there was no receipt, or a revocation.")
            if self.instance.code != NO_RECEIPT and self.instance.modified_at >= clock.now():
                self.add_error("code", "The last receipt is dated ahead of the clock. Try again after its time.")
        return cleaned

    @property
    def initial_status(self) -> str:
        return _in_words(self.initial["channel"], self.initial["code"])

    @property
    def new_status(self) -> str:
        return _in_words(self.cleaned_data["channel"], self.cleaned_data["code"])

    @property
    def changes_status(self) -> bool:
        return not {"channel", "code"}.isdisjoint(self.changed_data)

    def receipt(self) -> dict[str, Any]:
        return {
            "message_id": str(self.instance.pk),
            "channel": Channel(self.cleaned_data["channel"]).word,
            "code": self.cleaned_data["code"],
            "at": clock.now().isoformat(),
            "detail": "Corrected in the admin",
        }


def _in_words(channel: int, code: int) -> str:
    return f"{Channel(channel).word} {code}"


@admin.register(Message)
class MessageAdmin(OfApps):
    """Messages of the person's own apps. Nothing is added, deleted or counted."""

    right = Right.CORRECT

    form = MessageForm
    actions = None
    readonly_fields = [
        "id",
        "app",
        "target_id",
        "customer_message_id",
        "push_type",
        "mode",
        "created_at",
        "modified_at",
        "revoked_at",
        "task",
    ]
    fields = [*readonly_fields, *MessageForm.Meta.fields]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Message]:
        return Message.objects.findable().filter(app__in=self.own_apps(request)).select_related("app")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Keyset pages of one app. The stock list counts all messages."""
        if not self.has_view_or_change_permission(request):
            raise PermissionDenied
        problem = ""
        if request.method == "POST":
            # By POST: people may paste a phone number by mistake.
            message_id = message_ids.parsed(request.POST.get("id", ""))
            if message_id is None:
                problem = "That is not a message ID. One looks like 019a9b3c-0000-7000-8000-000000000000."
            elif found := self.get_queryset(request).filter(pk=message_id).first():
                return redirect("admin:pushlog_message_change", found.pk)
            else:
                problem = "There is no message with this ID in your apps within the last 30 days."
        apps = {one.slug: one for one in self.own_apps(request)}
        slug = request.GET.get("app", next(iter(apps), ""))
        page = None
        if not request.GET.keys() <= {"app", "after"} or (apps and slug not in apps):
            problem = "Unknown parameter or app in the address."
        elif apps:
            self._use_zone(request, apps[slug])
            after = request.GET.get("after")
            try:
                listed = Message.objects.listed(apps[slug]).for_rows()
                page = page_of(listed, keys=("id",), descending=True, after=[after] if after else None)
            except BadCursor:
                problem = "The link to this page of the list is damaged."
        if page is not None:
            audit.record(request, AuditKind.LIST, app=apps[slug], rows=len(page.rows))
        context = {
            **self.admin_site.each_context(request),
            "title": "Messages",
            "opts": self.opts,
            "apps": apps.values(),
            "app": apps.get(slug),
            "page": page,
            "problem": problem,
            "now": clock.now(),
        }
        status = 400 if apps and page is None else 200
        return TemplateResponse(request, "admin/pushlog/message/change_list.html", context, status=status)

    def save_model(self, request: HttpRequest, obj: Message, form: MessageForm, change: bool) -> None:
        with transaction.atomic():
            changed = ingest.correct(message_id=obj.pk, correction=form.correction)
            if form.changes_status:
                if ingest.write_receipts(app=obj.app, rows=[form.receipt()]).applied:
                    changed["status"] = form.initial_status, form.new_status
                else:
                    messages.error(request, "The status was not changed: a newer receipt came at the same time.")
            if changed:
                record_correction(actor(request), changed, app=obj.app, message=obj, now=clock.now())

    def construct_change_message(self, *given: Any, **named: Any) -> Any:
        """Nothing: saving recorded it."""
        return []

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *given: Any, **named: Any) -> Any:
        """Shows a message, which is recorded."""
        audit.record(request, AuditKind.MESSAGE, app=named["obj"].app, message=named["obj"], whole=True)
        return super().render_change_form(request, context, *given, **named)

    def view_on_site(self, obj: Message) -> str:
        return reverse("message", args=[obj.app.slug, obj.pk])
