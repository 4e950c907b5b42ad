"""How long a password may be: hashing and comparing one takes the longer, the longer it is."""

from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

LONGEST = 256
"""Characters."""

TOO_LONG = gettext_lazy("A password has at most %(limit_value)d characters; this has %(show_value)d.")

not_too_long = MaxLengthValidator(LONGEST, TOO_LONG)
"""For fields of forms: they ask it first, so that nothing else looks at what is too long."""


class MaximumLengthValidator:
    """For AUTH_PASSWORD_VALIDATORS: whichever way a password comes."""

    def validate(self, password: str, user: object = None) -> None:
        """Raise ValidationError if it is too long."""
        if len(password) > LONGEST:
            raise ValidationError(
                TOO_LONG, code="password_too_long", params={"limit_value": LONGEST, "show_value": len(password)}
            )

    def get_help_text(self) -> str:
        """Return it in words."""
        return _("At most %(limit)d characters.") % {"limit": LONGEST}
