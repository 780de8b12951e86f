"""The status codes."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.views.decorators.http import require_safe

from console.access import MemberRequest, member_required, refuse_without_factor
from pushlog.statuses import catalogue, statuses


@require_safe
@member_required
def app_status_codes(request: MemberRequest) -> HttpResponse:
    return TemplateResponse(request, "status_codes.html", {"groups": catalogue(), "app": request.app})


@require_safe
@login_required
def status_codes(request: HttpRequest) -> HttpResponse:
    refuse_without_factor(request)
    # Every entry has an anchor, `#<channel>-<code>`.
    return TemplateResponse(request, "status_codes.html", {"groups": catalogue()})


@require_safe
@login_required
def status_options(request: HttpRequest) -> HttpResponse:
    refuse_without_factor(request)
    return TemplateResponse(request, "_status_options.html", {"statuses": statuses()})
