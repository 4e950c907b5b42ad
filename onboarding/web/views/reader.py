"""The message reader: paste what the SDK handed over, and be told what it means. Nothing of it is stored."""

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from onboarding.mobile import sdk
from onboarding.mobile.reading import read
from onboarding.registrations.models import Application
from onboarding.web import access, mobile
from onboarding.web.forms.mobile import ReaderForm
from onboarding.web.requests import PortalRequest


@never_cache
@sensitive_post_parameters()
@access.application(change=access.MEMBERS)
def reader(request: PortalRequest, application: Application) -> HttpResponse:
    """Read a message. It changes nothing, so viewers may, too; what comes back on the page has no secrets."""
    now = timezone.now()
    examples = mobile.examples(now)
    form = ReaderForm(request.POST if request.method == "POST" else None)
    text = None
    if request.method == "POST":
        chosen = examples.get(request.POST.get("example", ""))
        if chosen is not None:
            text = chosen["text"]
        elif form.is_valid():
            text = form.cleaned_data["private_message"]
    reading = None
    if text is not None:
        found = read(text, now)
        form = ReaderForm(initial={"private_message": found.text})
        reading = mobile.explained(found, sdk.NEWEST)
    context = {
        "application": application,
        "here": "reader",
        "form": form,
        "examples": examples,
        "reading": reading,
        "version": mobile.text_of(sdk.NEWEST),
    }
    return render(request, "activation/reader.html", context)
