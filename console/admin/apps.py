"""Apps and their members in Django's admin."""

from django.contrib import admin
from django.http import HttpRequest

from pushlog.models import App, Membership


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
        """Addresses hold the slug, and people paste them into tickets."""
        return ["slug"] if obj else []

    def has_delete_permission(self, request: HttpRequest, obj: App | None = None) -> bool:
        """Messages have no foreign key to their app. They would stay, and nobody could see them."""
        return False
