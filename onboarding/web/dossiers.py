"""Solo mode: the dossier for the car maker, in the reader's words. `dossier_files` makes files of it.

There are two in the course of things: of the description, and of a CSR once the partner login is known. Where that is
known at the start, the first one takes the CSR along. Neither holds a key or a secret: the CSR has none.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.utils.dateformat import format as format_date
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from onboarding.credentials.environments import shown
from onboarding.credentials.models import CertificateRequest
from onboarding.credentials.recording import csrs_to_send
from onboarding.partners.models import Contact, Organisation
from onboarding.partners.people import verified_addresses
from onboarding.registrations.description import Answers, applicable
from onboarding.registrations.models import Application, Dispatch, Registration, Submission
from onboarding.web.describing import describe_answers, describe_changes
from onboarding.web.journey.tasks import credential_names
from onboarding.web.presenting import subject_rows


@dataclass(frozen=True, slots=True)
class Csr:
    """A CSR that goes along. rows: what it says, for `summary_list.html`."""

    request: CertificateRequest
    environment: str
    rows: list[dict[str, Any]]

    @property
    def pem(self) -> str:
        """The CSR itself."""
        return self.request.csr_pem

    @property
    def filename(self) -> str:
        """The name of its file."""
        return f"{self.request.partner_login.mzp}-{self.request.environment}.csr"


@dataclass(frozen=True, slots=True)
class Dossier:
    """What is sent.

    name: of its files, without an ending. subject: in one line. intro, wishes: in sentences. sections: summary lists,
    each {title, rows}. changes: since what was sent before, for `parts/changes.html`.
    """

    name: str
    number: str
    subject: str
    intro: str
    wishes: list[str]
    facts: list[dict[str, Any]]
    sections: list[dict[str, Any]]
    csrs: list[Csr]
    changes: list[dict[str, Any]] = field(default_factory=list)


def of_description(application: Application, registration: Registration) -> Dossier:
    """Make the dossier of a description: of the draft, or of what was sent last where that cannot be changed now."""
    submissions = list(registration.submissions.all())
    is_draft = registration.is_editable
    last = submissions[-1] if submissions else None
    answers = applicable(registration.answers) if is_draft or last is None else last.answers
    before = (last if is_draft else submissions[-2] if len(submissions) > 1 else None) if last else None
    number = len(submissions) + 1 if is_draft else len(submissions)
    login = application.confirmed_login.mzp if application.confirmed_login else answers.get("mzp") or ""
    csrs = [_csr(one) for one in (csrs_to_send(application) if is_draft else _sent_along(last))]
    values = {"company": application.organisation.name, "name": str(application), "mzp": login}
    again = before is not None
    return Dossier(
        name=f"{application.reference}-{number}",
        number=f"{application.reference}/{number}",
        subject=(
            _("Changed request for access to the fleet API: %(name)s, %(company)s")
            if again
            else _("Request for access to the fleet API: %(name)s, %(company)s")
        )
        % values,
        intro=(
            _("You asked us to change the description of our application “%(name)s”. Here it is again, changed.")
            if again
            else _("We ask for access to the fleet API for our application “%(name)s”. This describes it.")
        )
        % values,
        wishes=[
            _("Approve the application, or tell us what to change."),
            _("Confirm our partner login %(mzp)s.") % values if login else _("Assign us a partner login (MZP)."),
            *(_wish(one) for one in csrs),
        ],
        facts=_facts(application, number=f"{application.reference}/{number}", login=login),
        sections=[*_sections(application, answers), *_contacts(application.organisation)],
        csrs=csrs,
        changes=describe_changes(before.answers, answers) if before else [],
    )


def of_csr(request: CertificateRequest) -> Dossier:
    """Make the dossier of one CSR."""
    application, csr = request.application, _csr(request)
    mzp = request.partner_login.mzp
    values = {"mzp": mzp, "environment": csr.environment, "company": application.organisation.name}
    return Dossier(
        name=f"{application.reference}-csr-{request.environment}",
        number=application.reference,
        subject=_("CSR to sign: %(mzp)s, %(environment)s, %(company)s") % values,
        intro=_("Here is the certificate signing request (CSR) of our partner login %(mzp)s for %(environment)s.")
        % values,
        wishes=[_wish(csr)],
        facts=_facts(application, number=application.reference, login=mzp),
        sections=_contacts(application.organisation),
        csrs=[csr],
    )


def chase_subject(dossier: Dossier, dispatch: Dispatch) -> str:
    """Return the subject of asking how things stand."""
    subject = _("How does it stand? %(subject)s") % {"subject": dossier.subject}
    return f"{subject} [{dispatch.reference}]" if dispatch.reference else subject


def chase_text(dossier: Dossier, dispatch: Dispatch, sender: str) -> str:
    """Return the words that ask how things stand, ready to be sent."""
    values = {
        "day": in_words(dispatch.sent_on),
        "number": dossier.number,
        "subject": dossier.subject,
        "reference": dispatch.reference,
    }
    known_as = (
        _("You know it as %(reference)s; our number is %(number)s.")
        if dispatch.reference
        else _("Our number is %(number)s.")
    )
    return "\n\n".join(
        [
            _("Hello,"),
            _("on %(day)s we sent you: %(subject)s.") % values + " " + known_as % values,
            _("How does it stand, and who has it now? If something is missing, tell us what, and we send it at once."),
            _("We are waiting for:") + "\n" + "\n".join(f"- {wish}" for wish in dossier.wishes),
            _("Thank you,") + "\n" + sender,
        ]
    )


def in_words(day: date) -> str:
    """Return a day, whole."""
    return format_date(day, pgettext("date format", "j F Y"))


def _sent_along(submission: Submission | None) -> Sequence[CertificateRequest]:
    """Return the CSRs that went with a description, if they are still the same."""
    if submission is None or not hasattr(submission, "dispatch"):
        return []
    keys = dict(submission.dispatch.took_along.values_list("certificate_request_id", "spki_sha256"))
    requests = CertificateRequest.objects.filter(pk__in=[pk for pk in keys if pk]).select_related(
        "application__organisation", "partner_login"
    )
    return [one for one in requests if one.spki_sha256 == keys[one.pk]]


def _csr(request: CertificateRequest) -> Csr:
    application = request.application
    where = _(shown(application.profile, request.environment).label)
    return Csr(
        request,
        where,
        [
            {"key": _("Environment"), "value": where},
            *subject_rows(application, request.subject),
            {"key": _("Public key, SHA-256"), "value": request.spki_sha256, "mono": True},
        ],
    )


def _wish(csr: Csr) -> str:
    values = {
        "environment": csr.environment,
        "credentials": credential_names(csr.request.application)[:1].lower()
        + credential_names(csr.request.application)[1:],
    }
    return (
        _("Sign the attached CSR for %(environment)s, and send us the certificate with its CA certificate.") % values
        + " "
        + _("Send with it, in a safe way: %(credentials)s.") % values
    )


def _facts(application: Application, *, number: str, login: str) -> list[dict[str, Any]]:
    return [
        {"key": _("Our number"), "value": number, "mono": True},
        {"key": _("Application"), "value": str(application)},
        {"key": _("Programme"), "value": _(application.profile.name)},
        {"key": _("Company"), "value": application.organisation.name},
        {"key": _("Partner login (MZP)"), "value": login or _("None yet"), "mono": bool(login)},
    ]


def _sections(application: Application, answers: Answers) -> Iterable[dict[str, Any]]:
    """The description, less what the facts at the top say, and what is not asked for is not said."""
    for section in describe_answers(application, answers, change=False):
        rows = [row for row in section["rows"] if row["name"] not in _IN_FACTS and _is_given(row)]
        if rows:
            yield {"title": section["title"], "rows": [_plain(row) for row in rows]}


_IN_FACTS = frozenset({"programme", "name", "mzp"})


def _is_given(row: Mapping[str, Any]) -> bool:
    return bool(row.get("value") or row.get("values"))


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    """What the portal warns its readers of is not for those outside."""
    return {name: value for name, value in row.items() if name in ("key", "value", "values", "note", "mono")}


def _contacts(organisation: Organisation) -> list[dict[str, Any]]:
    """Return the contacts that the company has named and that have confirmed: a mail to them arrives."""
    proven = verified_addresses(organisation)
    rows = [
        {"key": contact.get_kind_display(), "value": f"{contact.name} <{contact.email}>"}
        for contact in organisation.contacts.order_by("created_at")
        if contact.email.casefold() in proven and contact.kind in (*Contact.NAMED, Contact.Kind.OTHER)
    ]
    return [{"title": _("Contacts of our company"), "rows": rows}] if rows else []
