"""What all our pages of Django's admin refuse."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import SuspiciousOperation
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from console.admin.fields import is_number


class StrictAdmin(admin.ModelAdmin):
    """Answers 400 to addresses and selections that the admin itself does not make."""

    lookups: frozenset[str] = frozenset()

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

    def response_action(self, request: HttpRequest, queryset: QuerySet[Any], *more: Any) -> HttpResponse | None:
        if not all(is_number(key) for key in request.POST.getlist(ACTION_CHECKBOX_NAME)):
            raise SuspiciousOperation("A selected row has no number")
        return super().response_action(request, queryset, *more)
