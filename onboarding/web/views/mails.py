"""The ledger of mails: what was sent to whom and how it went; sent again; and which mails somebody gets."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Page, Paginator
from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from onboarding.audit.events import Event
from onboarding.notifications import mails
from onboarding.notifications.models import Mail
from onboarding.partners.models import Membership
from onboarding.registrations.models import Application
from onboarding.web import access, security
from onboarding.web.forms.mails import MailsForm
from onboarding.web.requests import PortalRequest

PAGE_SIZE = 25


@access.application()
def application_mails(request: PortalRequest, application: Application) -> HttpResponse:
    """What was sent about an application, to whom, and how it went."""
    page = _page(Mail.objects.filter(application_id=application.pk), request)
    context = {"application": application, "page": page, "rows": [_row(mail) for mail in page]}
    return render(request, "application_mails.html", context)


@access.own_account
def my_mails(request: PortalRequest) -> HttpResponse:
    """Which mails somebody gets, and those that they got."""
    form = MailsForm(
        request.POST or None,
        initial={"categories": sorted(mails.wanted(request.user))},
        staff=bool(request.user.staff_roles),
    )
    if request.method == "POST" and form.is_valid():
        with transaction.atomic():
            mails.mute(request.user, form.unwanted)
            security.happened(Event.MAILS_CHOSEN, request.user, request, unwanted=sorted(map(str, form.unwanted)))
        messages.success(request, _("Saved."))
        return redirect("my_mails")
    page = _page(Mail.objects.filter(user=request.user), request)
    context = {"form": form, "page": page, "rows": [_row(mail) for mail in page]}
    return render(request, "my_mails.html", context, status=422 if form.is_bound else 200)


@access.signed_in
def mail(request: PortalRequest, mail_id: UUID) -> HttpResponse:
    """One mail, as it was written; sent again where it did not arrive."""
    found = get_object_or_404(_readable(request), pk=mail_id)
    membership = (
        Membership.objects.filter(user=request.user, organisation__applications=found.application_id)
        .select_related("organisation")
        .first()
        if found.application_id
        else None
    )
    may_resend = found.user_id == request.user.pk or (membership is not None and membership.role in access.BUILDERS)
    if request.method == "POST":
        if not may_resend:
            raise PermissionDenied(
                _("As a viewer you can read this mail. Ask an owner or a developer to send it again.")
            )
        try:
            again = mails.resend(found)
        except mails.TooSoon:
            messages.warning(request, _("It was sent a moment ago. Wait five minutes before you send it again."))
        else:
            messages.success(request, _("It is on its way to %(address)s again.") % {"address": again.address})
            found = again
        return redirect("mail", found.pk)
    message = mails.render(found)
    context = {
        "mail": found,
        "application": Application.objects.get(pk=found.application_id)
        if membership and found.application_id
        else None,
        "subject": message.subject,
        "body": message.body,
        "may_resend": may_resend,
    }
    return render(request, "mail.html", context)


def _readable(request: PortalRequest) -> QuerySet[Mail]:
    """Return the mails that somebody may read: those to themselves, and those about their companies' applications."""
    theirs = Application.objects.filter(organisation__memberships__user=request.user).values("pk")
    return Mail.objects.filter(Q(user=request.user) | Q(application_id__in=theirs))


def _page(found: QuerySet[Mail], request: PortalRequest) -> Page[Mail]:
    return Paginator(found.order_by("-created_at"), PAGE_SIZE).get_page(request.GET.get("page"))


def _row(mail: Mail) -> dict[str, Any]:
    return {"mail": mail, "href": reverse("mail", args=[mail.pk]), "subject": mails.render(mail).subject}
