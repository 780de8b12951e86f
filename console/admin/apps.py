"""Apps and their members in Django's admin."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from console.access import Right, standing, visible_apps
from console.admin.fields import StrictAutocomplete
from console.admin.strict import StrictAdmin
from pushlog.models import App, Membership

# New ones at once. Two thousand took a minute.
_MOST_MEMBERS = 100


class MembershipInline(admin.TabularInline):
    """On the app's page and on the person's."""

    model = Membership
    extra = 1

    def get_max_num(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> int:
        return _MOST_MEMBERS + (obj.memberships.count() if obj else 0)

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        return super().get_formset(request, obj, absolute_max=self.get_max_num(request, obj), **kwargs)

    def get_autocomplete_fields(self, request: HttpRequest) -> list[str]:
        return ["user", "app"]

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        return super().formfield_for_foreignkey(
            db_field, request, widget=StrictAutocomplete(db_field, self.admin_site), **kwargs
        )

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True

    has_add_permission = has_change_permission = has_delete_permission = has_view_permission


@admin.register(App)
class AppAdmin(StrictAdmin):
    list_display = ["name", "environment", "slug", "time_zone"]
    search_fields = ["name", "slug"]
    inlines = [MembershipInline]

    def get_queryset(self, request: HttpRequest) -> QuerySet[App]:
        return App.objects.all() if self.has_add_permission(request) else visible_apps(request.user, Right.MANAGE)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return standing(request).is_administrator

    def has_change_permission(self, request: HttpRequest, obj: App | None = None) -> bool:
        return self.get_queryset(request).exists() or self.has_add_permission(request)

    def get_readonly_fields(self, request: HttpRequest, obj: App | None = None) -> list[str]:
        """Addresses hold the slug, and people paste them into tickets."""
        return ["slug"] if obj else []
