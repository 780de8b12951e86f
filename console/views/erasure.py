"""Erasing what is stored of one target, for managers."""

import time

from django import forms
from django.core.validators import MaxLengthValidator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.views.decorators.http import require_http_methods

from console.access import MemberRequest, Right, member_required, right_required
from console.audit import actor
from console.lists.audit import as_uuid
from pushlog import ingest
from pushlog.invisible import strip_invisible
from pushlog.models import Message

# A page must answer. The next try goes on.
_SECONDS = 15


class ErasureForm(forms.Form):
    target_id = forms.CharField(label="Target ID", validators=[MaxLengthValidator(512)])
    reason = forms.CharField(
        label="Reason, such as the number of the request",
        min_length=3,
        max_length=200,
        help_text="The audit log keeps it.",
    )
    again = forms.CharField(label="The target ID again, to confirm", required=False)

    def clean_target_id(self) -> str:
        return strip_invisible(self.cleaned_data["target_id"])


@require_http_methods(["GET", "HEAD", "POST"])
@member_required
@right_required(Right.MANAGE)
def erase(request: MemberRequest) -> HttpResponse:
    """Says first what there is. The second form, with the ID typed again, erases it."""
    context = {"app": request.app, "form": ErasureForm(initial={"target_id": _target_of(request)})}
    status = 200
    if request.method == "POST":
        context["form"] = form = ErasureForm(request.POST)
        if not form.is_valid():
            status = 400
        elif not form.cleaned_data["again"]:
            context["found"] = ingest.count_target(app=request.app, target_id=form.cleaned_data["target_id"])
        elif strip_invisible(form.cleaned_data["again"]) != form.cleaned_data["target_id"]:
            form.add_error("again", "The two IDs differ.")
            context["found"] = ingest.count_target(app=request.app, target_id=form.cleaned_data["target_id"])
            status = 400
        else:
            end = time.monotonic() + _SECONDS
            context["done"] = ingest.erase_target(
                app=request.app,
                target_id=form.cleaned_data["target_id"],
                by=actor(request),
                reason=form.cleaned_data["reason"],
                go_on=lambda: time.monotonic() < end,
            )
    return TemplateResponse(request, "erase.html", context, status=status)


def _target_of(request: MemberRequest) -> str:
    message_id = as_uuid(request.GET.get("message", ""))
    if message_id is None:
        return ""
    return get_object_or_404(Message.objects.findable(request.app), pk=message_id).target_id
