"""Log-ins: no wrong password is free, and nobody is locked out by others."""

from contextlib import suppress
from typing import Any, cast
from urllib.parse import urlencode

from allauth.account import forms as allauth_forms
from allauth.account.adapter import DefaultAccountAdapter, get_adapter
from allauth.account.internal.flows import reauthentication
from allauth.account.internal.userkit import get_user_by_username
from allauth.core.exceptions import ImmediateHttpResponse
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import REDIRECT_FIELD_NAME, authenticate
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser, User
from django.contrib.sessions.backends.base import UpdateError
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.crypto import constant_time_compare, get_random_string, salted_hmac
from django.utils.functional import SimpleLazyObject

from console.access import visible_apps
from console.middleware import GetResponse
from console.views.errors import too_many_tries
from pushlog import audit, clock, throttle
from pushlog.audit import Actor
from pushlog.http.addresses import client_address
from pushlog.models import AuditKind

KNOWN_BROWSER = f"{settings.COOKIE_PREFIX}browser"
_STARTED, _SEEN = "started", "seen"  # in a session: Unix times
_NOTED_EVERY = 60  # seconds
_KNOWN_FOR = 180 * 24 * 3600  # seconds
_FREE_OF_ACCOUNT, _FREE_OF_ADDRESS = 5, 30


class AccountAdapter(DefaultAccountAdapter):
    """Administrators create accounts; nobody signs up. Wrong passwords delay further tries."""

    def is_safe_url(self, url: str | None) -> bool:
        try:
            return bool(super().is_safe_url(url))
        except ValueError:  # an address that Python cannot read
            return False

    def get_client_ip(self, request: HttpRequest) -> str:
        """As all else of ours takes it. Of IPv6, the network; without an address, the one of none."""
        found = client_address(request).partition("/")[0]
        return "::" if found == "unknown" else found

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        """With one app, straight to its list."""
        apps = [*visible_apps(request.user).values_list("slug", flat=True)[:2]]
        return reverse("messages", args=apps) if len(apps) == 1 else str(super().get_login_redirect_url(request))

    def get_signup_redirect_url(self, request: HttpRequest) -> str:
        """After the first single sign-on, too."""
        return self.get_login_redirect_url(request)

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def authenticate(self, request: HttpRequest, **credentials: Any) -> User | None:
        """None for a deactivated person too: nobody shall learn that the password was right."""
        keys = _keys(request, credentials["username"])
        if seconds := throttle.begin(*keys):
            raise ImmediateHttpResponse(too_many_tries(request, seconds))
        try:
            user = authenticate(request, **credentials)
        except DatabaseError:
            throttle.take_back(*keys)
            raise
        if user is None:
            # Not the name that was typed: people type passwords there.
            known = get_user_by_username(credentials["username"])
            audit.record(Actor(known, address=client_address(request)), AuditKind.FAILED_LOG_IN)
        else:
            throttle.forget(keys[0])
            # The address keeps its failures: people guess beside logins of their own.
            throttle.take_back(*keys[1:])
        return user

    def login(self, request: HttpRequest, user: AbstractBaseUser) -> None:
        audit.record(Actor(cast(User, user), address=client_address(request)), AuditKind.LOG_IN)
        super().login(request, user)

    def logout(self, request: HttpRequest) -> None:
        if request.user.is_authenticated:
            audit.record(Actor(request.user, address=client_address(request)), AuditKind.LOG_OUT)
        super().logout(request)

    def post_login(self, request: HttpRequest, user: AbstractBaseUser, **how: Any) -> HttpResponse:
        request.session[_STARTED] = request.session[_SEEN] = clock.now().timestamp()
        response: HttpResponse = super().post_login(request, user, **how)
        value = f"{user.pk}:{get_random_string(22)}:{_fingerprint(user)}"
        response.set_signed_cookie(
            KNOWN_BROWSER,
            value,
            salt=KNOWN_BROWSER,
            max_age=_KNOWN_FOR,
            secure=settings.HTTPS,
            httponly=True,
            samesite="Lax",
        )
        return response


def end_old_sessions(get_response: GetResponse) -> GetResponse:
    """Middleware. A session ends 12 hours after the log-in, and when nobody has used it for a while.

    It looks when a view asks who it is: others cost no query.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        known = request.user
        request.user = cast(User, SimpleLazyObject(lambda: AnonymousUser() if _has_ended(request) else known))
        return get_response(request)

    return middleware


def _has_ended(request: HttpRequest) -> bool:
    session = request.session
    if started := session.get(_STARTED):
        now, seen = clock.now().timestamp(), session[_SEEN]
        if now > min(started + settings.SESSION_COOKIE_AGE, seen + settings.SESSION_IDLE_MINUTES * 60):
            session.flush()
            return True
        if now > seen + _NOTED_EVERY:
            session[_SEEN] = now
            # Here, because Django's middleware answers 400 where the database fails. The next request notes it then.
            with suppress(UpdateError):
                session.save()
            session.modified = False
    return False


def ask_password(request: HttpRequest, *, back: str = "") -> None:
    """Opens what follows only to who confirmed within ACCOUNT_REAUTHENTICATION_TIMEOUT that it is them.

    A form that comes too late is not kept, because it may hold a secret: its page, or `back`, is shown anew.
    """
    if not request.user.is_authenticated or reauthentication.did_recently_reauthenticate(request):
        return
    if request.method == "POST":
        messages.warning(request, "That took too long. Confirm that it is you, then send the form again.")
    [first, *_] = get_adapter().get_reauthentication_methods(request.user)
    where = f"{first['url']}?{urlencode({REDIRECT_FIELD_NAME: back or request.path})}"
    raise ImmediateHttpResponse(redirect(where))


class ChangePasswordForm(allauth_forms.ChangePasswordForm):
    """Wrong passwords count as at the login."""

    def clean_oldpassword(self) -> str:
        given: str = self.cleaned_data["oldpassword"]
        if not get_adapter().reauthenticate(self.user, given):
            raise get_adapter().validation_error("enter_current_password")
        return given


def _keys(request: HttpRequest, username: str) -> list[throttle.Key]:
    who = throttle.of_person(username)
    if browser := _known_browser(request, username):
        # Others cannot delay it.
        return [throttle.Key(who, browser, _FREE_OF_ACCOUNT)]
    address = client_address(request)
    return [
        throttle.Key(who, address, _FREE_OF_ACCOUNT),
        throttle.Key("persons", address, _FREE_OF_ADDRESS),
    ]


def _known_browser(request: HttpRequest, username: str) -> str | None:
    """The ID of a browser in which this person logged in with the present password."""
    value = request.get_signed_cookie(KNOWN_BROWSER, "", salt=KNOWN_BROWSER, max_age=_KNOWN_FOR) or ""
    user = get_user_by_username(username) if value else None
    if user is None:
        return None
    pk, browser, fingerprint = value.split(":")
    return browser if pk == str(user.pk) and constant_time_compare(fingerprint, _fingerprint(user)) else None


def _fingerprint(user: AbstractBaseUser) -> str:
    return salted_hmac(KNOWN_BROWSER, user.password).hexdigest()
