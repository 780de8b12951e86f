"""Push tasks in Django's admin, written by `ingest`."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.widgets import AdminTextareaWidget
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest

from console import audit
from console.access import Right
from console.admin.changes import changes
from console.admin.fields import BoundedJSON, StoredText
from console.admin.strict import OfApps
from console.audit import actor
from pushlog import clock, ingest
from pushlog.audit import record_correction
from pushlog.invisible import strip_invisible
from pushlog.models import WINDOW, App, AuditKind, MessageType, PushTask, TargetKind, TaskSource, TaskState

# Stored as numbers; words in JSON.
_WORDS = {"target_kind": TargetKind, "state": TaskState, "message_type": MessageType, "source": TaskSource}
_TIMES = ("created_at", "pushed_at")


class TaskForm(forms.ModelForm):
    """Validated by `ingest`."""

    title = StoredText(max_length=500)
    content = StoredText(widget=AdminTextareaWidget)
    media_url = StoredText(label="Rich media", max_length=2000)
    audio_url = StoredText(label="Audio", max_length=2000)
    group = StoredText(max_length=64)

    class Meta:
        model = PushTask
        fields = [
            "app",
            "push_id",
            "state",
            "target_kind",
            "message_type",
            "environment",
            "source",
            "created_at",
            "pushed_at",
            "title",
            "content",
            "expires_in",
            "collapse_id",
            "upload_id",
            "multi_package",
            "media_url",
            "audio_url",
            "group",
            "targets",
            "tag_rule",
            "android",
            "ios",
            "iot",
        ]
        field_classes = dict.fromkeys(("targets", "tag_rule", "android", "ios", "iot"), BoundedJSON)

    def clean_push_id(self) -> str:
        """As ingestion stores it, so that it is found again."""
        return strip_invisible(self.cleaned_data["push_id"])

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if self.errors:
            return cleaned
        app, present = self._app(cleaned), self.instance if self.instance.pk else None
        if not present and PushTask.objects.filter(app=app, push_id=cleaned["push_id"]).exists():
            self.add_error("push_id", "There is a task with this push ID already.")
        elif wrong := ingest.check_task(app=app, row=self.row(cleaned), present=present):
            field = wrong.field if wrong.field in self.fields else None
            self.add_error(field, wrong.error.removeprefix(f"{wrong.field}: "))
        return cleaned

    def row(self, cleaned: dict[str, Any]) -> dict[str, Any]:
        """A row for `ingest`. Of a stored task, only what was changed."""
        names = self.changed_data if self.instance.pk else [*self.fields]
        row = {name: cleaned[name] for name in names if name != "app" and name in cleaned}
        row |= {name: enum(row[name]).word for name, enum in _WORDS.items() if name in row}
        row |= {name: row[name].isoformat() for name in _TIMES if name in row}
        return row | {"push_id": self.instance.push_id or cleaned["push_id"]}

    def _app(self, cleaned: dict[str, Any]) -> App:
        app: App = self.instance.app if self.instance.pk else cleaned["app"]
        return app


@admin.register(PushTask)
class PushTaskAdmin(OfApps):
    """Tasks of the person's own apps. Only maintenance deletes them."""

    right = Right.CORRECT

    form = TaskForm
    actions = None
    list_display = ["push_id", "app", "title", "state", "pushed_at"]
    search_fields = ["=push_id"]
    search_help_text = "A complete push ID. The console's own page lists all tasks."
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[PushTask]:
        since = clock.now() - WINDOW
        return super().get_queryset(request).filter(pushed_at__gte=since).select_related("app")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[PushTask], search_term: str
    ) -> tuple[QuerySet[PushTask], bool]:
        """Nothing without a search: the stock list would count and sort all tasks."""
        push_id = strip_invisible(search_term)
        return queryset.filter(push_id=push_id) if push_id else queryset.none(), False

    def get_readonly_fields(self, request: HttpRequest, obj: PushTask | None = None) -> list[str]:
        """Messages refer to a task by app and push ID."""
        return ["app", "push_id"] if obj else []

    def construct_change_message(self, *given: Any, **named: Any) -> Any:
        """Nothing: saving recorded it."""
        return []

    def log_addition(self, *given: Any, **named: Any) -> Any:
        """Neither."""

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *given: Any, **named: Any) -> Any:
        """Shows a task, which is recorded."""
        if task := named.get("obj"):
            audit.record(request, AuditKind.TASK, app=task.app, subject=task.push_id)
        return super().render_change_form(request, context, *given, **named)

    def save_model(self, request: HttpRequest, obj: PushTask, form: TaskForm, change: bool) -> None:
        with transaction.atomic():
            result = ingest.write_tasks(app=obj.app, rows=[form.row(form.cleaned_data)])
            if result.rejected:
                messages.error(request, "The task was not changed: somebody else changed its state at the same time.")
            else:
                [*changed] = changes(form, None, is_new=not change)
                values = changed[0]["fields"] if changed else {}
                named: dict[str, Any] = {"app": obj.app, "push_id": obj.push_id, "now": clock.now()}
                record_correction(actor(request), values, **named, is_new=not change)
        obj.pk = PushTask.objects.values_list("pk", flat=True).get(app=obj.app, push_id=obj.push_id)
