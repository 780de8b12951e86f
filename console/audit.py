"""Records in the audit log what a request looks at or does."""

from datetime import timedelta
from typing import Any, cast
from uuid import UUID

from django.contrib.auth.models import User
from django.http import HttpRequest

from pushlog import audit, clock
from pushlog.audit import Actor
from pushlog.http.addresses import client_address
from pushlog.models import AuditKind


def actor(request: HttpRequest) -> Actor:
    person = request.user if request.user.is_authenticated else None
    return Actor(person=person, address=client_address(request))


def record(request: HttpRequest, kind: AuditKind, **what: Any) -> UUID:
    """As `pushlog.audit.record`. On pages of an app, the entry is of that app."""
    what.setdefault("app", getattr(request, "app", None))
    return audit.record(actor(request), kind, **what)


def has_reached(limit: int, request: HttpRequest, kind: AuditKind) -> bool:
    """Whether a person did this so often within the last hour. The log itself counts."""
    return audit.count_since(cast(User, request.user), kind, clock.now() - timedelta(hours=1)) >= limit
