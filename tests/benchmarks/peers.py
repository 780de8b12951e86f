"""What a team would use instead of the message list, over the same table: Django's admin, the recipe that
django-tables2 and django-filter document, and a query in a program of one's own."""

from collections.abc import Callable
from datetime import UTC, datetime
from statistics import median, quantiles
from time import perf_counter
from typing import Any

import django_filters
import django_tables2 as tables
import psycopg
from django.contrib import admin
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.urls import path
from django_filters.views import FilterView
from django_tables2.views import SingleTableMixin

from pushlog import message_ids
from pushlog.models import WINDOW, App, Membership, Message, Role
from tests.benchmarks.figures import Figure, Found
from tests.benchmarks.query import SQL

ROUNDS = 5
BUDGET, BUDGET_ROWS = 50, 10_000_000
COLUMNS = ("customer_message_id", "push_type", "target_id", "title", "channel", "code")


class PeerAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # which cannot be subscripted when it runs
    """As anybody would write it, with the one switch that spares it a count of the whole table."""

    list_display = COLUMNS
    list_filter = ("push_type", "mode")
    search_fields = ("=target_id", "=customer_message_id")
    ordering = ("-id",)
    show_full_result_count = False
    list_per_page = 50


site = admin.AdminSite(name="peer")
site.register(Message, PeerAdmin)


class PeerFilter(django_filters.FilterSet):
    class Meta:
        model = Message
        fields = ("app", "push_type", "mode", "target_id", "customer_message_id")


class PeerTable(tables.Table):
    class Meta:
        model = Message
        fields = COLUMNS
        order_by = "-id"


class PeerView(SingleTableMixin, FilterView):
    """The two packages put together as their documentation does."""

    table_class = PeerTable
    filterset_class = PeerFilter
    paginate_by = 50
    template_name = "django_tables2/bootstrap5.html"

    def get_queryset(self) -> Any:
        return Message.objects.order_by("-id")


urlpatterns = [path("peer/admin/", site.urls), path("peer/table/", PeerView.as_view())]


def measure(rows: int) -> Found:
    """The newest fifty messages of one app, our way and each other way in turn; ratios are times of theirs to ours."""
    app = App.objects.get(slug="shop")
    client = Client()
    user, _ = User.objects.get_or_create(username="bench-staff", defaults={"is_staff": True, "is_superuser": True})
    Membership.objects.update_or_create(user=user, app=app, defaults={"role": Role.OPERATOR})
    client.force_login(user)
    with psycopg.connect(**connection.get_connection_params()) as bare:
        ways: dict[str, Callable[[], object]] = {
            "our list": lambda: _get(client, f"/apps/{app.slug}/messages/"),
            "Django's admin list": lambda: _get(client, f"/peer/admin/pushlog/message/?app__id__exact={app.pk}"),
            "django-tables2 with django-filter": lambda: _get(client, f"/peer/table/?app={app.pk}"),
            "a query by psycopg alone": lambda: _query(bare, app),
        }
        times: dict[str, list[float]] = {name: [] for name in ways}
        for number in range(ROUNDS + 1):
            for name, way in ways.items():
                start = perf_counter()
                way()
                if number:  # the first time warms up
                    times[name].append((perf_counter() - start) * 1000)
    ours = median(times["our list"])
    return Found([_figure(name, taken, median(taken) / ours, rows) for name, taken in times.items()])


def _get(client: Client, address: str) -> None:
    response = client.get(address)
    assert response.status_code == 200, (address, response.status_code)


def _query(bare: psycopg.Connection[Any], app: App) -> None:
    first = message_ids.first_id(datetime.now(UTC) - WINDOW)
    assert bare.execute(SQL, [app.pk, first], prepare=True).fetchall()


def _figure(name: str, taken: list[float], ratio: float, rows: int) -> Figure:
    budget, holds = "", True
    if name == "Django's admin list":
        # Its time grows with the table, and ours does not: the budget says at which size.
        budget, holds = f"≥ {BUDGET} x ours at {BUDGET_ROWS:,}", rows < BUDGET_ROWS or ratio >= BUDGET
    return Figure(f"peer: {name}", median(taken), quantiles(taken, n=20)[-1], ratio, budget, holds)
