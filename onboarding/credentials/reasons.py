"""Why a certificate is revoked: the reasons of RFC 5280, section 5.3.1, that make sense here, in plain words.

`certificateHold` is not among them: nothing here lifts one. The values are the RFC's names, as the list says them.
"""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Reason(models.TextChoices):
    """Why, by the RFC's name."""

    KEY_COMPROMISE = "keyCompromise", _("The private key is, or may be, in the wrong hands")
    AFFILIATION_CHANGED = "affiliationChanged", _("The company, or a name in the certificate, has changed")
    SUPERSEDED = "superseded", _("Another certificate has taken its place")
    CESSATION_OF_OPERATION = "cessationOfOperation", _("It is no longer needed")
    PRIVILEGE_WITHDRAWN = "privilegeWithdrawn", _("What it allowed is allowed no longer")
    UNSPECIFIED = "unspecified", _("Another reason")


OWN = (
    Reason.KEY_COMPROMISE,
    Reason.CESSATION_OF_OPERATION,
    Reason.SUPERSEDED,
    Reason.AFFILIATION_CHANGED,
    Reason.UNSPECIFIED,
)
"""Those that partners can give for a certificate of their own."""
