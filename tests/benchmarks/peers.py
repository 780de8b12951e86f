"""What a team would use instead of the message list, over the same table: Django's admin, the recipe that
django-tables2 and django-filter document, and a query in a program of one's own.

Each as it comes, and tuned in the few lines that spare it a count of the rows. Pages far down are reached by OFFSET.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from html import escape
from statistics import median, quantiles
from time import perf_counter
from typing import Any

import django_filters
import django_tables2 as tables
import psycopg
from django.contrib import admin
from django.contrib.auth.models import User
from django.core.paginator import Paginator
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.template.backends.django import DjangoTemplates
from django.template.response import TemplateResponse
from django.test import Client
from django.urls import path
from django_filters.views import FilterView
from django_tables2.views import SingleTableMixin

from console.lists.state import MESSAGES
from pushlog import message_ids
from pushlog.models import WINDOW, App, Message
from tests.benchmarks import pages
from tests.benchmarks.cursors import PAGE, thousandth
from tests.benchmarks.figures import Figure, Found
from tests.benchmarks.query import SQL

ROUNDS = 5
BUDGET, BUDGET_ROWS = 50, 10_000_000
ROWS = 50
COLUMNS = ("customer_message_id", "push_type", "target_id", "title", "channel", "code")
OURS = "our list"

# Without our own templates, which take the place of Django's.
_STOCK = DjangoTemplates(
    {
        "NAME": "stock",
        "DIRS": [],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
)

_RECIPE = _STOCK.from_string(
    "{% load django_tables2 %}<!doctype html><html><body>"
    "<form>{{ filter.form.as_p }}<input type=submit></form>{% render_table table %}</body></html>"
)


class PeerAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # which cannot be subscripted when it runs
    """As anybody would write it."""

    list_display = COLUMNS
    list_filter = ("push_type", "mode")
    search_fields = ("=target_id", "=customer_message_id")
    ordering = ("-id",)
    list_per_page = ROWS

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        response = super().changelist_view(request, extra_context)
        if isinstance(response, TemplateResponse):
            response.template_name = _STOCK.get_template("admin/change_list.html")
        return response


class Uncounted(Paginator):  # type: ignore[type-arg]
    """The usual recipe for a large table."""

    @cached_property
    def count(self) -> int:
        return 2**31


class TunedAdmin(PeerAdmin):
    paginator = Uncounted
    show_full_result_count = False


class PeerFilter(django_filters.FilterSet):
    class Meta:
        model = Message
        fields = ("app", "push_type", "mode", "target_id", "customer_message_id")


class PeerTable(tables.Table):
    class Meta:
        model = Message
        fields = COLUMNS
        order_by = "-id"
        template_name = "django_tables2/bootstrap5.html"


class PeerView(SingleTableMixin, FilterView):
    """The two packages put together as their documentation does."""

    table_class = PeerTable
    filterset_class = PeerFilter
    table_pagination: dict[str, Any] = {"per_page": ROWS}

    def get_queryset(self) -> Any:
        return Message.objects.order_by("-id")

    def render_to_response(self, context: dict[str, Any], **options: Any) -> TemplateResponse:
        return TemplateResponse(self.request, _RECIPE, context, **options)


class TunedView(PeerView):
    table_pagination = {"per_page": ROWS, "paginator_class": tables.LazyPaginator}


site, tuned_site = admin.AdminSite(name="peer"), admin.AdminSite(name="tuned_peer")
site.register(Message, PeerAdmin)
tuned_site.register(Message, TunedAdmin)

urlpatterns = [
    path("peer/admin/", site.urls),
    path("peer/tuned-admin/", tuned_site.urls),
    path("peer/table/", PeerView.as_view()),
    path("peer/tuned-table/", TunedView.as_view()),
]
_ADMIN, _TABLES = "Django's admin list", "django-tables2 with django-filter"


@dataclass(frozen=True, slots=True)
class _Way:
    """How to get a page: the time of it is compared with ours at the same place."""

    name: str
    deep: bool
    get: Callable[[], object]

    @property
    def label(self) -> str:
        return f"{self.name}, page {PAGE if self.deep else 1:,}"


def measure(rows: int) -> Found:
    """Two pages of one app's messages, our way and each other way in turn; ratios are times of theirs to ours."""
    app = App.objects.get(slug="shop")
    # Our own pages ask a superuser for a second factor.
    member, superuser = pages.member("bench", app), Client()
    user, _ = User.objects.get_or_create(username="bench-staff", defaults={"is_staff": True, "is_superuser": True})
    superuser.force_login(user)
    with psycopg.connect(**connection.get_connection_params()) as bare:
        ways = [_Way("a query by psycopg alone", False, lambda: _query(bare, app)), *_ways(member, superuser, app)]
        times: dict[_Way, list[float]] = {way: [] for way in ways}
        for number in range(ROUNDS + 1):
            for way in ways:
                start = perf_counter()
                way.get()
                if number:  # the first time warms up
                    times[way].append((perf_counter() - start) * 1000)
    ours = {way.deep: median(taken) for way, taken in times.items() if way.name == OURS}
    return Found([_figure(way, taken, median(taken) / ours[way.deep], rows) for way, taken in times.items()])


def _ways(member: Client, superuser: Client, app: App) -> list[_Way]:
    """Pages by HTTP, each seen to show the rows that it should."""
    listed, whole = Message.objects.listed(app), Message.objects.filter(app=app)
    base = f"/apps/{app.slug}/messages/"
    found = []
    for deep in (False, True):
        skipped = (PAGE - 1) * ROWS if deep else 0
        after = f"?after={thousandth(MESSAGES, app, listed, '-created_at')}" if deep else ""
        by_admin, by_table = (f"&p={PAGE}", f"&page={PAGE}") if deep else ("", "")
        addresses = {
            OURS: base + after,
            _ADMIN: f"/peer/admin/pushlog/message/?app__id__exact={app.pk}{by_admin}",
            f"{_ADMIN}, not counting": f"/peer/tuned-admin/pushlog/message/?app__id__exact={app.pk}{by_admin}",
            _TABLES: f"/peer/table/?app={app.pk}{by_table}",
            f"{_TABLES}, not counting": f"/peer/tuned-table/?app={app.pk}{by_table}",
        }
        for name, address in addresses.items():
            client = member if name == OURS else superuser
            rows = (listed if name == OURS else whole).order_by("-pk")[skipped : skipped + ROWS]
            _check(client, address, [row.customer_message_id for row in rows])
            found.append(_Way(name, deep, lambda client=client, address=address: _get(client, address)))  # type: ignore[misc]
    return found


def _check(client: Client, address: str, expected: list[str]) -> None:
    """A peer that shows no rows would be measured for nothing."""
    page: str = _get(client, address).content.decode()
    missing = [one for one in expected if escape(one) not in page]
    assert len(expected) == ROWS, (address, len(expected))
    assert not missing, (address, len(missing), page[:500])


def _get(client: Client, address: str) -> Any:
    response = client.get(address)
    assert response.status_code == 200, (address, response.status_code)
    return response


def _query(bare: psycopg.Connection[Any], app: App) -> None:
    first = message_ids.first_id(datetime.now(UTC) - WINDOW)
    assert bare.execute(SQL, [app.pk, first], prepare=True).fetchall()


def _figure(way: _Way, taken: list[float], ratio: float, rows: int) -> Figure:
    budget, holds = "", True
    if way.name == _ADMIN and not way.deep:
        # Its time grows with the table, and ours does not: the budget says at which size.
        budget, holds = f"≥ {BUDGET} x ours at {BUDGET_ROWS:,}", rows < BUDGET_ROWS or ratio >= BUDGET
    return Figure(f"peer: {way.label}", median(taken), quantiles(taken, n=20)[-1], ratio, budget, holds)
