"""Pages for what went wrong. Each says what happened and what to do."""

from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django_htmx.http import HttpResponseClientRedirect

from onboarding.web import access, kept_entries


@access.public
def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """400; 413 where more was sent than a page takes."""
    if isinstance(exception, RequestDataTooBig):
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE // 1024
        return render(request, "413.html", {"limit": limit}, status=413)
    return render(request, "400.html", status=400)


@access.public
def permission_denied(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """403."""
    return render(request, "403.html", {"reason": str(exception or "")}, status=403)


@access.public
def csrf_failure(request: Any, reason: str = "") -> HttpResponse:
    """403, because the form was too old or came from elsewhere.

    What was typed into a page that was made for whoever is signed in now, or signs in next, is handed back.
    """
    if kept_entries.keep(request):
        if request.htmx:  # the page, not the part of it that was asked for
            return HttpResponseClientRedirect(request.htmx.current_url_abs_path or request.get_full_path())
        return redirect(request.get_full_path())
    return render(request, "403_csrf.html", status=403)


@access.public
def page_not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """404."""
    return render(request, "404.html", status=404)


@access.public
def server_error(request: HttpRequest) -> HttpResponse:
    """500."""
    return render(request, "500.html", status=500)
