"""The control: a view in the same process, behind the same middleware, session and permission check as the list page,
that runs one raw SQL query and joins the HTML by hand. No page of ours can be faster than this one."""

from datetime import UTC, datetime
from html import escape

from django.db import connection
from django.http import HttpResponse
from django.urls import path

from console.access import MemberRequest, member_required
from console.urls import urlpatterns as console_urls
from pushlog import message_ids
from pushlog.models import WINDOW
from tests.benchmarks import peers
from tests.benchmarks.query import SQL


@member_required
def control(request: MemberRequest) -> HttpResponse:
    """The newest fifty messages, and nothing that makes a page of them."""
    with connection.cursor() as cursor:
        cursor.execute(SQL, [request.app.pk, message_ids.first_id(datetime.now(UTC) - WINDOW)])
        rows = cursor.fetchall()
    cells = ("".join(f"<td>{escape(str(value))}</td>" for value in row) for row in rows[:50])
    return HttpResponse("<table>" + "".join(f"<tr>{row}</tr>" for row in cells) + "</table>")


urlpatterns = [path("control/<slug:app>/", control), *peers.urlpatterns, *console_urls]
