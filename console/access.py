"""Who may see which app, and do what. The only place that decides it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import Enum, auto
from functools import wraps
from typing import Any, Concatenate, ParamSpec, cast
from urllib.parse import urlsplit, urlunsplit

from allauth.account.auth_backends import AuthenticationBackend
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.models import AnonymousUser, User
from django.contrib.auth.views import redirect_to_login
from django.contrib.postgres.expressions import ArraySubquery
from django.core.exceptions import PermissionDenied
from django.db.models import Case, Exists, F, OuterRef, QuerySet, Value, When
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import SimpleLazyObject

from console import htmx
from pushlog import clock
from pushlog.models import App, InstallationRole, Membership, Reveal, Role


class SecondFactorNeeded(Exception):
    """A role asks for a second factor, and the person has none yet."""


class Right(Enum):
    """What a member may do with an app, beyond its masked pages."""

    REVEAL = auto()  # a message or target, for a while and with a reason
    SEE_ALL = auto()  # whole target IDs, content
    CORRECT = auto()  # messages and push tasks
    MANAGE = auto()  # members, credentials, the app's settings


_RIGHTS = {
    Role.VIEWER: frozenset[Right](),
    Role.SUPPORT: frozenset({Right.REVEAL}),
    Role.OPERATOR: frozenset({Right.SEE_ALL, Right.CORRECT}),
    Role.MANAGER: frozenset({Right.SEE_ALL, Right.CORRECT, Right.MANAGE}),
}


@dataclass(frozen=True, slots=True)
class Standing:
    """What a person may do outside the pages of an app, and whether keys of one letter act."""

    is_administrator: bool = False  # decides about apps and people
    is_auditor: bool = False  # reads the audit log
    corrects: bool = False  # something, in any app
    needs_factor: bool = False  # before anything else
    letter_keys: bool = True

    @property
    def may_use_admin(self) -> bool:
        return self.is_administrator or self.corrects

    @property
    def may_read_audit_log(self) -> bool:
        return self.is_administrator or self.is_auditor


class MemberRequest(HttpRequest):
    """A request of a member of `app`."""

    user: User
    app: App
    rights: frozenset[Right]
    reveals: list[dict[str, str]]  # what this person has revealed: console/masking.py
    standing: Standing


def visible_apps(user: User | AnonymousUser, right: Right | None = None) -> QuerySet[App]:
    """The apps that a person is a member of, with this right in them. Superusers are no exception."""
    memberships = _memberships(user)
    return App.objects.filter(memberships__in=memberships.filter(role__in=_roles_with(right)) if right else memberships)


def standing(request: HttpRequest) -> Standing:
    """It was read with the person of the session."""
    if not hasattr(request, "standing"):
        person: Any = request.user
        if not person.is_active:  # nobody is logged in
            request.standing = Standing()  # type: ignore[attr-defined]
        else:
            if not hasattr(person, "corrects"):
                person = _with_standing(User.objects.filter(pk=person.pk)).get()
            request.standing = _standing(person, person)  # type: ignore[attr-defined]
    return cast(MemberRequest, request).standing


def navigation(request: HttpRequest) -> dict[str, Any]:
    return {"standing": SimpleLazyObject(lambda: standing(request))}


def _with_standing(people: QuerySet[User]) -> QuerySet[Any]:
    person = OuterRef("pk")
    return people.annotate(
        kind=F("installation_role__kind"),
        corrects=_corrects(person),
        lacks_factor=_lacks_factor(person),
        letter_keys=F("preferences__letter_keys"),
    ).order_by("pk")


def _standing(user: User, found: Any) -> Standing:
    kinds = InstallationRole.Kind
    is_administrator = user.is_superuser or found.kind == kinds.ADMINISTRATOR
    # Without a password, a provider let the person in, and asked for what it asks for.
    needs_factor = (
        user.has_usable_password()
        and bool(found.lacks_factor)
        and (
            found.lacks_factor == _IN_AN_APP
            or found.kind in settings.SECOND_FACTOR_ROLES
            or (is_administrator and kinds.ADMINISTRATOR in settings.SECOND_FACTOR_ROLES)
        )
    )
    return Standing(
        is_administrator, found.kind == kinds.AUDITOR, found.corrects, needs_factor, found.letter_keys is not False
    )


_NO_FACTOR, _IN_AN_APP = "no factor", "no factor, and a role in an app needs one"


def _lacks_factor(user: OuterRef) -> Case:
    factors = [Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN]
    in_an_app = Membership.objects.filter(user=user, role__in=settings.SECOND_FACTOR_ROLES)
    return Case(
        When(Exists(Authenticator.objects.filter(user=user, type__in=factors)), then=Value("")),
        When(Exists(in_an_app), then=Value(_IN_AN_APP)),
        default=Value(_NO_FACTOR),
    )


def refuse_without_factor(request: HttpRequest) -> None:
    """Raises SecondFactorNeeded. console/middleware.py then shows the page where factors are added."""
    if standing(request).needs_factor:
        raise SecondFactorNeeded


def _corrects(user: OuterRef) -> Exists:
    return Exists(Membership.objects.filter(user=user, role__in=_roles_with(Right.CORRECT)))


def _roles_with(right: Right) -> list[Role]:
    return [role for role, rights in _RIGHTS.items() if right in rights]


def _memberships(user: User | AnonymousUser) -> QuerySet[Membership]:
    return Membership.objects.filter(user=user.pk, user__is_active=True)


P = ParamSpec("P")
View = Callable[Concatenate[MemberRequest, P], HttpResponse]


def member_required(view: View[P]) -> Callable[..., HttpResponse]:
    """Sets `request.app`, its time zone and `request.rights`. Others than members get a 404."""

    @wraps(view)
    def guarded(request: HttpRequest, app: str, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        request = cast(MemberRequest, request)
        membership = _membership(request, app)
        with _read_along(membership.user if membership else None):
            is_known = request.user.is_authenticated
        if not is_known:
            return _to_login(request, app)
        if membership is None:
            raise Http404
        request.standing = _standing(request.user, membership)
        refuse_without_factor(request)
        request.app, request.rights = membership.app, _RIGHTS[Role(membership.role)]
        request.reveals = membership.reveals
        timezone.activate(request.app.time_zone)  # until console.middleware.own_time_zone
        return view(request, *args, **kwargs)

    return guarded


def _membership(request: HttpRequest, app: str) -> Any:
    """Of the person of this session, with the person and the app."""
    found = Membership.objects.annotate(
        kind=F("user__installation_role__kind"),
        corrects=_corrects(OuterRef("user")),
        lacks_factor=_lacks_factor(OuterRef("user")),
        letter_keys=F("user__preferences__letter_keys"),
        reveals=ArraySubquery(Reveal.objects.as_json(user=OuterRef("user"), app=OuterRef("app"), now=clock.now())),
    )
    person = request.session.get(SESSION_KEY)
    if person is None:
        return None
    return found.filter(user=person, user__is_active=True, app__slug=app).select_related("app", "user").first()


# A page takes at most six queries, the entry of the audit log included. One is saved where the person is read with the
# membership: Django's own check of the session then finds the person here.
_read: ContextVar[User | None] = ContextVar("_read", default=None)


@contextmanager
def _read_along(person: User | None) -> Iterator[None]:
    token = _read.set(person)
    try:
        yield
    finally:
        _read.reset(token)


class Backend(AuthenticationBackend):
    """allauth's, which asks the database for no person who was just read, and for the standing of others, too."""

    def get_user(self, user_id: int) -> User | None:
        person = _read.get()
        if person is not None and person.pk == user_id:
            return person
        return _with_standing(User.objects.filter(pk=user_id, is_active=True)).first()


def audit_reader_required(view: Callable[[HttpRequest], HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Others than administrators and auditors get a 403."""

    @wraps(view)
    def guarded(request: HttpRequest) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path() if request.method != "POST" else request.path)
        if not standing(request).may_read_audit_log:
            raise PermissionDenied
        refuse_without_factor(request)
        return view(request)

    return guarded


def right_required(right: Right) -> Callable[[View[P]], Callable[..., HttpResponse]]:
    """Inside `member_required`. Members without the right get a 403."""

    def decorate(view: View[P]) -> Callable[..., HttpResponse]:
        @wraps(view)
        def guarded(request: MemberRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            if right not in request.rights:
                raise PermissionDenied
            return view(request, *args, **kwargs)

        return guarded

    return decorate


def _to_login(request: HttpRequest, app: str) -> HttpResponse:
    messages = reverse("messages", args=[app])
    if request.method == "POST":
        # A form cannot be sent again after the login.
        return redirect_to_login(messages)
    if not htmx.wants_fragment(request):
        return redirect_to_login(request.get_full_path())
    # A redirect would put the login page into the fragment's place.
    try:
        page = urlsplit(request.headers["HX-Current-URL"])
        here = urlunsplit(("", "", page.path, page.query, ""))
    except (KeyError, ValueError):
        here = messages
    return HttpResponse(status=204, headers={"HX-Redirect": redirect_to_login(here).headers["Location"]})
