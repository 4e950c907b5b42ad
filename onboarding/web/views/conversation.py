"""The conversation of partner and reviewers about a request, for both."""

from uuid import UUID, uuid4

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from onboarding.partners.models import StaffRole
from onboarding.registrations import conversation as flows
from onboarding.registrations.models import Application, Registration, Side
from onboarding.web import access, talking
from onboarding.web.forms.conversation import MessageForm
from onboarding.web.requests import PortalRequest

PAGE_SIZE = 50
TEMPLATES = {Side.PARTNER: "conversation.html", Side.STAFF: "desk/conversation.html"}
ACTORS = {Side.PARTNER: access.member_actor, Side.STAFF: access.staff_actor}


@access.application(mode="hub")
def conversation(request: PortalRequest, application: Application) -> HttpResponse:
    """The partner's side."""
    registration: Registration | None = getattr(application, "registration", None)
    if registration is None:
        raise Http404
    registration.application = application
    return _answer(request, registration, Side.PARTNER)


@access.staff(StaffRole.Role.REVIEWER)
def desk(request: PortalRequest, registration_id: UUID) -> HttpResponse:
    """The reviewers' side."""
    found = get_object_or_404(Registration.objects.select_related("application__organisation"), pk=registration_id)
    return _answer(request, found, Side.STAFF)


@access.staff()
def waiting(request: PortalRequest) -> HttpResponse:
    """The requests in which a partner wrote what nobody has read, or waits for an answer, whatever their state."""
    every = Registration.objects.select_related("application__organisation")
    page = Paginator(flows.to_answer(every), PAGE_SIZE).get_page(request.GET.get("page"))
    return render(request, "desk/messages.html", {"page": page, "rows": page.object_list, "tab": ""})


def _answer(request: PortalRequest, registration: Registration, side: Side) -> HttpResponse:
    if request.method == "POST":
        return _sent(request, registration, side)
    if request.htmx and "after" in request.GET:
        return _news(request, registration, side)
    shown = talking.read(request, registration, side, before=_id(request.GET.get("before")))
    return _page(request, shown)


def _news(request: PortalRequest, registration: Registration, side: Side) -> HttpResponse:
    """What was written since the page was last looked at; 204 if nothing was."""
    after = _id(request.GET["after"])
    if not talking.has_news(registration, after):
        return HttpResponse(status=204)
    return render(
        request, "parts/conversation_news.html", {"talk": talking.read(request, registration, side, after=after)}
    )


def _sent(request: PortalRequest, registration: Registration, side: Side) -> HttpResponse:
    actor, seen, page = ACTORS[side](request), _id(request.POST.get("seen")), talking.page_of(registration, side)
    form, key = MessageForm(request.POST, auto_id="message_%s"), _id(request.POST.get("key"))
    try:
        if "settle" in request.POST:
            flows.settle(registration, side=side, seen=seen, actor=actor)
            return redirect(f"{page}#write")
        if form.is_valid():
            # Without its page's key a message still arrives, though a second click would send it twice.
            message = flows.write(
                registration, side=side, **form.cleaned_data, key=key or uuid4(), seen=seen, actor=actor
            )
            back = reverse("desk_registration", args=[registration.pk]) if "on_review" in request.POST else page
            return redirect(f"{back if side is Side.STAFF else page}#message-{message.pk}")
    except flows.NotOpen:
        messages.warning(request, _("Nothing was sent: nobody reads this conversation now."))
        registration.refresh_from_db(fields=["erased_at"])
        return _page(request, talking.read(request, registration, side, form=form), status=409)
    return _page(request, talking.read(request, registration, side, form=form, key=key), status=422)


def _page(request: PortalRequest, shown: talking.Conversation, status: int = 200) -> HttpResponse:
    registration = shown.registration
    context = {
        "talk": shown,
        "registration": registration,
        "application": registration.application,
        "bound": [shown.form] if shown.form.is_bound else [],
    }
    return render(request, TEMPLATES[shown.side], context, status=status)


def _id(text: str | None) -> UUID | None:
    """Return an id that a page sent back; None where it is none."""
    try:
        return UUID(text or "")
    except ValueError:
        return None
