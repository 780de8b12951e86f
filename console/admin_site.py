"""Django's admin site, opened by our roles instead of Django's permissions.

Not in `console.admin`: importing that registers its models on this site.
"""

from typing import Any

from allauth.account.views import logout as account_logout
from django.contrib.admin import AdminSite
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from console.access import refuse_without_factor, standing


class ConsoleAdminSite(AdminSite):
    site_header = site_title = index_title = "Administration"
    enable_nav_sidebar = False

    def has_permission(self, request: HttpRequest) -> bool:
        may: bool = standing(request).may_use_admin
        if may:
            refuse_without_factor(request)
        return may

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The console's: Django's own form would check passwords without a limit."""
        if not request.user.is_authenticated:
            return redirect_to_login(request.GET.get("next", request.path))
        if not self.has_permission(request):
            raise PermissionDenied
        return redirect("admin:index")

    def logout(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """The console's, which records it."""
        return account_logout(request)

    def get_urls(self) -> list[Any]:
        """Without what we do not use: redirects to pages of any row of any table, and choices of any relation."""
        unused = {"view_on_site", "autocomplete"}
        return [one for one in super().get_urls() if getattr(one, "name", "") not in unused]
