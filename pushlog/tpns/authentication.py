"""TPNS's two ways of authentication: a signature and HTTP Basic."""

import base64
import binascii
from datetime import datetime

from django.http import HttpRequest

from pushlog import credentials
from pushlog.http.addresses import client_address, exact_address
from pushlog.models import Credential, Scope
from pushlog.tpns.codes import Code, Refused


def credential_of(request: HttpRequest, body: bytes, *, now: datetime) -> Credential:
    """The valid credential of a request. Raises Refused.

    `body` is exactly as received: those bytes were signed. As in TPNS, an unknown access ID and a wrong secret
    have different codes.
    """
    try:
        access_id, found = _checked(request, body, now)
    except credentials.TooManyTries as error:
        raise Refused(Code.TOO_FAST, retry_after=error.seconds) from None
    if found is None:
        raise Refused(Code.NOT_AUTHENTICATED if credentials.is_known(access_id) else Code.UNKNOWN_ACCESS_ID)
    if Scope.TPNS not in found.scopes:
        raise Refused(Code.NOT_AUTHENTICATED)
    return found


def _checked(request: HttpRequest, body: bytes, now: datetime) -> tuple[str, Credential | None]:
    headers, address, source = request.headers, client_address(request), exact_address(request)
    if "Sign" not in headers:
        access_id, secret = _basic(headers.get("Authorization", ""))
        return access_id, credentials.check(access_id, secret, now=now, address=address, source=source)
    access_id, timestamp = headers.get("AccessId", ""), headers.get("TimeStamp", "")
    if not access_id or not timestamp:
        raise Refused(Code.NOT_AUTHENTICATED)
    found = credentials.check_signature(
        access_id, headers["Sign"], timestamp=timestamp, body=body, now=now, address=address, source=source
    )
    return access_id, found


def _basic(header: str) -> tuple[str, str]:
    scheme, _, encoded = header.partition(" ")
    try:
        access_id, colon, secret = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        raise Refused(Code.NOT_AUTHENTICATED) from None
    # One of TPNS's samples writes the scheme in lower case.
    if scheme.lower() != "basic" or not colon:
        raise Refused(Code.NOT_AUTHENTICATED)
    return access_id, secret
