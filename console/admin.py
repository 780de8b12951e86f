"""Django's admin: apps and their members, and fixes of single messages."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pydantic
from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse

from console import credentials_admin as credentials_admin  # registers its own
from console.access import visible_apps
from console.pages import BadCursor, page_of
from pushlog import ingest
from pushlog.models import App, Membership, Message
from pushlog.statuses import NO_RECEIPT, REVOKED, Channel


class MembershipInline(admin.TabularInline):
    """Who may see the messages of an app."""

    model = Membership
    autocomplete_fields = ["user"]
    extra = 1


@admin.register(App)
class AppAdmin(admin.ModelAdmin):
    list_display = ["name", "environment", "slug", "time_zone"]
    search_fields = ["name", "slug"]
    inlines = [MembershipInline]

    def get_readonly_fields(self, request: HttpRequest, obj: App | None = None) -> list[str]:
        """The slug is in addresses, and those are in tickets."""
        return ["slug"] if obj else []

    def has_delete_permission(self, request: HttpRequest, obj: App | None = None) -> bool:
        """An app's messages refer to it without a foreign key: they would stay behind, and nobody could see them."""
        return False


class MessageForm(forms.ModelForm):
    """What may be put right. A changed status goes in as a receipt of now, by the rules for all receipts."""

    class Meta:
        model = Message
        fields = ["title", "content", "extras", "expires_at", "channel", "code"]

    def clean(self) -> dict[str, Any]:
        """Refuses what ingestion would refuse."""
        cleaned: dict[str, Any] = super().clean() or {}
        if not self.errors:
            try:
                self.correction = ingest.Correction.model_validate(
                    {name: cleaned[name] for name in ingest.Correction.model_fields}
                )
            except pydantic.ValidationError as error:
                for one in error.errors(include_input=False):
                    self.add_error(str(one["loc"][0]), one["msg"])
        return cleaned

    def clean_code(self) -> int:
        """A code that only the log itself may give is refused."""
        code: int = self.cleaned_data["code"]
        if "code" in self.changed_data and code in (NO_RECEIPT, REVOKED):
            raise ValidationError("This code is reserved: it says that there was no receipt, or a revocation.")
        return code

    def receipt(self) -> dict[str, Any]:
        """The receipt that brings the message to the status chosen."""
        return {
            "message_id": str(self.instance.pk),
            "channel": Channel(self.cleaned_data["channel"]).word,
            "code": self.cleaned_data["code"],
            "at": datetime.now(UTC).isoformat(),
            "detail": "Corrected in the admin",
        }


@admin.register(Message)
class MessageAdmin(admin.ModelAdmin):
    """Messages of the person's own apps. Nothing is added or deleted here, and nothing is counted."""

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
        """What the person may see in the console: no broadcasts, nothing behind the window, no other app's."""
        return Message.objects.findable().filter(app__in=visible_apps(request.user)).select_related("app")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Message | None = None) -> bool:
        return False

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The newest messages of one app by keyset pages, or the one with an ID: the stock list counts them all."""
        if not self.has_view_or_change_permission(request):
            return TemplateResponse(request, "errors/403.html", status=403)
        identifier = request.GET.get("id", "").strip()
        problem = ""
        if identifier:
            try:
                found = self.get_queryset(request).filter(pk=UUID(identifier)).first()
            except ValueError:
                problem = "That is not a message ID, such as 019a9b3c-0000-7000-8000-000000000000."
            else:
                if found:
                    return redirect("admin:pushlog_message_change", found.pk)
                problem = "There is no message with this ID in your apps within the last 30 days."
        apps = list(visible_apps(request.user))
        app = next((one for one in apps if one.slug == request.GET.get("app")), apps[0] if apps else None)
        page = None
        if app:
            after = request.GET.get("after")
            try:
                listed = Message.objects.listed(app).for_rows()
                page = page_of(listed, keys=("id",), descending=True, after=[after] if after else None)
            except BadCursor:
                problem = "That is not a page of this list."
        context = {
            **self.admin_site.each_context(request),
            "title": "Messages",
            "opts": self.opts,
            "apps": apps,
            "app": app,
            "page": page,
            "identifier": identifier,
            "problem": problem,
            "now": datetime.now(UTC),
        }
        status = 400 if problem else 200
        return TemplateResponse(request, "admin/pushlog/message/change_list.html", context, status=status)

    def save_model(self, request: HttpRequest, obj: Message, form: MessageForm, change: bool) -> None:
        """Through the record's own writers, as everything that is written there."""
        with transaction.atomic():
            ingest.correct(message_id=obj.pk, correction=form.correction)
            if {"channel", "code"} & set(form.changed_data):
                ingest.receipts(app=obj.app, rows=[form.receipt()])

    def view_on_site(self, obj: Message) -> str:
        """The message's page in the console."""
        return reverse("message", args=[obj.app.slug, obj.pk])
