"""The front page."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.views.decorators.http import require_safe

from console.access import refuse_without_factor, visible_apps


@require_safe
@login_required
def app_list(request: HttpRequest) -> HttpResponse:
    refuse_without_factor(request)
    return TemplateResponse(request, "apps.html", {"apps": list(visible_apps(request.user))})
