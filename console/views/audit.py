"""The audit log, for administrators and auditors."""

import csv
from collections.abc import Iterator
from itertools import count
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponse, QueryDict, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from console import audit, tokens
from console.access import audit_reader_required
from console.lists.audit import AuditFilter, IDForm, about_id, about_message, corrections_of, entries, in_words
from console.logins import ask_password
from console.parameters import mistakes
from console.views.errors import over_limit
from pushlog import clock, message_ids
from pushlog.keyset import BadCursor, page_of
from pushlog.models import App, AuditEntry, AuditKind

_PURPOSE = ["audit log"]
_CURSOR = ["cursor of the audit log"]
# Rows of a file. More time is another file.
MOST_ROWS = 100_000
_CHUNK = 1000
_COLUMNS = ["time", "kind", "person", "access_id", "address", "app", "message_id", "subject", "details"]


@require_safe
@audit_reader_required
def audit_log(request: HttpRequest) -> HttpResponse:
    asked = _Question(request.GET)
    page = None
    if not asked.problems:
        try:
            page = page_of(asked.found, keys=("id",), descending=True, after=asked.after, before=asked.before)
        except BadCursor:
            asked.problems.append("The link to this page of the log is damaged.")
    rows = page.rows if page else []
    kept = corrections_of(rows)
    if page is not None:
        audit.record(request, AuditKind.AUDIT_LOG, rows=len(rows), filters=asked.words)
    context = {
        "rows": [(one, in_words(one, kept)) for one in rows],
        "page": page,
        "newer": _cursor(page.newer) if page else None,
        "older": _cursor(page.older) if page else None,
        "pager_labels": ("Newer", "Older"),
        "filters": asked.filters,
        "active": asked.words,
        "id_form": IDForm(),
        "typed": asked.typed,
        "problems": asked.problems,
        "zone": timezone.get_current_timezone_name(),
        "most_rows": MOST_ROWS,
        "query": asked.query,
    }
    return TemplateResponse(request, "audit/list.html", context, status=200 if page is not None else 400)


@require_POST
@audit_reader_required
def audit_search(request: HttpRequest) -> HttpResponse:
    """Redirects to an address that holds the ID encrypted."""
    form = IDForm(request.POST)
    if not form.is_valid():
        return redirect("audit-log")
    token = tokens.seal(_PURPOSE, [form.cleaned_data["id"]])
    return redirect(f"{reverse('audit-log')}?{urlencode({'id': token})}")


@require_POST
@audit_reader_required
def audit_export(request: HttpRequest) -> HttpResponseBase:
    """The entries of a list as CSV, newest first."""
    ask_password(request, back=reverse("audit-log"))
    if audit.has_reached(settings.EXPORTS_PER_HOUR, request, AuditKind.EXPORT):
        return over_limit(request, "exports", settings.EXPORTS_PER_HOUR)
    asked = _Question(request.POST)
    if asked.problems:
        return redirect("audit-log")
    audit.record(request, AuditKind.EXPORT, subject="audit log", filters=asked.words)
    name = f"audit-log-{clock.now():%Y-%m-%dT%H%M%SZ}.csv"
    return StreamingHttpResponse(
        _csv(asked),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


class _Question:
    """What a query string asks for."""

    def __init__(self, query: QueryDict) -> None:
        self.apps = {one.slug: one for one in App.objects.all()}
        chosen = self.apps.get(str(query.get("app", "")))
        if chosen:
            # Before the filters read times. Until console.middleware.own_time_zone.
            timezone.activate(chosen.time_zone)
        self.filters = AuditFilter(query, queryset=entries(), apps=self.apps)
        lasting = [*self.filters.filters, "id", "message"]
        self.problems = mistakes(query, {*lasting, "after", "before", "csrfmiddlewaretoken"})
        for name, errors in self.filters.form.errors.items():
            self.problems += [f"{self.filters.form.fields[name].label}: {error}" for error in errors]
        self.typed = self._unsealed(_PURPOSE, query, "id")
        self.after, self.before = (self._unsealed(_CURSOR, query, name) for name in ("after", "before"))
        message_id = message_ids.parsed(query.get("message", ""))
        if query.get("message") and message_id is None:
            self.problems.append("“message” is not a message ID.")
        self.query = {name: query[name] for name in lasting if query.get(name)}
        self.words = {name: value if name != "id" else "as typed" for name, value in self.query.items()}
        if self.problems:
            return
        self.found = self.filters.qs
        if self.typed:
            self.found = self.found.filter(about_id(self.typed[0], [chosen] if chosen else self.apps.values()))
        if message_id:
            self.found = self.found.filter(about_message(message_id))

    def _unsealed(self, purpose: list[str], query: QueryDict, name: str) -> list[Any] | None:
        if not query.get(name):
            return None
        try:
            return tokens.unseal(purpose, str(query[name]))
        except tokens.BadToken:
            self.problems.append("A link in the address is damaged, or was made with a key that is no longer in use.")
            return None


def _cursor(values: list[Any] | None) -> str | None:
    return tokens.seal(_CURSOR, values) if values else None


def _csv(asked: _Question) -> Iterator[str]:
    writer = csv.writer(_Echo())
    yield writer.writerow(_COLUMNS)
    after: list[Any] | None = None
    for number in count():
        page = page_of(asked.found, keys=("id",), descending=True, after=after, size=_CHUNK)
        kept = corrections_of(page.rows)
        for one in page.rows:
            yield writer.writerow([_harmless(value) for value in _cells(one, in_words(one, kept))])
        after = page.older
        if after is None or (number + 1) * _CHUNK >= MOST_ROWS:
            return


def _cells(one: AuditEntry, words: list[str]) -> list[str]:
    return [
        one.at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        AuditKind(one.kind).word,
        one.person.get_username() if one.person else "",
        one.access_id,
        one.address,
        one.app.slug if one.app else "",
        str(one.message_id or ""),
        one.subject,
        "; ".join(words),
    ]


def _harmless(cell: str) -> str:
    """Spreadsheets run what begins like a formula."""
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell


class _Echo:
    def write(self, line: str) -> str:
        return line
