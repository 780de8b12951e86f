"""Django's admin site, opened by our roles instead of Django's permissions.

Not in `console.admin`: importing that registers its models on this site.
"""

from typing import TYPE_CHECKING, Any, cast

from allauth.account.views import logout as account_logout
from django.contrib.admin import AdminSite
from django.contrib.admin.views.autocomplete import AutocompleteJsonView
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from console.access import refuse_without_factor, standing

if TYPE_CHECKING:
    from console.admin.strict import StrictAdmin


class _Choices(AutocompleteJsonView):
    def process_request(self, request: HttpRequest) -> Any:
        """For the two fields that have it. Django fails at other relations."""
        names = (request.GET.get(name) for name in ("app_label", "model_name", "field_name"))
        if ".".join(filter(None, names)) not in {"pushlog.membership.user", "pushlog.membership.app"}:
            raise PermissionDenied
        return super().process_request(request)

    def has_perm(self, request: HttpRequest, obj: Any = None) -> bool:
        return cast("StrictAdmin", self.model_admin).may_choose(request)


class ConsoleAdminSite(AdminSite):
    site_header = site_title = "Pushlog administration"

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
        """Without Django's redirect to pages of any row of any table, which we do not use."""
        return [one for one in super().get_urls() if getattr(one, "name", "") != "view_on_site"]

    def autocomplete_view(self, request: HttpRequest) -> Any:
        return _Choices.as_view(admin_site=self)(request)
