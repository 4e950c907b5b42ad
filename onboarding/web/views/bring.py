"""Credentials that work already: brought in, without going through a registration."""

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from onboarding.credentials.importing import ImportRefused, import_credentials, importable
from onboarding.credentials.models import CertificateRequest
from onboarding.partners.models import Organisation
from onboarding.partners.modes import mode
from onboarding.programmes import PROGRAMMES, profile
from onboarding.registrations.models import Application
from onboarding.web import access
from onboarding.web.forms.bring import BringForm
from onboarding.web.presenting import certificate_report, explain_findings
from onboarding.web.requests import PortalRequest


@never_cache
@sensitive_post_parameters()
@access.signed_in
def bring(request: PortalRequest) -> HttpResponse:
    """One form for all of it; what does not fit is told at once, and nothing kept."""
    organisations = Organisation.objects.filter(
        memberships__user=request.user, memberships__role__in=access.BUILDERS
    ).order_by("name")
    if not organisations:
        return redirect("new_organisation" if not request.user.organisations.exists() else "home")
    environments = {one.id: one for id_ in PROGRAMMES for one in importable(profile(id_))}
    form = BringForm(
        request.POST or None,
        request.FILES or None,
        organisations=organisations,
        environments=environments.values(),
        keeps_keys=CertificateRequest.Custody.VAULT in settings.KEY_CUSTODIES,
    )
    refused = None
    if request.method == "POST" and environments and form.is_valid():
        organisation = get_object_or_404(organisations, pk=form.cleaned_data["organisation"])
        try:
            imported = import_credentials(organisation, form.brought, actor=access.member_actor(request))
        except ImportRefused as error:
            refused = error
        else:
            if imported.is_new:
                messages.success(request, _("Checked and brought in. Secrets are sealed. Next: validate."))
            else:
                messages.info(request, _("This certificate is there already, with this client ID. This is it."))
            return redirect("application", imported.application.pk)
    context = {
        "form": form,
        "environments": environments,
        "findings": explain_findings(refused.own_findings) if refused else [],
        "report": certificate_report(refused.report, Application(programme=form.cleaned_data["programme"]))
        if refused and refused.report
        else None,
        "refused": refused is not None,
        "claims": not mode().logins_count_at_once,
    }
    return render(request, "bring.html", context, status=422 if refused else 200)
