"""The closed vocabulary of the audit: `subject:action`, and whether partners see such entries in their timeline."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Event(models.TextChoices):
    """Everything that is recorded. The label is what the timeline says."""

    ORGANISATION_CREATED = "organisation:created", _("Organisation created")
    APPLICATION_CREATED = "application:created", _("Application started")
    REGISTRATION_SUBMITTED = "registration:submit", _("Description submitted for review")
    REGISTRATION_TAKEN = "registration:take", _("Review begun")
    REGISTRATION_CHANGES_REQUESTED = "registration:request_changes", _("Changes requested")
    REGISTRATION_APPROVED = "registration:approve", _("Application approved")
    REGISTRATION_DECLINED = "registration:decline", _("Application declined")
    REGISTRATION_WITHDRAWN = "registration:withdraw", _("Application withdrawn")
    REGISTRATION_SUSPENDED = "registration:suspend", _("Application suspended")
    REGISTRATION_REINSTATED = "registration:reinstate", _("Application reinstated")
    APPLICATION_IMPORTED = "application:imported", _("Application brought in with its credentials")
    LOGIN_ASSIGNED = "partner_login:assigned", _("Partner login assigned")
    LOGIN_CLAIMED = "partner_login:claimed", _("Partner login claimed")
    LOGIN_CONFIRMED = "partner_login:confirmed", _("Partner login confirmed")
    LOGIN_REJECTED = "partner_login:rejected", _("Partner login not confirmed")
    LOGIN_OF_SANDBOX = "partner_login:of_sandbox", _("Partner login for the sandbox made")
    CERTIFICATE_REQUEST_OPENED = "certificate_request:opened", _("Certificate request opened")
    KEY_ORDERED = "key:ordered", _("Private key asked for")
    KEY_CREATED = "key:created", _("Private key made and sealed")
    KEY_NOT_CREATED = "key:not_created", _("Private key could not be made")
    KEY_IMPORTED = "key:imported", _("Private key brought in and sealed")
    KEY_DESTROYED = "key:destroyed", _("Private key destroyed")
    CSR_SUBMITTED = "certificate_request:submit", _("CSR submitted")
    CSR_RESTARTED = "certificate_request:restart", _("CSR taken back, to start again")
    CSR_REFUSED = "certificate_request:refuse", _("CSR refused")
    CSR_ACCEPTED = "certificate_request:accept", _("CSR accepted")
    CERTIFICATE_ISSUED = "certificate_request:issue", _("Certificate issued")
    CERTIFICATE_RECEIVED = "certificate_request:receive", _("Certificate taken in by the partner")
    CERTIFICATE_IMPORTED = "certificate_request:imported", _("Certificate brought in")
    CERTIFICATE_ACTIVATED = "certificate_request:activate", _("Certificate taken into use")
    CERTIFICATE_SUPERSEDED = "certificate_request:supersede", _("Certificate superseded")
    CERTIFICATE_REVOKED = "certificate_request:revoke", _("Certificate revoked")
    CERTIFICATE_REQUEST_CANCELLED = "certificate_request:cancel", _("Certificate request cancelled")
    SANDBOX_CREDENTIALS_DELETED = "certificate_request:discard", _("Sandbox credentials deleted")
    CLIENT_ID_SET = "credentials:client_id", _("Client ID stored")
    CLIENT_SECRET_SET = "credentials:client_secret", _("Client secret stored")
    PASSWORD_SET = "credentials:password", _("MZP password stored")
    SECRET_REVEALED = "credentials:revealed", _("Secret shown")
    RUN_REQUESTED = "validation:requested", _("Validation started")
    RUN_PASSED = "validation:passed", _("Validation passed")
    RUN_FAILED = "validation:failed", _("Validation failed")
    RUN_ABANDONED = "validation:abandoned", _("Validation given up")
    RUN_CANCELLED = "validation:cancelled", _("Validation cancelled")
    SCHEDULE_FAILED = "validation:turned_bad", _("A regular validation failed; the one before had passed")
    SCHEDULE_RECOVERED = "validation:turned_good", _("A regular validation passed again")
    REPORT_ACCEPTED = "validation:reported", _("Checker's report accepted")
    REHEARSAL_BEGUN = "rehearsal:begun", _("Rehearsed failure switched on")
    REHEARSAL_ENDED = "rehearsal:ended", _("Rehearsed failure switched off")
    ROLE_GRANTED = "staff_role:granted", _("Staff role granted")


STAFF_ONLY = frozenset({Event.ROLE_GRANTED})
"""Events that partners do not see."""
