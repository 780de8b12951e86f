"""Static files under names of another version."""

import re

from django.contrib.staticfiles.storage import staticfiles_storage
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_safe

_HASH = re.compile(r"\.[0-9a-f]{12}(?=\.[^./]+$)")


@require_safe
def other_version(request: HttpRequest, name: str) -> HttpResponse:
    """Redirects to this version's file: during an upgrade, page and file may come from different machines."""
    plain = _HASH.sub("", name)
    if plain not in staticfiles_storage.hashed_files:  # type: ignore[attr-defined]  # of the manifest
        raise Http404
    return redirect(staticfiles_storage.url(plain))
