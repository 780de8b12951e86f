"""The first administrator of an empty installation, by a link that `serve` prints."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.forms import BaseUserCreationForm
from django.contrib.auth.models import User
from django.core import signing
from django.db import connection, transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from console import audit
from pushlog.models import AuditKind, InstallationRole

_SALT = "the first administrator"
_VALID_FOR = 24 * 3600  # seconds


def link() -> str:
    """Its path. It counts for a day, and until somebody has an account."""
    return reverse("first-administrator", args=[signing.dumps(None, salt=_SALT)])


@require_http_methods(["GET", "HEAD", "POST"])
@transaction.atomic
def first_administrator(request: HttpRequest, token: str) -> HttpResponse:
    try:
        signing.loads(token, salt=_SALT, max_age=_VALID_FOR)
    except signing.BadSignature:
        raise Http404 from None
    if request.method == "POST":
        # Of two who use the link at once, one finds an account.
        with connection.cursor() as cursor:
            cursor.execute(f"LOCK TABLE {User._meta.db_table} IN SHARE ROW EXCLUSIVE MODE")
    if User.objects.exists():
        raise Http404
    form: Any = BaseUserCreationForm(request.POST or None)
    if not form.is_valid():
        return TemplateResponse(request, "account/first_administrator.html", {"form": form})
    person = form.save()
    role = InstallationRole.objects.create(user=person, kind=InstallationRole.Kind.ADMINISTRATOR)
    name = f"person {person}"
    audit.record(request, AuditKind.CHANGE, subject=name, changes=[{"added": str(role)}])
    messages.success(request, f"{person} is an administrator. Log in, and add the first app in the admin.")
    return redirect("account_login")
