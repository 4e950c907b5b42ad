"""The contacts of an organisation: named by its members, confirmed by whoever reads the mailbox."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from onboarding.memberships import contacts, members
from onboarding.partners.models import Contact, Organisation
from onboarding.web import access
from onboarding.web.forms.organisation import KINDS, ContactForm
from onboarding.web.requests import PortalRequest


@access.organisation(change=access.BUILDERS)
@access.for_who_may_change
def contact(request: PortalRequest, organisation: Organisation, kind: str) -> HttpResponse:
    """Name the role mailbox, or the second contact."""
    known = _kind(kind)
    there = organisation.contacts.filter(kind=kind).first()
    initial = {"name": there.name, "email": there.email} if there else {}
    seen = request.POST.get("seen", contacts.seen(there))
    form = ContactForm(request.POST or None, initial=initial, kind=kind)
    if request.method == "POST" and form.is_valid():
        try:
            named = contacts.name_contact(
                organisation,
                kind,
                **form.cleaned_data,
                by=request.user,
                actor=access.member_actor(request),
                instead_of=seen,
            )
        except contacts.SameAddress:
            form.add_error("email", _("This is the address of your other contact. Give another one."))
        except members.NoMember as gone:
            raise Http404 from gone
        except contacts.NamedMeanwhile as error:
            there, seen = error.contact, contacts.seen(error.contact)
            form.add_error(
                "email",
                _("Meanwhile somebody named %(address)s here. To put yours in its place, save once more.")
                % {"address": there.email if there else "–"},
            )
        except contacts.TooSoon:
            form.add_error("email", _("Too many addresses were asked today. Try again tomorrow."))
        else:
            done = (
                _("Saved.")
                if named.verified_at
                else _("Saved. We sent a link to %(address)s: it counts once confirmed.")
            )
            messages.success(request, done % {"address": named.email})
            return redirect("organisation", organisation.pk)
    context = {
        "organisation": organisation,
        "title": known.label,
        "purpose": KINDS[known],
        "there": there,
        "seen": seen,
        "form": form,
    }
    return render(request, "organisation/contact.html", context)


@access.organisation(change=access.BUILDERS)
def ask_again(request: PortalRequest, organisation: Organisation, kind: str) -> HttpResponse:
    """Send the link to a contact once more."""
    _kind(kind)
    if request.method == "POST":
        found = get_object_or_404(organisation.contacts.select_related("organisation"), kind=kind)
        try:
            contacts.ask_again(found, by=request.user, actor=access.member_actor(request))
        except members.NoMember as gone:
            raise Http404 from gone
        except contacts.Outdated:
            messages.info(request, _("Nothing to send: %(address)s is confirmed.") % {"address": found.email})
        except contacts.TooSoon:
            messages.warning(request, _("Not sent again: the last mail went out a moment ago. Wait a minute."))
        else:
            done = _("Sent again to %(address)s. The link in the earlier mail works no longer.")
            messages.success(request, done % {"address": found.email})
    return redirect("organisation", organisation.pk)


@never_cache
@access.public
def confirm(request: HttpRequest, token: str) -> HttpResponse:
    """Where the link in the mail leads: no account is needed, and nothing is confirmed before the button is pressed.

    Programs that look at the links in mails only look.
    """
    found, works = contacts.from_link(token)
    if request.method == "POST" and found is not None and works:
        try:
            contacts.confirm(found, found.link_serial)
        except contacts.Outdated:
            works = False
        found = Contact.objects.select_related("organisation").filter(pk=found.pk).first()
    context = {"contact": found, "works": works, "is_confirmed": found is not None and found.verified_at is not None}
    dead = found is None or not (works or context["is_confirmed"])
    return render(request, "organisation/contact_confirm.html", context, status=410 if dead else 200)


def _kind(kind: str) -> Contact.Kind:
    if kind not in Contact.NAMED:
        raise Http404
    return Contact.Kind(kind)
