"""What all our pages of Django's admin refuse, and to whom they open."""

from contextlib import suppress
from typing import Any
from zoneinfo import ZoneInfoNotFoundError

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from console import audit
from console.access import Right, visible_apps
from console.admin.changes import changes
from console.admin.fields import MomentField, MomentInput, is_number
from console.logins import ask_password
from pushlog.models import App, AuditKind


class StrictAdmin(admin.ModelAdmin):
    """Answers 400 to what the admin itself does not send. Roles decide, and nothing is deleted."""

    lookups: frozenset[str] = frozenset()
    asks_password = False  # before its forms open

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        raise NotImplementedError

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_change_permission(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.has_change_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    formfield_overrides = {models.DateTimeField: {"form_class": MomentField, "widget": MomentInput}}

    def changeform_view(self, request: HttpRequest, object_id: str | None = None, *given: Any, **named: Any) -> Any:
        if self.asks_password:
            ask_password(request)
        one = self.get_object(request, unquote(object_id)) if object_id else None
        self._use_zone(request, one if isinstance(one, App) else getattr(one, "app", None))
        return super().changeform_view(request, object_id, *given, **named)

    def changelist_view(self, request: HttpRequest, *given: Any, **named: Any) -> Any:
        self._use_zone(request)
        return super().changelist_view(request, *given, **named)

    def _use_zone(self, request: HttpRequest, app: App | None = None) -> None:
        """The app's; of the only app that a person has; or else UTC. console.middleware.own_time_zone ends it."""
        if app is None:
            apps = [*visible_apps(request.user).order_by()[:2]]
            app = apps[0] if len(apps) == 1 else None
        # An app may have a zone that this machine no longer knows.
        with suppress(ZoneInfoNotFoundError):
            timezone.activate(app.time_zone if app else "UTC")

    def construct_change_message(self, request: HttpRequest, form: Any, formsets: Any, add: bool = False) -> Any:
        """Old and new values, for the audit log."""
        return [*changes(form, formsets, is_new=add)]

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        self._log(request, obj, message, is_new=True)

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        if message:
            self._log(request, obj, message)

    def _log(self, request: HttpRequest, obj: Any, message: list[dict[str, Any]], **details: Any) -> None:
        """In the transaction of the change."""
        app = obj if isinstance(obj, App) else getattr(obj, "app", None)
        subject = f"{self.opts.verbose_name} {obj}"
        audit.record(request, AuditKind.CHANGE, app=app, subject=subject, changes=message, **details)

    def lookup_allowed(self, lookup: str, value: str, request: Any = None) -> bool:
        """Others could name any field, pattern or value."""
        return lookup in self.lookups and (is_number(value) or value in {"True", "False"})

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Nothing: no address of ours fills a form, and widgets fail at values of other types."""
        return {}

    def to_field_allowed(self, request: HttpRequest, to_field: str) -> bool:
        """Our pages link to rows by their numbers. Django allows names of relations, and fails at them."""
        return to_field == self.opts.pk.name

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        # An empty one in the address passes Django's check, and names no field.
        return super().get_object(request, object_id, from_field or None)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        if "\0" in search_term:  # PostgreSQL refuses it
            return queryset.none(), False
        return super().get_search_results(request, queryset, search_term)


class OfApps(StrictAdmin):
    """Rows of the apps in which a person has `right`."""

    right: Right

    def own_apps(self, request: HttpRequest) -> QuerySet[App]:
        return visible_apps(request.user, self.right)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).filter(app__in=self.own_apps(request))

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.own_apps(request).exists()

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "app":
            kwargs["queryset"] = self.own_apps(request)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)
