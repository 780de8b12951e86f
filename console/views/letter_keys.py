"""The switch for keys of one letter. It is the person's, in every browser."""

from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.views.decorators.http import require_http_methods

from console.access import refuse_without_factor
from console.htmx import wants_fragment
from pushlog.models import Preferences


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def letter_keys(request: HttpRequest) -> HttpResponse:
    """Scripts get no page: they stay where they are."""
    refuse_without_factor(request)
    if request.method != "POST":
        return TemplateResponse(request, "letter_keys.html")
    is_on = "letter_keys" in request.POST
    Preferences.objects.update_or_create(user=cast(User, request.user), defaults={"letter_keys": is_on})
    if wants_fragment(request):
        return HttpResponse(status=204)
    messages.success(request, f"Keys of one letter are {'on' if is_on else 'off'}.")
    return redirect("letter-keys")
