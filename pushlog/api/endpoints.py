"""The operations of the JSON API, mounted at /api/v1/."""

import json
from collections.abc import Sequence
from functools import cached_property
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError
from ninja.errors import ValidationError as RequestError
from ninja.security import HttpBasicAuth
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from pushlog import audit, clock, credentials, ingest, message_pages, usage
from pushlog.api import answers, description, errors
from pushlog.audit import Actor
from pushlog.http import bodies
from pushlog.http.addresses import client_address, exact_address
from pushlog.http.errors import RefusedRequest
from pushlog.ingest.fields import CustomerID, TargetID
from pushlog.ingest.rows import MessageRow, ReceiptRow
from pushlog.ingest.task_rows import TaskRow
from pushlog.message_pages import Question
from pushlog.models import WINDOW, AuditKind, Credential, Message, Scope, StatusChange

MAX_PAGE = 200
_LARGE = {"content", "extras", "sealed_content"}
_COLUMNS = tuple(one.attname for one in Message._meta.concrete_fields if one.attname not in _LARGE)
# Bounds the answer for a message that a gateway reports on without end.
MAX_HISTORY = 1000


class ByCredential(HttpBasicAuth):
    """HTTP Basic with access ID and secret of a credential with a scope; `request.auth` is the credential."""

    def __init__(self, scope: Scope) -> None:
        super().__init__()
        self.scope = scope

    def authenticate(self, request: HttpRequest, username: str, password: str) -> Credential | None:
        try:
            found = credentials.check(
                username, password, address=client_address(request), source=exact_address(request)
            )
        except credentials.TooManyTries as error:
            raise RefusedRequest(429, retry_after=error.seconds) from None
        if found:
            usage.add(found, requests=1)
            if self.scope not in found.scopes:
                raise RefusedRequest(403, f"This credential may not do that. It needs “{self.scope.label}”.")
        return found


class CredentialRequest(HttpRequest):
    """Authenticated."""

    auth: Credential


class Search(BaseModel):
    """One ID or both, complete and exact, and the page."""

    model_config = ConfigDict(extra="forbid")

    target_id: TargetID | None = None
    customer_message_id: CustomerID | None = None
    after: UUID | None = None
    limit: int = Field(default=50, ge=1, le=MAX_PAGE)

    @model_validator(mode="after")
    def _must_name_something(self) -> "Search":
        if self.target_id is None and self.customer_message_id is None:
            raise ValueError("give target_id, customer_message_id, or both")
        return self


class Api(NinjaAPI):
    """NinjaAPI whose description says what each error means."""

    def get_openapi_schema(self, **_: Any) -> Any:
        return self._schema

    @cached_property
    def _schema(self) -> Any:
        return description.worded(super().get_openapi_schema())


api = Api(
    title="Pushlog",
    version="1",
    description="Write messages and receipts into the log, and ask what became of a message. All times are ISO 8601."
    " Every error has one shape: code, message, and errors with index, field and error.",
    urls_namespace="api",
    docs_url=None,  # a page for people: console/views/api_docs.py
)
# django-ninja's own handlers for the narrower classes answer in another shape.
for _error in (Exception, HttpError, AuthenticationError, Http404, RequestError):
    api.add_exception_handler(_error, errors.of_exception)


@api.post(
    "/messages",
    operation_id="write_messages",
    auth=ByCredential(Scope.MESSAGES),
    summary="Write messages",
    response=description.answers(answers.MessagesAnswer),
    openapi_extra=description.rows_of(MessageRow, "messages"),
)
def write_messages(request: CredentialRequest) -> HttpResponse:
    """Stores the valid rows and names the others. 200 is sent after the commit.

    A row with the same `created_at`, `target_id` and `customer_message_id` as one in the log is a duplicate and
    changes nothing: a request that had no answer may be sent again as it was.
    """
    result = ingest.write_messages(app=request.auth.app, rows=_rows(request, "messages"))
    return _json(
        {
            "accepted": result.accepted,
            "duplicates": result.duplicates,
            "rejected": errors.of_rows(result.rejected),
            "ids": [str(identifier) if identifier else None for identifier in result.ids],
        }
    )


@api.post(
    "/receipts",
    operation_id="write_receipts",
    auth=ByCredential(Scope.RECEIPTS),
    summary="Write receipts",
    response=description.answers(answers.ReceiptsAnswer),
    openapi_extra=description.rows_of(ReceiptRow, "receipts"),
)
def write_receipts(request: CredentialRequest) -> HttpResponse:
    """Applies receipts to their messages; one whose message is not there yet is kept until it comes.

    The same receipt again changes nothing. 200 is sent after the commit.
    """
    result = ingest.write_receipts(app=request.auth.app, rows=_rows(request, "receipts"))
    return _json(
        {
            "applied": result.applied,
            "stale": result.stale,
            "unmatched": result.early,
            "rejected": errors.of_rows(result.rejected),
        }
    )


@api.post(
    "/tasks",
    operation_id="write_tasks",
    auth=ByCredential(Scope.MESSAGES),
    summary="Write push tasks",
    response=description.answers(answers.TasksAnswer),
    openapi_extra=description.rows_of(TaskRow, "tasks", or_one=True),
)
def write_tasks(request: CredentialRequest) -> HttpResponse:
    """Stores push tasks, one or many; one whose `push_id` is in the log already is updated with what is given.

    A state only moves on: one that cannot follow the present one is rejected with the row.
    """
    result = ingest.write_tasks(app=request.auth.app, rows=_rows(request, "tasks", single_with="push_id"))
    return _json(
        {
            "accepted": result.accepted,
            "updated": result.updated,
            "unchanged": result.unchanged,
            "rejected": errors.of_rows(result.rejected),
        }
    )


@api.post(
    "/messages/search",
    operation_id="search_messages",
    auth=ByCredential(Scope.READ),
    summary="Search messages",
    response=description.answers(answers.SearchAnswer),
    openapi_extra=description.body_of(Search),
)
def search_messages(request: CredentialRequest) -> HttpResponse:
    """Messages of the last 30 days with this target ID, this customer message ID, or both; newest first.

    Broadcasts are never found.
    """
    try:
        search = Search.model_validate(bodies.document(request))
    except ValidationError as error:
        raise errors.of_fields(error) from None
    now = clock.now()
    asked = Question(
        request.auth.app,
        now,
        target_id=search.target_id or "",
        customer_message_id=search.customer_message_id or "",
    )
    page = message_pages.page(
        asked,
        keys=("id",),
        descending=True,
        after=[str(search.after)] if search.after else None,
        size=search.limit,
        columns=_COLUMNS,
    )
    ids = {"target_id": asked.target_id, "customer_message_id": asked.customer_message_id}
    _record(request, **ids, rows=len(page.rows))
    return _json(
        {
            "messages": [answers.found(message, now) for message in page.rows],
            "next": page.older[0] if page.older else None,
            "window": {"first": answers.moment(now - WINDOW), "last": answers.moment(now)},
        }
    )


@api.get(
    "/messages/{uuid:message_id}",
    operation_id="read_message",
    auth=ByCredential(Scope.READ),
    summary="Read one message",
    response=description.answers(answers.WholeMessage, reads=True),
)
def read_message(request: CredentialRequest, message_id: UUID) -> HttpResponse:
    """A message of the last 30 days, its status in words, and its history, oldest first: the last 1,000 entries."""
    now = clock.now()
    message = Message.objects.findable(request.auth.app, now=now).filter(pk=message_id).first()
    if message is None:
        raise RefusedRequest(404)
    _record(request, message=message)
    newest = StatusChange.objects.filter(message_id=message.pk).order_by("-at", "-code")[:MAX_HISTORY]
    return _json(answers.whole(message, reversed(newest), now))


def _record(request: CredentialRequest, **what: Any) -> None:
    by = Actor(credential=request.auth, address=client_address(request))
    audit.record(by, AuditKind.API_READ, app=request.auth.app, **what)


def _rows(request: CredentialRequest, name: str, *, single_with: str | None = None) -> Sequence[object]:
    body = bodies.receive(request)
    found: Sequence[object] = ()
    try:
        found = bodies.rows(body, name, single_with=single_with)
    finally:
        # A body that is refused took time, too.
        usage.add(request.auth, rows=len(found), size=len(body.content))
    return found


def _json(content: dict[str, Any]) -> HttpResponse:
    return HttpResponse(json.dumps(content, separators=(",", ":")), content_type="application/json")
