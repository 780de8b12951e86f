"""The status codes."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.views.decorators.http import require_safe

from console.access import refuse_without_factor
from pushlog.statuses import catalogue


@require_safe
@login_required
def status_codes(request: HttpRequest) -> HttpResponse:
    refuse_without_factor(request)
    # Every entry has an anchor, `#<channel>-<code>`.
    return TemplateResponse(request, "status_codes.html", {"groups": catalogue()})
