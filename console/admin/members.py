"""Removing a member: asked first, at once, and taken back within an hour."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse

from console import audit
from console.access import Right, standing, visible_apps
from console.admin.fields import LabelledForm, PersonField
from console.logins import ask_password
from pushlog import clock
from pushlog.models import App, AuditKind, EndedMembership, Membership, Reveal, Role

REGRET = timedelta(hours=1)


class _RoleForm(LabelledForm):
    """A row that is stored changes its role alone."""

    fixed: str

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.fields[self.fixed].disabled = bool(self.instance.pk)


class MemberForm(_RoleForm):
    """On an app's page: who, and the role."""

    fixed = "user"
    user = PersonField(label="Username")

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        if self.instance.pk:
            self.initial["user"] = self.instance.user.get_username()
            # Deactivated members stay.
            self.fields["user"].queryset = User.objects.filter(pk=self.instance.user_id)  # type: ignore[attr-defined]

    class Meta:
        model = Membership
        fields = ["user", "role"]


class MembershipForm(_RoleForm):
    """On a person's page: which app, and the role."""

    fixed = "app"

    class Meta:
        model = Membership
        fields = ["app", "role"]


class MembersFormSet(forms.BaseInlineFormSet):
    """Of an app's page and of a person's."""

    def clean(self) -> None:
        super().clean()
        changed = [form for form in self.forms if form.is_valid() and "role" in form.changed_data]
        demoted = [one for one in changed if one.instance.pk and one.initial.get("role") == Role.MANAGER]
        made = [one.instance for one in changed if one.instance.role == Role.MANAGER and one.instance.user.is_active]
        for app in {form.instance.app_id for form in demoted} - {one.app_id for one in made}:
            of_app = [form for form in demoted if form.instance.app_id == app]
            if are_last_managers([form.instance for form in of_app]):
                for form in of_app:
                    form.add_error("role", "The app would have no manager. Make somebody else one.")


def are_last_managers(memberships: Sequence[Membership]) -> bool:
    """Whether they are all managers that their app has. Deactivated ones do not count.

    Locks the app until the transaction ends: two managers could otherwise remove each other at once.
    """
    [app] = {one.app_id for one in memberships}
    App.objects.select_for_update(no_key=True).get(pk=app)
    own = {one.pk for one in memberships}
    managers = {*_managers().filter(app=app).values_list("pk", flat=True)}
    return bool(managers & own) and managers <= own


def without_manager(person: User) -> QuerySet[App]:
    """The apps that this person managed, and nobody active does."""
    apps = App.objects.filter(memberships__user=person, memberships__role=Role.MANAGER)
    return apps.exclude(pk__in=_managers().values("app")).order_by("slug")


def _managers() -> QuerySet[Membership]:
    return Membership.objects.filter(role=Role.MANAGER, user__is_active=True)


def just_ended(app: App) -> QuerySet[EndedMembership]:
    """Those that can be taken back, newest first."""
    since = clock.now() - REGRET
    return app.ended_memberships.filter(ended_at__gte=since).select_related("user", "app").order_by("-ended_at", "-pk")


def end(request: HttpRequest, pk: int) -> HttpResponse:
    ask_password(request)
    membership = _managed(request, Membership.objects.select_related("user", "app"), pk)
    with transaction.atomic():
        is_last = are_last_managers([membership])
        ends = request.method == "POST" and not is_last
        if ends:
            _end(request, membership)
    if ends:
        messages.success(request, f"{membership.user} is no longer a member. That can be taken back for an hour.")
        return redirect("admin:pushlog_app_change", membership.app_id)
    context = _context(request, f"Remove {membership.user} from {membership.app}?", membership)
    return TemplateResponse(request, "admin/pushlog/app/end_membership.html", {**context, "is_last": is_last})


def _end(request: HttpRequest, membership: Membership) -> None:
    now, app, name = clock.now(), membership.app, str(membership)
    if not Membership.objects.filter(pk=membership.pk).delete()[0]:
        raise Http404  # somebody else was faster
    EndedMembership.objects.filter(ended_at__lt=now - REGRET).delete()
    EndedMembership.objects.create(user=membership.user, app=app, role=membership.role, ended_at=now)
    # What they revealed would count again if they were added within a quarter of an hour.
    Reveal.objects.filter(user=membership.user, app=app).delete()
    audit.record(request, AuditKind.CHANGE, app=app, subject=f"membership {name}", changes=[{"removed": name}])


def take_back(request: HttpRequest, pk: int) -> HttpResponse:
    ask_password(request)
    since = clock.now() - REGRET
    ended = _managed(request, EndedMembership.objects.filter(ended_at__gte=since).select_related("user", "app"), pk)
    if request.method == "POST":
        with transaction.atomic():
            name = str(ended)
            if not EndedMembership.objects.filter(pk=ended.pk).delete()[0]:
                raise Http404  # somebody else was faster
            # Somebody may have added the person anew.
            Membership.objects.get_or_create(user=ended.user, app=ended.app, defaults={"role": ended.role})
            audit.record(
                request, AuditKind.CHANGE, app=ended.app, subject=f"membership {name}", changes=[{"taken back": name}]
            )
        messages.success(request, f"{ended.user} is a member again.")
        return redirect("admin:pushlog_app_change", ended.app_id)
    context = _context(request, f"Take {ended.user} back into {ended.app}?", ended)
    return TemplateResponse(request, "admin/pushlog/app/take_back_membership.html", context)


def _managed(request: HttpRequest, memberships: QuerySet[Any], pk: int) -> Any:
    """Of an app whose members this person decides about. Raises Http404."""
    if not standing(request).is_administrator:
        memberships = memberships.filter(app__in=visible_apps(request.user, Right.MANAGE))
    found = memberships.filter(pk=pk).first()
    if found is None:
        raise Http404
    return found


def _context(request: HttpRequest, title: str, one: Any) -> dict[str, Any]:
    return {**admin.site.each_context(request), "title": title, "one": one}
