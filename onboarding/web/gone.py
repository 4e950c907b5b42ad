"""What a request was about was deleted or changed while it was at work: said plainly, instead of an error page.

Rows are read first and written later, so between the two a company can go, or somebody's place in it. Whatever a view
did until then is undone by its transaction. Databases look at references when a transaction ends: it shows only there.
"""

from collections.abc import Callable
from typing import Any

import structlog
from django.core.exceptions import ObjectDoesNotExist
from django.db import IntegrityError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django_htmx.http import HttpResponseClientRedirect

from onboarding.partners.models import Organisation
from onboarding.registrations.models import Application
from onboarding.web.requests import PortalRequest

log = structlog.get_logger(__name__)

FOREIGN_KEY_VIOLATION = "23503"
"""The SQLSTATE of PostgreSQL; SQLite has words only."""

DEADLOCK = "40P01"
"""The same, where two transactions waited for each other, and this one was given up."""


class GoneMiddleware:
    """Answers 410 where what a request is about, or the reader's place in it, went in the same moment.

    And 409 where somebody else changed it in the same moment, and the database let only them.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: PortalRequest, error: Exception) -> HttpResponse | None:
        """Return the page; None for whatever is a mistake of ours."""
        if isinstance(error, OperationalError) and getattr(error.__cause__, "sqlstate", None) == DEADLOCK:
            log.warning("changed in the same moment", path=request.path)
            return render(request, "clash.html", status=409)
        if not (_points_to_nothing(error) or (isinstance(error, ObjectDoesNotExist) and _is_gone(request))):
            return None
        log.warning("deleted in the same moment", error=type(error).__name__, path=request.path)
        if request.htmx:
            return HttpResponseClientRedirect("/")
        return render(request, "gone.html", status=410)


def _points_to_nothing(error: Exception) -> bool:
    cause: Any = error.__cause__
    return isinstance(error, IntegrityError) and (
        getattr(cause, "sqlstate", None) == FOREIGN_KEY_VIOLATION or "FOREIGN KEY constraint failed" in str(error)
    )


def _is_gone(request: PortalRequest) -> bool:
    """Tell whether the company or application in the address is the reader's no more."""
    match = request.resolver_match
    given = match.kwargs if match else {}
    if "application_id" in given:
        theirs = Application.objects.filter(pk=given["application_id"], organisation__memberships__user=request.user)
        return not theirs.exists()
    if "organisation_id" in given:
        return not Organisation.objects.filter(pk=given["organisation_id"], memberships__user=request.user).exists()
    return False
