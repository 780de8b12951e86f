"""A person's own sessions, which can be ended one by one."""

from typing import Any, cast

from allauth.usersessions.adapter import get_adapter
from allauth.usersessions.models import UserSession
from allauth.usersessions.views import ListUserSessionsView
from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from console import audit
from pushlog.models import AuditKind


class EndForm(forms.Form):
    """One session, or all others."""

    session = forms.IntegerField(required=False, min_value=1, max_value=2**63 - 1)

    def __init__(self, *given: Any, request: HttpRequest, **named: Any) -> None:
        super().__init__(*given, **named)
        self.request = request

    def save(self, request: HttpRequest) -> int:
        ended = [*self._chosen(request)]
        for one in ended:
            name = f"session since {one.created_at:%Y-%m-%d %H:%M:%S} UTC"
            audit.record(request, AuditKind.CHANGE, subject=name, changes=[{"ended": name}])
        get_adapter().end_sessions(ended)
        return len(ended)

    def _chosen(self, request: HttpRequest) -> QuerySet[UserSession]:
        own = UserSession.objects.filter(user=request.user).exclude(session_key=request.session.session_key)
        number = self.cleaned_data["session"]
        return cast("QuerySet[UserSession]", own.filter(pk=number) if number else own)


class SessionsView(ListUserSessionsView):
    form_class = EndForm

    def form_valid(self, form: EndForm) -> HttpResponse:
        count = form.save(self.request)
        messages.success(self.request, f"Ended: {count} {'session' if count == 1 else 'sessions'}.")
        answer: HttpResponse = super(ListUserSessionsView, self).form_valid(form)
        return answer


session_list = SessionsView.as_view()
