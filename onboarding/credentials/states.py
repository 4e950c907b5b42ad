"""The lifecycle of a certificate request: one table."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from onboarding.lifecycle import Lifecycle


class State(models.TextChoices):
    """Where a certificate request stands."""

    AWAITING_CSR = "awaiting_csr", _("Waiting for the CSR")
    CSR_SUBMITTED = "csr_submitted", _("CSR submitted")
    CSR_REFUSED = "csr_refused", _("CSR refused")
    CSR_ACCEPTED = "csr_accepted", _("CSR accepted")
    ISSUED = "issued", _("Certificate issued")
    ACTIVE = "active", _("In use")
    SUPERSEDED = "superseded", _("Superseded")
    REVOKED = "revoked", _("Revoked")
    CANCELLED = "cancelled", _("Cancelled")


LIFECYCLE = Lifecycle(
    name="certificate_request",
    initial=State.AWAITING_CSR,
    transitions={
        (State.AWAITING_CSR, "submit"): State.CSR_SUBMITTED,
        (State.CSR_SUBMITTED, "restart"): State.AWAITING_CSR,
        (State.CSR_REFUSED, "restart"): State.AWAITING_CSR,
        (State.CSR_SUBMITTED, "refuse"): State.CSR_REFUSED,
        (State.CSR_SUBMITTED, "accept"): State.CSR_ACCEPTED,
        (State.CSR_ACCEPTED, "issue"): State.ISSUED,
        (State.CSR_SUBMITTED, "receive"): State.ISSUED,
        (State.CSR_ACCEPTED, "receive"): State.ISSUED,
        (State.ISSUED, "activate"): State.ACTIVE,
        (State.ACTIVE, "supersede"): State.SUPERSEDED,
        (State.ISSUED, "revoke"): State.REVOKED,
        (State.ACTIVE, "revoke"): State.REVOKED,
        (State.SUPERSEDED, "revoke"): State.REVOKED,
        (State.AWAITING_CSR, "cancel"): State.CANCELLED,
        (State.CSR_SUBMITTED, "cancel"): State.CANCELLED,
        (State.CSR_REFUSED, "cancel"): State.CANCELLED,
        (State.CSR_ACCEPTED, "cancel"): State.CANCELLED,
        # The sandbox's only: `sandboxing.delete` sees to that.
        (State.AWAITING_CSR, "discard"): State.CANCELLED,
        (State.CSR_SUBMITTED, "discard"): State.CANCELLED,
        (State.CSR_REFUSED, "discard"): State.CANCELLED,
        (State.CSR_ACCEPTED, "discard"): State.CANCELLED,
        (State.ISSUED, "discard"): State.CANCELLED,
        (State.ACTIVE, "discard"): State.CANCELLED,
        (State.REVOKED, "discard"): State.CANCELLED,
    },
    turn={
        State.AWAITING_CSR: "partner",
        State.CSR_SUBMITTED: "operator",
        State.CSR_REFUSED: "partner",
        State.CSR_ACCEPTED: "operator",
        State.ISSUED: "partner",
    },
)

USABLE = frozenset({State.ISSUED, State.ACTIVE})
"""States whose certificate may be used for calls."""
