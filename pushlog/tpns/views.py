"""The endpoints of the dialect, mounted at /v3/."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from pushlog import audit, clock
from pushlog.audit import Actor
from pushlog.http.addresses import client_address
from pushlog.http.streams import read
from pushlog.models import WINDOW, App, AuditKind, PushTask
from pushlog.tpns import limit, questions, records, task_pages
from pushlog.tpns.answers import Content, answered, refused_everywhere
from pushlog.tpns.authentication import credential_of
from pushlog.tpns.codes import Code, Refused

MAX_BODY = 64 << 10
_DAY = timedelta(days=1)
# No task is further away. Dates near year 1 or 9999 would overflow.
_FAR = timedelta(days=366)


@csrf_exempt
@answered
def get_push_record(request: HttpRequest) -> Content:
    """One task by push ID, or the tasks of a period with their count. TPNS has one URL for both."""
    if request.method != "POST":
        raise Refused(Code.INVALID_PARAMETER)
    # TPNS documents no compressed bodies.
    if request.headers.get("Content-Encoding", "identity").strip().lower() != "identity":
        raise Refused(Code.UNREADABLE)
    now = clock.now()
    body = read(request, MAX_BODY)
    credential = credential_of(request, body, now=now)
    limit.count_call(credential, "get_push_record")
    question = questions.read(body, today=now.astimezone(ZoneInfo(credential.app.time_zone)).date())
    by = Actor(credential=credential, address=client_address(request))
    if isinstance(question, questions.OneTask):
        content, subject = _one_task(credential.app, question, now), question.push_id
    else:
        content, subject = _tasks_of_period(credential.app, question, now), "push tasks"
    rows = len(content["pushRecordData"])
    audit.record(by, AuditKind.API_READ, app=credential.app, subject=subject, rows=rows)
    return content


@csrf_exempt
def unknown(request: HttpRequest) -> HttpResponse:
    return refused_everywhere(Code.INVALID_PARAMETER)


def _one_task(app: App, question: questions.OneTask, now: datetime) -> Content:
    try:
        task = PushTask.objects.findable(app, now=now).get(push_id=question.push_id)
    except PushTask.DoesNotExist:
        raise Refused(Code.NO_SUCH_TASK) from None
    record = records.single(task, zone=ZoneInfo(app.time_zone), numeric=app.numeric_push_ids)
    return {"pushRecordData": [record]}


def _tasks_of_period(app: App, question: questions.Period, now: datetime) -> Content:
    zone = ZoneInfo(app.time_zone)
    first, last = (min(max(day, now.date() - _FAR), now.date() + _FAR) for day in (question.first, question.last))
    page = task_pages.page(
        app,
        # In zones where clocks change at midnight, this is the moment of the change.
        start=max(datetime.combine(first, time(), zone), now - WINDOW),
        end=datetime.combine(last + _DAY, time(), zone),
        message_type=question.message_type,
        target_kind=question.target_kind,
        offset=question.offset,
        limit=question.limit,
    )
    found = [records.listed(task, zone=zone, numeric=app.numeric_push_ids) for task in page.tasks]
    return {"count": page.total, "pushRecordData": found}
