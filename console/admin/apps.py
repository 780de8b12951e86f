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
        """The slug is in addresses, and those are in tickets."""
        return ["slug"] if obj else []

    def has_delete_permission(self, request: HttpRequest, obj: App | None = None) -> bool:
        """An app's messages refer to it without a foreign key: they would stay behind, and nobody could see them."""
        return False
