"""What comes back from the corporate CA."""

from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from onboarding.web.forms.base import PortalForm


class ManyFilesInput(forms.ClearableFileInput):
    """A file field that takes many."""

    allow_multiple_selected = True
    template_name = "django/forms/widgets/input.html"


class ManyFilesField(forms.FileField):
    """Many files; none of them empty, and not too much together."""

    widget = ManyFilesInput

    def clean(self, data: Any, initial: Any = None) -> list[Any]:
        """Return the files. Raises ValidationError."""
        files = data if isinstance(data, list) else [data] if data else []
        if not files:
            raise forms.ValidationError(self.error_messages["required"], code="required")
        most, _number = settings.LARGE_UPLOADS["/desk/drops/"]
        if sum(file.size for file in files) > most:
            raise forms.ValidationError(
                _("These files are larger than %(megabytes)s MB together. Drop them in several parts.")
                % {"megabytes": most // 1024 // 1024}
            )
        return files


class DropForm(PortalForm):
    """Drop whatever came back."""

    certificates = ManyFilesField(
        label=_("Certificates"),
        help_text=_(
            "PEM, DER, PKCS#7 or ZIP, many at once. Each certificate finds its request by its public key. The CA's "
            "certificates can be among them."
        ),
    )
