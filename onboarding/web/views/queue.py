"""The desk's queue: what waits for staff, who has it, and what has been done."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from urllib.parse import parse_qsl, urlencode
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from onboarding.lifecycle import IllegalTransition
from onboarding.partners.actors import Actor
from onboarding.partners.models import StaffRole, User
from onboarding.partners.people import OwnOrganisation
from onboarding.registrations import conversation, flows
from onboarding.registrations.models import Registration
from onboarding.web import access
from onboarding.web.forms.queue import BulkForm, FilterForm, SaveViewForm
from onboarding.web.requests import PortalRequest
from onboarding.web.tables import as_csv
from onboarding.worklist import assigning, queue
from onboarding.worklist.models import ROLES, Item, SavedView, Stage

CURSOR = "from"
DECIDERS = (StaffRole.Role.REVIEWER, StaffRole.Role.ISSUER)


@access.staff(*DECIDERS)
def show(request: PortalRequest) -> HttpResponse:
    """What waits, by its target date; filtered, counted by stage, page by page. The list brings itself up to date.

    Sent as a form, the filters are kept under a name; the same name again replaces them.
    """
    save = SaveViewForm(request.POST if request.method == "POST" else None, initial={"query": _address(request)})
    if request.method == "POST" and save.is_valid():
        name, kept = save.cleaned_data["name"], save.cleaned_data["query"]
        SavedView.objects.update_or_create(user=request.user, name=name, defaults={"query": kept})
        messages.success(request, _("Saved. You find it above the list."))
        return redirect(f"{reverse('desk')}?{kept}")
    form = FilterForm(request.GET, reader=request.user)
    query = form.query
    found, counts = queue.page(query, request.GET.get(CURSOR, "")), queue.counts(query)
    today = timezone.localdate()
    talks = _talks(found.rows)
    context = {
        "rows": [
            {
                "item": item,
                "href": _href(item),
                "is_overdue": item.is_overdue(today),
                "talk": talks.get(item.subject_id),
            }
            for item in found.rows
        ],
        "page": found,
        "form": form,
        "query": query,
        "counts": counts,
        "stages": [(stage, stage.label, counts.by_stage[stage] if counts else None) for stage in Stage],
        "address": _address(request),
        "here": request.get_full_path(),
    }
    if request.htmx:
        return render(request, "desk/queue.html#list", context)
    context |= {
        "views": SavedView.objects.filter(user=request.user),
        "save": save,
        "colleagues": queue.colleagues().exclude(pk=request.user.pk),
        "shows": queue.Show,
        "to_answer": conversation.to_answer(Registration.objects.all()).count(),
    }
    return render(request, "desk/queue.html", context, status=422 if save.errors else 200)


@access.staff()
def export(request: PortalRequest) -> HttpResponse | StreamingHttpResponse:
    """The same rows as a table for a spreadsheet: all pages."""
    query = FilterForm(request.GET, reader=request.user).query
    headers = {"Content-Disposition": f'attachment; filename="queue-{timezone.localdate()}.csv"'}
    table = as_csv(queue.COLUMNS, map(queue.described, queue.every(query)))
    return StreamingHttpResponse(table, content_type="text/csv; charset=utf-8", headers=headers)


@access.staff(*DECIDERS)
def assign(request: PortalRequest) -> HttpResponse:
    """Take, hand over or give back: one item, or many at once."""
    back = f"{reverse('desk')}?{request.POST.get('address', '')}" if request.POST.get("address") else reverse("desk")
    if request.method != "POST":
        return redirect("desk")
    form = BulkForm(request.POST, items=request.POST.getlist("item"))
    if not form.chosen:
        messages.error(request, _("Tick what is to be assigned."))
    elif not form.is_valid():
        messages.error(request, _("Choose who is to have it."))
    else:
        _report(request, *_assign_all(request, form.chosen, form.cleaned_data["to"]))
    return redirect(back)


@access.staff(*DECIDERS)
def delete_view(request: PortalRequest, view_id: UUID) -> HttpResponse:
    """Forget a saved view."""
    if request.method == "POST":
        get_object_or_404(SavedView, pk=view_id, user=request.user).delete()
        messages.success(request, _("The view is gone; what it showed is not."))
    return redirect("desk")


def _talks(items: Sequence[Item]) -> Mapping[UUID, Registration]:
    """Return the requests among the items in which a partner wrote what is to be read or answered, by their ids."""
    reviews = [item.subject_id for item in items if item.stage == Stage.REVIEW]
    found = conversation.to_answer(Registration.objects.filter(pk__in=reviews).select_related("application"))
    return {one.pk: one for one in found}


def _assign_all(request: PortalRequest, ids: list[UUID], to: User | None) -> tuple[int, Counter[str]]:
    """Assign what can be; return how many, and why the others were not."""
    actor, done, refused = access.staff_actor(request), 0, Counter[str]()
    items = {item.pk: item for item in assigning.open_items(ids)}
    for id_ in ids:
        item = items.get(id_)
        if item is None:
            refused["done"] += 1
        elif ROLES[item.stage] not in request.user.staff_roles:
            refused["role"] += 1
        else:
            try:
                _assign(item, to, actor)
                done += 1
            except (assigning.MovedOn, IllegalTransition):
                refused["moved"] += 1
            except (assigning.CannotHave, OwnOrganisation):
                refused["cannot"] += 1
    return done, refused


def _assign(item: Item, to: User | None, actor: Actor) -> None:
    """Reviews begin when somebody has them, so they go through their own verbs."""
    if item.stage == Stage.REVIEW:
        registration = Registration.objects.select_related("application__organisation").get(pk=item.subject_id)
        if to is not None:
            flows.assign(registration, to, actor=actor)
        elif item.assignee_id is not None:
            flows.release(registration, actor=actor)
    elif to is not None:
        assigning.assign(item, to, actor=actor)
    else:
        assigning.release(item, actor=actor)


def _report(request: PortalRequest, done: int, refused: Counter[str]) -> None:
    if done:
        messages.success(request, ngettext("%(n)d assigned.", "%(n)d assigned.", done) % {"n": done})
    for reason, number in refused.items():
        messages.warning(request, REFUSED[reason](number) % {"n": number})


REFUSED: dict[str, Callable[[int], str]] = {
    "done": lambda n: ngettext("%(n)d was done meanwhile.", "%(n)d were done meanwhile.", n),
    "moved": lambda n: ngettext(
        "%(n)d was not assigned: somebody else took it meanwhile.",
        "%(n)d were not assigned: somebody else took them meanwhile.",
        n,
    ),
    "role": lambda n: ngettext(
        "%(n)d was not assigned: your role does not do that.",
        "%(n)d were not assigned: your role does not do that.",
        n,
    ),
    "cannot": lambda n: ngettext(
        "%(n)d was not assigned: the person's role does not do that, or they belong to the company.",
        "%(n)d were not assigned: the person's role does not do that, or they belong to the company.",
        n,
    ),
}


def _href(item: Item) -> str:
    """Return where an item is worked on."""
    name = PAGES[item.stage]
    return reverse(name) if item.stage == Stage.LOGIN else reverse(name, args=[item.subject_id])


PAGES: dict[str, str] = {
    Stage.REVIEW: "desk_registration",
    Stage.LOGIN: "desk_logins",
    Stage.CSR: "desk_certificate",
    Stage.RENEWAL: "desk_certificate",
    Stage.HAND_OUT: "desk_certificate",
    Stage.JOIN: "desk_join",
    Stage.REVOKE: "desk_certificate",
}


def _address(request: PortalRequest) -> str:
    """Return the filters as part of an address, without the place in the list."""
    return urlencode([(name, value) for name, value in parse_qsl(request.GET.urlencode()) if name != CURSOR])
