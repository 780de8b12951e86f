"""Apps and their members in Django's admin."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from console.admin.fields import StrictAutocomplete
from console.admin.strict import StrictAdmin
from pushlog.models import App, Membership

# New ones at once. Two thousand took a minute.
_MOST_MEMBERS = 100


class MembershipInline(admin.TabularInline):
    """Who may see the messages of an app."""

    model = Membership
    autocomplete_fields = ["user"]
    extra = 1

    def get_max_num(self, request: HttpRequest, obj: App | None = None, **kwargs: Any) -> int:
        return _MOST_MEMBERS + (obj.memberships.count() if obj else 0)

    def get_formset(self, request: HttpRequest, obj: App | None = None, **kwargs: Any) -> Any:
        return super().get_formset(request, obj, absolute_max=self.get_max_num(request, obj), **kwargs)

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        return super().formfield_for_foreignkey(
            db_field, request, widget=StrictAutocomplete(db_field, self.admin_site), **kwargs
        )


@admin.register(App)
class AppAdmin(StrictAdmin):
    list_display = ["name", "environment", "slug", "time_zone"]
    search_fields = ["name", "slug"]
    inlines = [MembershipInline]

    def get_readonly_fields(self, request: HttpRequest, obj: App | None = None) -> list[str]:
        """Addresses hold the slug, and people paste them into tickets."""
        return ["slug"] if obj else []

    def has_delete_permission(self, request: HttpRequest, obj: App | None = None) -> bool:
        """Messages have no foreign key to their app. They would stay, and nobody could see them."""
        return False
