"""Where a request comes from."""

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

from django.conf import settings
from django.http import HttpRequest


def client_address(request: HttpRequest) -> str:
    """The client's address in the form that failures are counted by; "unknown" without one."""
    found = exact_address(request)
    return _counted(found) if found else "unknown"


def exact_address(request: HttpRequest) -> IPv4Address | IPv6Address | None:
    """Where a request comes from.

    X-Forwarded-For counts only if one of TRUSTED_PROXIES sent it. Its entries are read from the end, up to the first
    that is no such proxy.
    """
    found = _parsed(request.META.get("REMOTE_ADDR", ""))
    for entry in reversed(request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")):
        if found is None or not _is_trusted(found) or (before := _parsed(entry)) is None:
            break
        found = before
    return found


def as_counted(text: str) -> str | None:
    """The same form of a written address; None if it is none."""
    found = _parsed(text)
    return _counted(found) if found else None


def _counted(address: IPv4Address | IPv6Address) -> str:
    # A home or a rented server has 2^64 addresses of IPv6.
    if isinstance(address, IPv6Address):
        return str(IPv6Network((int(address), 64), strict=False))
    return str(address)


def _parsed(text: str) -> IPv4Address | IPv6Address | None:
    """An address as proxies write it, with or without a port."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ip_address(text)
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found


def _is_trusted(address: IPv4Address | IPv6Address) -> bool:
    return any(address in network for network in settings.TRUSTED_PROXIES)
