"""The kinds of mails: one table. Each names its template, `templates/mail/<kind>.txt`."""

from collections.abc import Mapping

from django.db import models
from django.utils.translation import gettext_lazy as _


class Category(models.TextChoices):
    """What a mail is for; people choose by it what they get."""

    TURN = "turn", _("It is your turn")
    RESULT = "result", _("Something was decided or finished")
    CHECKS = "checks", _("Regular checks")
    CONVERSATION = "conversation", _("Somebody has written to you about an application")
    DESK = "desk", _("Work at the desk")
    CERTIFICATE = "certificate", _("Certificates")
    SECURITY = "security", _("Security of your account and your secrets")


ALWAYS = frozenset({Category.CERTIFICATE, Category.SECURITY})
"""Never switched off: who does not read these loses access, or does not see that somebody else has gained it."""

SHARED = frozenset(Category) - {Category.DESK}
"""Seen, in an application's ledger, by all its members; the desk's are not."""

UNSENT: Mapping[str, frozenset[str]] = {"solo": frozenset({"registration_received"})}
"""Kinds that are not written, by PORTAL_MODE: alone, whoever has sent a dossier on knows it."""

KINDS: Mapping[str, Category] = {
    "registration_received": Category.RESULT,
    "registration_approved": Category.TURN,
    "registration_changes_requested": Category.TURN,
    "registration_declined": Category.RESULT,
    "registration_reopened": Category.TURN,
    "registration_suspended": Category.RESULT,
    "registration_reinstated": Category.RESULT,
    "chase": Category.TURN,
    "csr_refused": Category.TURN,
    "certificate_issued": Category.CERTIFICATE,
    "certificate_revoked": Category.CERTIFICATE,
    "credentials_handed_out": Category.TURN,
    "certificate_expiring": Category.CERTIFICATE,
    "certificate_expired": Category.CERTIFICATE,
    "secret_revealed": Category.SECURITY,
    "application_live": Category.RESULT,
    "application_live_reported": Category.RESULT,
    "validation_failing": Category.CHECKS,
    "validation_recovered": Category.CHECKS,
    "login_conflict": Category.RESULT,
    "invitation": Category.SECURITY,
    "contact_confirmation": Category.SECURITY,
    "join_request": Category.TURN,
    "join_accepted": Category.RESULT,
    "join_declined": Category.RESULT,
    "join_left_to_staff": Category.SECURITY,
    "join_decided_by_staff": Category.SECURITY,
    "role_changed": Category.SECURITY,
    "member_removed": Category.SECURITY,
    "organisation_deleted": Category.SECURITY,
    "account_changed": Category.SECURITY,
    "account_erased": Category.SECURITY,
    "message_to_partner": Category.CONVERSATION,
    "registration_to_review": Category.DESK,
    "csr_to_sign": Category.DESK,
    "revocation_to_do": Category.DESK,
    "login_to_decide": Category.DESK,
    "join_to_decide": Category.DESK,
    "platform_incident": Category.DESK,
    "message_to_desk": Category.DESK,
    "audit_tampered": Category.SECURITY,
    "staff_invitation": Category.SECURITY,
    "staff_roles_changed": Category.SECURITY,
    "work_assigned": Category.DESK,
    "work_digest": Category.DESK,
}
