"""What the audit is looked through by."""

import ipaddress
import re
from collections.abc import Sequence
from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from onboarding.audit.chaining import plain_address
from onboarding.audit.events import Event
from onboarding.audit.models import Chain
from onboarding.partners.models import Organisation, User
from onboarding.registrations.models import Application
from onboarding.web.forms.base import PortalForm
from onboarding.web.forms.fields import LineField

MOST_NAMES = 100
"""So many organisations, people or applications can one text mean."""

GROUPS: Sequence[tuple[Any, tuple[str, ...]]] = (
    (_("Applications"), ("application", "registration", "message", "mail", "partner_login")),
    (_("Keys, certificates, credentials"), ("key", "certificate_request", "credentials", "vault")),
    (_("Validation"), ("validation", "rehearsal", "enrolment", "virtual_key")),
    (_("Mobile SDK"), ("sdk_rehearsal", "trace")),
    (_("Companies and their people"), ("organisation", "invitation", "join", "member", "contact", "person")),
    (_("Accounts"), ("account",)),
    (_("Staff and portal"), ("staff_role", "staff_invitation", "work", "portal", "audit")),
)
"""The vocabulary in groups, by what comes before the colon."""


def event_choices() -> list[tuple[str, Any]]:
    """Return all events, in groups, for a select."""
    grouped = [
        (group, [(event.value, event.label) for event in Event if event.partition(":")[0] in subjects])
        for group, subjects in GROUPS
    ]
    known = {value for _group, events in grouped for value, _label in events}
    others = [(event.value, event.label) for event in Event if event.value not in known]
    return [("", _("Everything")), *grouped, *([(_("Others"), others)] if others else [])]


class AuditForm(PortalForm):
    """The filters; each narrows what is shown. `condition` says what is asked for."""

    event = forms.ChoiceField(label=_("What"), choices=event_choices, required=False)
    who = LineField(label=_("Who"), max_length=254, required=False, help_text=_("Name, e-mail address or id."))
    organisation = LineField(label=_("Company"), max_length=120, required=False)
    application = LineField(label=_("Application"), max_length=120, required=False, help_text=_("Name or number."))
    address = LineField(
        label=_("Network address"), max_length=45, required=False, help_text=_("Whole, or its beginning.")
    )
    since = forms.DateField(label=_("First day"), required=False, widget=forms.DateInput(attrs={"type": "date"}))
    until = forms.DateField(label=_("Last day"), required=False, widget=forms.DateInput(attrs={"type": "date"}))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.alternative = True  # type: ignore[attr-defined]  # each narrows; none is marked as optional

    def clean_who(self) -> Q:
        """Return what they did, and what was done to their account."""
        text = self.cleaned_data["who"]
        if not text:
            return Q()
        people: list[Any] = _ids(text)
        if not people:
            found = User.objects.filter(Q(email__iexact=text) | Q(name__icontains=text))
            people = list(found.values_list("pk", flat=True)[:MOST_NAMES])
        if not people:
            raise forms.ValidationError(_("Nobody here is called that. Who was erased can be found by their id."))
        return Q(actor_id__in=people) | Q(subject_id__in=people)

    def clean_organisation(self) -> Q:
        """Return what is in its chain."""
        text = self.cleaned_data["organisation"]
        if not text:
            return Q()
        found: Any = _ids(text)
        if not found:
            found = list(Organisation.objects.filter(name__icontains=text).values_list("pk", flat=True)[:MOST_NAMES])
        chains = list(Chain.objects.filter(organisation_id__in=found).values_list("pk", flat=True))
        if not chains:
            raise forms.ValidationError(_("No company here is called that. One that was deleted is found by its id."))
        return Q(chain__in=chains)

    def clean_application(self) -> Q:
        """Return what is about it."""
        text = self.cleaned_data["application"]
        if not text:
            return Q()
        found: Any = _ids(text)
        if not found:
            numbered = Application.objects.filter(reference=text.upper())
            found = list(numbered.values_list("pk", flat=True))
        if not found:
            found = list(Application.objects.filter(name__icontains=text).values_list("pk", flat=True)[:MOST_NAMES])
        if not found:
            raise forms.ValidationError(_("No application has this name or number."))
        return Q(application_id__in=found)

    def clean_address(self) -> Q:
        """Return what came from there."""
        text = self.cleaned_data["address"].lower()
        if not text:
            return Q()
        try:
            ipaddress.ip_address(text)
        except ValueError:
            if not re.fullmatch(r"[0-9a-f.:]+", text):
                raise forms.ValidationError(
                    _("This is no network address. One looks like 192.0.2.7 or 2001:db8::1.")
                ) from None
            return Q(address__startswith=text)
        return Q(address=plain_address(text))

    def clean(self) -> dict[str, Any]:
        """Check that the dates are in their order."""
        data = super().clean() or {}
        since, until = data.get("since"), data.get("until")
        if since and until and since > until:
            self.add_error("until", _("This day is before the first one."))
        return data

    @property
    def condition(self) -> Q:
        """What is asked for; of what was not understood, nothing."""
        data = self.cleaned_data
        asked = Q()
        for name in ("who", "organisation", "application", "address"):
            asked &= data.get(name) or Q()
        if data.get("event"):
            asked &= Q(event=data["event"])
        if data.get("since"):
            asked &= Q(occurred_at__gte=_midnight(data["since"]))
        if data.get("until"):
            asked &= Q(occurred_at__lt=_midnight(data["until"] + timedelta(days=1)))
        return asked

    @property
    def used(self) -> dict[str, str]:
        """The filters that are set, as they were typed."""
        return {name: value for name in self.fields if (value := str(self.data.get(name, "")).strip())}


def _ids(text: str) -> list[UUID]:
    try:
        return [UUID(text)]
    except ValueError:
        return []


def _midnight(day: Any) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))
