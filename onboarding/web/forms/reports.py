"""The report of the offline checker."""

from django.utils.translation import gettext_lazy as _

from onboarding.web.forms.base import PortalForm
from onboarding.web.forms.fields import BoundedFileField
from onboarding.web.forms.widgets import FileDrop


class ReportForm(PortalForm):
    """A report to upload."""

    report = BoundedFileField(
        label=_("The checker's report"),
        widget=FileDrop,
        help_text=_("The file fleet-check-report.json, as the checker wrote it. At most 64 KiB."),
        error_messages={"required": _("Choose the report's file.")},
    )
