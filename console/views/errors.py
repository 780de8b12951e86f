"""Error pages."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string

from console.lists.filters import SearchForm


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400 of Django itself, such as for an unknown host name."""
    return HttpResponse(render_to_string("errors/400.html"), status=400)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return render(request, "errors/403.html", status=403)


def no_password(request: HttpRequest) -> HttpResponse:
    """Where allauth sends people without a password who want to change it."""
    return render(request, "errors/no_password.html", status=403)


def deactivated(request: HttpRequest) -> HttpResponse:
    """Where allauth sends people who were deactivated while they logged in."""
    return render(request, "errors/403.html", status=403)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A log-in in another tab ends the tokens of this one's forms. A search is offered again, as it was typed."""
    is_search = request.resolver_match and request.resolver_match.view_name == "search"
    if is_search and request.user.is_authenticated:
        form = SearchForm(request.POST)
        form.is_valid()
        context = {"form": form, "where": request.path}
        return render(request, "errors/search_again.html", context, status=403)
    return render(request, "errors/csrf.html", status=403)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return render(request, "errors/404.html", status=404)


def too_many_tries(request: HttpRequest, seconds: int) -> HttpResponse:
    """429. `seconds` is the time until the next try."""
    response = render(request, "errors/429.html", {"seconds": seconds}, status=429)
    response.headers["Retry-After"] = str(seconds)
    return response


def over_limit(request: HttpRequest, what: str, limit: int) -> HttpResponse:
    """429 for what one person may not do more often within an hour."""
    response = render(request, "errors/over_limit.html", {"what": what, "limit": limit}, status=429)
    response.headers["Retry-After"] = "300"
    return response


def server_error(request: HttpRequest) -> HttpResponse:
    """Rendered without the request: reading its user may be what failed."""
    return HttpResponse(render_to_string("errors/500.html"), status=500)
