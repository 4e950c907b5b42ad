"""The desk: partner logins that were claimed by credentials brought in, and what was decided."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import OuterRef, Q, Subquery
from django.db.models.functions import Lower
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from onboarding import keyset
from onboarding.credentials.importing import reject_claim
from onboarding.partners.models import PartnerLogin, StaffRole
from onboarding.partners.people import OwnOrganisation
from onboarding.programmes import SANDBOX
from onboarding.registrations import logins as flows
from onboarding.validation.models import Run
from onboarding.web import access
from onboarding.web.requests import PortalRequest

PAGE_SIZE = 50
TABS: Mapping[str, Q] = {
    "waiting": Q(confirmed_at=None, retired_at=None),
    "decided": Q(confirmed_at__isnull=False) | Q(retired_at__isnull=False),
}


@access.staff(StaffRole.Role.REVIEWER)
def logins(request: PortalRequest) -> HttpResponse:
    """The claims that nobody has decided, the oldest first; and all other partner logins."""
    tab = request.GET.get("show", "waiting")
    tab = tab if tab in TABS else "waiting"
    return _page(request, tab)


@access.staff(StaffRole.Role.REVIEWER)
def decide(request: PortalRequest, login_id: UUID, verb: str) -> HttpResponse:
    """Confirm a claim, or reject it."""
    if verb not in DECISIONS:
        raise Http404
    login = get_object_or_404(PartnerLogin.objects.select_related("organisation"), pk=login_id)
    if request.method == "POST":
        decision, done = DECISIONS[verb]
        try:
            decision(login, actor=access.staff_actor(request))
        except OwnOrganisation:
            messages.warning(
                request, _("You are a member of this company, so somebody else decides. Nothing was changed.")
            )
        except flows.AlreadyDecided:
            messages.warning(request, _("Nothing was changed: it was decided meanwhile."))
        except flows.LoginTaken:
            holder = flows.holder_of(login.mzp)
            messages.error(
                request,
                _("Not confirmed: %(mzp)s is %(holder)s's. A partner login belongs to one company.")
                % {"mzp": login.mzp, "holder": holder.organisation if holder else "?"},
            )
        else:
            messages.success(request, done % {"mzp": login.mzp, "company": login.organisation})
    return redirect("desk_logins")


DECISIONS: dict[str, tuple[Callable[..., None], Any]] = {
    "confirm": (flows.confirm_login, gettext_lazy("Confirmed: %(mzp)s is %(company)s's.")),
    "reject": (reject_claim, gettext_lazy("Rejected: nothing is called any more with %(mzp)s by %(company)s.")),
}


def _page(request: PortalRequest, tab: str) -> HttpResponse:
    held = PartnerLogin.objects.annotate(name=Lower("mzp")).filter(
        name=Lower(OuterRef("mzp")), confirmed_at__isnull=False
    )
    rows = (
        PartnerLogin.objects.filter(TABS[tab], environment="")
        .select_related("organisation")
        .annotate(holder=Subquery(held.exclude(pk=OuterRef("pk")).values("organisation__name")[:1]))
    )
    order = ("assigned_at", "id") if tab == "waiting" else ("-assigned_at", "-id")
    page = keyset.page(rows, order, PAGE_SIZE, request.GET.get("from", ""))
    context = {"page": page, "rows": page.rows, "passed": _passed(page.rows) if tab == "waiting" else (), "tab": tab}
    return render(request, "desk/logins.html", context)


def _passed(logins: Iterable[PartnerLogin]) -> set[UUID]:
    """Return with which of them a call has passed, outside the sandbox."""
    runs = Run.objects.filter(credential_set__certificate_request__partner_login__in=logins, state=Run.State.PASSED)
    runs = runs.exclude(credential_set__environment=SANDBOX).exclude(facts__has_key=Run.REHEARSAL)
    return set(runs.values_list("credential_set__certificate_request__partner_login", flat=True).distinct())
