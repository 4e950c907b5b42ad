"""The closed vocabulary of the audit: `subject:action`, and whether partners see such entries in their timeline."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Event(models.TextChoices):
    """Everything that is recorded. The label is what the timeline says."""

    ORGANISATION_CREATED = "organisation:created", _("Organisation created")
    APPLICATION_CREATED = "application:created", _("Application started")
    REGISTRATION_SUBMITTED = "registration:submit", _("Description submitted for review")
    REGISTRATION_TAKEN = "registration:take", _("Review begun")
    REGISTRATION_RELEASED = "registration:release", _("Given back to all reviewers")
    REGISTRATION_CHANGES_REQUESTED = "registration:request_changes", _("Changes requested")
    REGISTRATION_APPROVED = "registration:approve", _("Application approved")
    REGISTRATION_DECLINED = "registration:decline", _("Application declined")
    REGISTRATION_REOPENED = "registration:reopen", _("Application reopened")
    REGISTRATION_WITHDRAWN = "registration:withdraw", _("Application withdrawn")
    REGISTRATION_SUSPENDED = "registration:suspend", _("Application suspended")
    REGISTRATION_REINSTATED = "registration:reinstate", _("Application reinstated")
    MAIL_EDITED = "mail:edited", _("Mail of a decision sent in other words")
    MESSAGE_WRITTEN = "message:written", _("Message written")
    MESSAGES_SETTLED = "message:settled", _("Messages marked as needing no answer")
    OUTSIDE_CORRECTED = "application:outside_corrected", _("Date or reference corrected")
    APPLICATION_IMPORTED = "application:imported", _("Application brought in with its credentials")
    LOGIN_ASSIGNED = "partner_login:assigned", _("Partner login assigned")
    LOGIN_CLAIMED = "partner_login:claimed", _("Partner login claimed")
    LOGIN_CONFIRMED = "partner_login:confirmed", _("Partner login confirmed")
    LOGIN_REJECTED = "partner_login:rejected", _("Partner login not confirmed")
    LOGIN_OF_SANDBOX = "partner_login:of_sandbox", _("Partner login for the sandbox made")
    LOGIN_RECORDED = "partner_login:recorded", _("Partner login recorded")
    CSR_SENT = "certificate_request:sent", _("CSR sent on")
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
    REVOCATION_ASKED = "certificate_request:revocation_asked", _("Revocation asked for")
    REVOCATION_TAKEN_BACK = "certificate_request:revocation_taken_back", _("Request to revoke taken back")
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
    SDK_REHEARSAL_BEGUN = "sdk_rehearsal:begun", _("Rehearsal of the mobile SDK begun")
    SDK_REHEARSAL_TOKEN = "sdk_rehearsal:token", _("Token for a rehearsal of the mobile SDK made")
    SDK_REHEARSAL_ENDED = "sdk_rehearsal:ended", _("Rehearsal of the mobile SDK ended")
    VIRTUAL_KEY_REQUESTED = "virtual_key:requested", _("Virtual-key token asked for")
    VIRTUAL_KEY_GRANTED = "virtual_key:granted", _("Virtual-key token granted")
    VIRTUAL_KEY_FAILED = "virtual_key:failed", _("Virtual-key token not granted")
    VIRTUAL_KEY_UNKNOWN = "virtual_key:unknown", _("Virtual-key token asked for; what came of it is not known")
    VIRTUAL_KEY_ABANDONED = "virtual_key:abandoned", _("Request for a virtual-key token given up")
    VIRTUAL_KEY_CANCELLED = "virtual_key:cancelled", _("Request for a virtual-key token cancelled")
    VIRTUAL_KEY_SHOWN = "virtual_key:shown", _("Virtual-key token shown")
    TRACE_ATTACHED = "trace:attached", _("Trace report attached")
    TRACE_DETACHED = "trace:detached", _("Trace report taken off")
    WALK_STARTED = "enrolment:walk_started", _("Walk through a driver's consent begun in the sandbox")
    WALK_PASSED = "enrolment:walk_passed", _("Walk through a driver's consent came to a first answer")
    WALK_FAILED = "enrolment:walk_failed", _("Walk through a driver's consent stopped")
    ROLE_GRANTED = "staff_role:granted", _("Staff role granted")
    ROLE_WITHDRAWN = "staff_role:withdrawn", _("Staff role withdrawn")
    STAFF_INVITED = "staff_invitation:sent", _("Invitation to the desk sent")
    STAFF_INVITATION_WITHDRAWN = "staff_invitation:withdrawn", _("Invitation to the desk withdrawn")
    STAFF_INVITATION_ACCEPTED = "staff_invitation:accepted", _("Invitation to the desk accepted")
    WORK_ASSIGNED = "work:assigned", _("Work at the desk taken or handed over")
    WORK_RELEASED = "work:released", _("Work at the desk given back")
    INVITATION_SENT = "invitation:sent", _("Invitation sent")
    INVITATION_RESENT = "invitation:resent", _("Invitation sent again")
    INVITATION_WITHDRAWN = "invitation:withdrawn", _("Invitation withdrawn")
    INVITATION_ACCEPTED = "invitation:accepted", _("Invitation accepted")
    JOIN_REQUESTED = "join:requested", _("Somebody asked to join")
    JOIN_WITHDRAWN = "join:withdraw", _("Request to join taken back")
    JOIN_ACCEPTED = "join:accept", _("Request to join accepted")
    JOIN_DECLINED = "join:decline", _("Request to join declined")
    JOIN_ESCALATED = "join:escalate", _("Request to join left to the operator")
    MEMBER_ROLE_CHANGED = "member:role_changed", _("Member's role changed")
    MEMBER_REMOVED = "member:removed", _("Member removed")
    MEMBER_LEFT = "member:left", _("Member left")
    CONTACT_NAMED = "contact:named", _("Contact named")
    CONTACT_ASKED = "contact:asked", _("Contact asked to confirm")
    CONTACT_CONFIRMED = "contact:confirmed", _("Contact confirmed")
    CONTACT_ERASED = "contact:erased", _("Contact erased")
    ORGANISATION_DELETED = "organisation:deleted", _("Organisation deleted")
    PERSON_EXPORTED = "person:exported", _("Export of what is held about a person")
    PERSON_ERASED = "person:erased", _("Account erased")
    DESCRIPTION_ERASED = "registration:erased", _("Description erased, as it need not be kept any longer")
    ACCOUNT_CREATED = "account:created", _("Account created")
    SIGNED_IN = "account:signed_in", _("Signed in")
    SECOND_FACTOR_FAILED = "account:second_factor_failed", _("Wrong code after the right password")
    PASSWORD_CHANGED = "account:password_changed", _("Password changed")
    EMAIL_ADDED = "account:email_added", _("E-mail address added")
    EMAIL_CHANGED = "account:email_changed", _("Primary e-mail address changed")
    EMAIL_REMOVED = "account:email_removed", _("E-mail address removed")
    PASSKEY_ADDED = "account:passkey_added", _("Passkey added")
    PASSKEY_REMOVED = "account:passkey_removed", _("Passkey removed")
    AUTHENTICATOR_APP_ADDED = "account:authenticator_app_added", _("Authenticator app added")
    AUTHENTICATOR_APP_REMOVED = "account:authenticator_app_removed", _("Authenticator app removed")
    RECOVERY_CODES_MADE = "account:recovery_codes_made", _("New recovery codes made")
    RECOVERY_CODE_USED = "account:recovery_code_used", _("Recovery code used")
    SINGLE_SIGN_ON_LINKED = "account:single_sign_on_linked", _("Linked to the provider of single sign-on")
    SINGLE_SIGN_ON_UNLINKED = "account:single_sign_on_unlinked", _("No longer linked to the provider of single sign-on")
    SESSIONS_ENDED = "account:sessions_ended", _("Signed out elsewhere")
    SIGN_IN_FAILED = "account:sign_in_failed", _("Sign-in with a wrong password")
    PROFILE_CHANGED = "account:profile_changed", _("Profile changed")
    MAILS_CHOSEN = "account:mails_chosen", _("Choice of mails changed")
    CSR_DOWNLOADED = "certificate_request:csr_downloaded", _("CSR downloaded")
    CERTIFICATE_DOWNLOADED = "certificate_request:downloaded", _("Certificate downloaded")
    KIT_DOWNLOADED = "credentials:kit_downloaded", _("Integration kit downloaded")
    SECRETS_RESEALED = "vault:resealed", _("Secrets sealed under a newer key")
    SETTINGS_CHANGED = "portal:settings_changed", _("Settings of the portal changed")
    AUDIT_EXPORTED = "audit:exported", _("Audit exported")


STAFF_ONLY = frozenset(
    {
        Event.ROLE_GRANTED,
        Event.ROLE_WITHDRAWN,
        Event.STAFF_INVITED,
        Event.STAFF_INVITATION_WITHDRAWN,
        Event.STAFF_INVITATION_ACCEPTED,
        Event.WORK_ASSIGNED,
        Event.WORK_RELEASED,
        Event.PERSON_EXPORTED,
        Event.PERSON_ERASED,
        Event.CSR_DOWNLOADED,
        Event.MAIL_EDITED,
        Event.SECRETS_RESEALED,
        Event.SETTINGS_CHANGED,
        Event.AUDIT_EXPORTED,
    }
)
"""Events that partners do not see."""

ACCOUNT = frozenset(event for event in Event if event.startswith("account:"))
"""Events of a person's own account, in the one chain of what concerns no partner."""
