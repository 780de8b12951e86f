"""Erasing what is stored of one target, for managers."""

import time
from typing import Any

from django import forms
from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.views.decorators.http import require_http_methods

from console import audit
from console.access import MemberRequest, Right, member_required, right_required
from console.lists.filters import IDField, ReasonField
from console.views.errors import over_limit
from pushlog import ingest, message_ids
from pushlog.models import AuditKind, Message

# A page must answer. The next try goes on.
_SECONDS = 15


class ErasureForm(forms.Form):
    target_id = IDField(label="Target ID", longest=512)
    reason = ReasonField(label="Reason, such as the number of the request", help_text="The audit log keeps it.")
    again = IDField(label="The target ID again, to confirm", longest=512, required=False)


@require_http_methods(["GET", "HEAD", "POST"])
@member_required
@right_required(Right.MANAGE)
def erase(request: MemberRequest) -> HttpResponse:
    """Says first what there is. The second form, with the ID typed again, erases it."""
    # The search of the frame has fields of these names.
    data = request.POST if request.method == "POST" else None
    form = ErasureForm(data, initial={"target_id": _target_of(request)}, auto_id="erase_%s")
    context: dict[str, Any] = {"app": request.app, "form": form}
    if request.method != "POST":
        return TemplateResponse(request, "erase.html", context)
    if not form.is_valid():
        return TemplateResponse(request, "erase.html", context, status=400)
    target_id, again = form.cleaned_data["target_id"], form.cleaned_data["again"]
    if again == target_id:
        end = time.monotonic() + _SECONDS
        context["done"] = ingest.erase_target(
            app=request.app,
            target_id=target_id,
            by=audit.actor(request),
            reason=form.cleaned_data["reason"],
            go_on=lambda: time.monotonic() < end,
        )
        return TemplateResponse(request, "erase.html", context)
    if audit.has_reached(settings.SEARCHES_PER_HOUR, request, AuditKind.SEARCH):
        return over_limit(request, "searches", settings.SEARCHES_PER_HOUR)
    audit.record(request, AuditKind.SEARCH, target_id=target_id)
    context["found"] = ingest.count_target(app=request.app, target_id=target_id)
    if again:
        form.add_error("again", "The two IDs differ.")
    return TemplateResponse(request, "erase.html", context, status=400 if again else 200)


def _target_of(request: MemberRequest) -> str:
    """Of a message, from whose page the person comes. To show it is a look."""
    message_id = message_ids.parsed(request.GET.get("message", ""))
    if message_id is None or request.method == "POST":
        return ""
    message = get_object_or_404(Message.objects.findable(request.app), pk=message_id)
    audit.record(request, AuditKind.MESSAGE, message=message, whole=True)
    return message.target_id
