"""How the queue is filtered, and what is done to many items at once."""

from typing import Any
from urllib.parse import parse_qsl, urlencode
from uuid import UUID

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from django_countries import countries as country_names

from onboarding.partners.models import User
from onboarding.registrations.models import Application
from onboarding.web.forms.base import PortalForm
from onboarding.web.forms.fields import LineField
from onboarding.worklist import queue
from onboarding.worklist.models import Item, SavedView, Stage

MAX_WORDS = 120
MOST_AT_ONCE = queue.PAGE_SIZE


class FilterForm(forms.Form):
    """The queue's filters, out of the page's address. What makes no sense counts as not given."""

    words = forms.CharField(label=_("Name, number or company"), max_length=MAX_WORDS, required=False)
    programme = forms.ChoiceField(label=_("Programme"), required=False)
    assignee = forms.ChoiceField(label=_("Assigned to"), required=False)
    age = forms.ChoiceField(label=_("Age"), required=False)
    country = forms.ChoiceField(label=_("Country"), required=False)
    sort = forms.ChoiceField(label=_("Sorted by"), choices=queue.Sort, required=False)
    show = forms.ChoiceField(choices=queue.Show, required=False, widget=forms.HiddenInput)
    stage = forms.ChoiceField(choices=Stage, required=False, widget=forms.HiddenInput)
    organisation = forms.UUIDField(required=False, widget=forms.HiddenInput)

    use_required_attribute = False

    def __init__(self, data: Any, *, reader: User) -> None:
        super().__init__(data)
        self.reader = reader
        anybody = ("", _("Anybody"))
        people = [(str(user.pk), str(user)) for user in queue.colleagues() if user.pk != reader.pk]
        names = [(code, country_names.name(code) or code) for code in queue.countries()]
        self._choose("programme", [("", _("All")), *Application.Programme.choices])
        self._choose("assignee", [anybody, (queue.ME, _("Me")), (queue.NOBODY, _("Nobody")), *people])
        self._choose("age", [("", _("Any")), *queue.Age.choices])
        self._choose("country", [("", _("All")), *sorted(names, key=lambda one: one[1])])
        if data.get("show") == queue.Show.DONE:  # it comes in the order in which it was done, and has no age
            del self.fields["age"], self.fields["sort"]

    def _choose(self, name: str, choices: list[Any]) -> None:
        self.fields[name] = forms.ChoiceField(label=self.fields[name].label, choices=choices, required=False)

    @property
    def query(self) -> queue.Query:
        """What was asked for."""
        self.is_valid()
        given = {name: value for name, value in self.cleaned_data.items() if value}
        return queue.Query(reader=self.reader, **given)

    @property
    def is_narrowed(self) -> bool:
        """Whether anything was asked for beside the part of the queue."""
        return bool({name for name, value in self.cleaned_data.items() if value} - {"show", "sort"})


class BulkForm(forms.Form):
    """Give many items to somebody, or back to the queue. to: a user's id, or "nobody"."""

    to = forms.CharField(max_length=40)

    def __init__(self, data: Any, *, items: list[str]) -> None:
        super().__init__(data)
        self.items = items

    def clean_to(self) -> User | None:
        """Return whom to give it to; None: nobody."""
        to = self.cleaned_data["to"]
        if to == queue.NOBODY:
            return None
        try:
            return queue.colleagues().get(pk=to)
        except (User.DoesNotExist, ValidationError):
            raise ValidationError(_("Choose who is to have it.")) from None

    @property
    def chosen(self) -> list[UUID]:
        """The items that were ticked, as far as they can be ids."""
        field = Item._meta.pk
        found = []
        for one in self.items[:MOST_AT_ONCE]:
            try:
                found.append(field.to_python(one))
            except ValidationError:
                continue
        return found


class SaveViewForm(PortalForm):
    """Keep the filters under a name."""

    name = LineField(label=_("Name of this view"), max_length=60)
    query = forms.CharField(required=False, widget=forms.HiddenInput)

    def clean_query(self) -> str:
        """Take what an address may hold, written as addresses are."""
        query = urlencode(parse_qsl(self.cleaned_data["query"]))
        length = SavedView._meta.get_field("query").max_length or 0
        return query if len(query) <= length else ""
