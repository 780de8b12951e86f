"""Single sign-on by OpenID Connect: allauth's, with accounts made at the first log-in and roles by group."""

import logging
from collections.abc import Iterable
from typing import Any

from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialLogin
from allauth.socialaccount.providers.openid_connect import views
from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from requests import RequestException

from console.group_roles import GroupRole
from pushlog import audit
from pushlog.audit import Actor
from pushlog.http.addresses import client_address
from pushlog.models import App, AuditKind, InstallationRole, Membership, Reveal, Role

logger = logging.getLogger(__name__)


class SocialAccountAdapter(DefaultSocialAccountAdapter):
    """Only people with a role by their groups get in. We keep the provider's ID of a person, and none of its data."""

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        if sociallogin.state.get("process") != "login":
            # Whoever can make a person follow a link could otherwise tie an account of theirs to this one.
            raise ImmediateHttpResponse(render(request, "errors/403.html", status=403))
        groups = _groups(sociallogin.account.extra_data)
        sociallogin.account.extra_data = {}
        sociallogin.token = None  # it would be in the session while a second step waits
        sociallogin.email_addresses = []
        if sociallogin.is_existing:
            sociallogin.account.save(update_fields=["extra_data"])
        sociallogin.granted = [one for one in settings.OIDC_ROLES if one.group in groups]
        if not sociallogin.granted:
            logger.warning("Single sign-on: somebody has no group that OIDC_ROLES names")
            if sociallogin.is_existing:
                give_roles(request, sociallogin.user, [])
            raise ImmediateHttpResponse(render(request, "errors/no_group.html", status=403))
        if sociallogin.is_existing:
            give_roles(request, sociallogin.user, sociallogin.granted)

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        return True

    def populate_user(self, request: HttpRequest, sociallogin: SocialLogin, data: dict[str, Any]) -> User:
        """Without the e-mail address, which we do not use."""
        user: User = super().populate_user(request, sociallogin, data | {"email": None})
        return user

    @transaction.atomic
    def save_user(self, request: HttpRequest, sociallogin: SocialLogin, form: Any = None) -> User:
        user: User = super().save_user(request, sociallogin, form)
        name = f"person {user}"
        audit.record(_actor(request, user), AuditKind.CHANGE, subject=name, changes=[{"added": name}])
        give_roles(request, user, sociallogin.granted)
        return user


def _groups(data: dict[str, Any]) -> set[str]:
    """Of the claims, wherever the provider puts them."""
    found: set[str] = set()
    for claims in (data.get("userinfo") or {}, data.get("id_token") or {}):
        groups = claims.get(settings.OIDC_GROUPS_CLAIM)
        found |= {groups} if isinstance(groups, str) else {str(one) for one in groups or []}
    return found


@transaction.atomic
def give_roles(request: HttpRequest, person: User, granted: Iterable[GroupRole]) -> None:
    """Sets the roles that OIDC_ROLES names, in apps and for the installation. Others stay as they are."""
    granted = [*granted]
    named = {one.app for one in settings.OIDC_ROLES}
    order = [*Role.values]
    for app in App.objects.filter(slug__in=named):
        roles = sorted((one.role for one in granted if one.app == app.slug), key=order.index)
        _set(request, person, Membership, {"app": app}, "role", roles[-1] if roles else None)
    if "" in named:
        kinds = sorted(one.role for one in granted if not one.app)
        _set(request, person, InstallationRole, {}, "kind", kinds[0] if kinds else None)


def _set(
    request: HttpRequest,
    person: User,
    model: type[Membership | InstallationRole],
    where: dict[str, Any],
    column: str,
    value: str | None,
) -> None:
    """Makes, changes or deletes a role, and records it."""
    row: Any = model.objects.filter(user=person, **where).first()
    if (getattr(row, column) if row else None) == value:
        return
    before = str(row) if row else None
    if value is None:
        row.delete()
        Reveal.objects.filter(user=person, **where).delete()
    else:
        row, _ = model.objects.update_or_create(user=person, **where, defaults={column: value})
    audit.record(
        _actor(request, person),
        AuditKind.CHANGE,
        app=where.get("app"),
        subject=f"role of {person}, by single sign-on",
        changes=[{"removed": before}]
        if value is None
        else [{"changed": str(row), "fields": {column: [before, value]}}],
    )


def _actor(request: HttpRequest, person: User) -> Actor:
    return Actor(person, address=client_address(request))


def login(request: HttpRequest, provider_id: str) -> HttpResponse:
    answer = _answer(views.login, request, provider_id)
    if not isinstance(answer, HttpResponseRedirect):
        return answer
    # Browsers hold a redirect for a part of the form that led to it, and our policy lets forms go to this site alone.
    # Nobody can name the provider's addresses before it is asked.
    return render(request, "socialaccount/leave.html", {"where": answer.url})


def callback(request: HttpRequest, provider_id: str) -> HttpResponse:
    return _answer(views.callback, request, provider_id)


def _answer(view: Any, request: HttpRequest, provider_id: str) -> HttpResponse:
    try:
        response: HttpResponse = view(request, provider_id)
    except RequestException as error:
        logger.error("Single sign-on: the provider did not answer: %s", type(error).__name__)
        return render(request, "errors/no_provider.html", status=503)
    return response


def cancelled(request: HttpRequest) -> HttpResponse:
    return render(request, "socialaccount/authentication_error.html", status=403)
