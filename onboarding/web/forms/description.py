"""The description of an application: one form per step.

Each is made of the application and of the answers as they stand; what it asks can depend on them.
"""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.html import escape
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django_countries import countries

from onboarding.credentials.environments import available
from onboarding.programmes import PROGRAMMES, SANDBOX, catalogue, data_items, profile
from onboarding.registrations import callbacks, statements
from onboarding.registrations.description import Answers, chosen_items, purpose_of, settled
from onboarding.registrations.logins import MZP_FORM
from onboarding.registrations.models import Application
from onboarding.web.describing import data_summary, grouped, rates_in_words
from onboarding.web.forms.base import PortalForm
from onboarding.web.forms.fields import AddressField, LineField, TextField
from onboarding.web.forms.widgets import CatalogueSelect, CheckboxCards, RadioCards, SuffixInput

MAX_REQUESTS = 10_000_000_000


class StepForm(PortalForm):
    """One step.

    prompts: what a good answer says. aside: a template with what the answers so far come to, and how to ask for it.
    """

    prompts: tuple[Any, ...] = ()
    aside = ""

    def __init__(self, *args: Any, application: Application, answers: Answers, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.application, self.stored = application, answers
        self.profile = profile(answers["programme"])

    @property
    def answers(self) -> dict[str, Any]:
        """The answers given, as they are kept."""
        return dict(self.cleaned_data)

    @property
    def so_far(self) -> dict[str, Any]:
        """All answers, with what this form holds at present, as far as it can be read."""
        if not self.is_bound:
            return dict(self.stored)
        self.full_clean()
        return settled({**self.stored, **dict.fromkeys(self.fields), **self.cleaned_data})

    @property
    def summary(self) -> Any:
        """What the answers so far come to, for `aside`."""
        return None

    def for_preview(self) -> "StepForm":
        """Return the form to show to somebody who only wants to see what the answers so far come to."""
        return self

    @classmethod
    def initial_of(cls, answers: Answers) -> dict[str, Any]:
        """Return answers as the form's fields show them."""
        return {
            name: statements.stands(name, answer) if name in statements.CURRENT else answer
            for name, answer in answers.items()
        }


def put(data: QueryDict, name: str, answer: Any) -> None:
    """Put an answer into what a form sent, in place of what was sent for it."""
    if answer in (None, False, ""):
        data.pop(name, None)
    elif isinstance(answer, list):
        data.setlist(name, [str(one) for one in answer])
    else:
        data[name] = "on" if isinstance(answer, dict | bool) else str(answer)


class ProgrammeForm(StepForm):
    """For whom the data is."""

    programme = forms.ChoiceField(
        label=_("Programme"),
        error_messages={"required": _("Choose a programme. It decides how your calls sign in.")},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer_programmes(self.fields["programme"])


def offer_programmes(field: Any) -> None:
    """Let a field choose among the programmes, each with what it gives and needs."""
    profiles = [profile(id_) for id_ in PROGRAMMES]
    field.widget = RadioCards(
        descriptions={one.id: gettext(one.summary) for one in profiles},
        facts={
            one.id: [
                (_("What you get"), " · ".join(gettext(line) for line in one.gives)),
                (_("What a call needs"), " · ".join(gettext(line) for line in one.needs)),
            ]
            for one in profiles
        },
    )
    field.choices = [(one.id, f"{gettext(one.name)} · {gettext(one.audience)}") for one in profiles]


class ConceptForm(StepForm):
    """Name and concept."""

    prompts = (
        _("Who uses it: drivers, dispatchers, a workshop, customers of yours?"),
        _("Which vehicle data serves which function?"),
        _("How often is it read: once a day, on each trip, when somebody looks?"),
        _("Who sees it, inside and outside your company?"),
        _("How long is it kept, and what happens to it then?"),
    )
    name = LineField(
        label=_("Application name"),
        max_length=120,
        help_text=_("The name your users or your fleet managers know it by."),
    )
    concept = TextField(
        label=_("Concept"),
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 10}),
        help_text=_("What it does, for whom, and why it needs vehicle data. Two or three paragraphs are enough."),
    )


class CompanyForm(StepForm):
    """Company, contact, and the partner login if there is one."""

    company = LineField(
        label=_("Company name"),
        max_length=120,
        help_text=_("As registered."),
        widget=forms.TextInput(attrs={"autocomplete": "organization"}),
    )
    country = forms.ChoiceField(label=_("Country"), widget=forms.Select(attrs={"autocomplete": "country"}))
    contact_name = LineField(
        label=_("Contact's name"), max_length=120, widget=forms.TextInput(attrs={"autocomplete": "name"})
    )
    contact_email = AddressField(
        label=_("Contact's e-mail"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
        help_text=_("Where we write about this application. A role mailbox outlives people."),
    )
    mzp = LineField(
        label=_("Partner login (MZP)"),
        required=False,
        max_length=64,
        help_text=_("Only if your company has one already, such as MZP128745. If not, you get one with the approval."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["country"]
        field.choices = [("", _("Choose a country")), *countries]

    def clean_mzp(self) -> str:
        """Accept what can be a partner login; case and blanks do not matter here."""
        mzp = "".join(self.cleaned_data["mzp"].split()).upper()
        if mzp and not MZP_FORM.fullmatch(mzp):
            raise forms.ValidationError(
                _("A partner login has only letters and digits, such as MZP128745. Leave it empty if you have none.")
            )
        return mzp


class UsageForm(StepForm):
    """Brands and volume."""

    aside = "parts/describe_usage.html"
    brands = forms.MultipleChoiceField(
        label=_("Brands"), widget=CheckboxCards, help_text=_("Of the vehicles you mean to connect.")
    )
    usage_basis = forms.ChoiceField(
        label=_("How many requests?"),
        choices=[("direct", _("We know how many")), ("vehicles", _("Work it out from our vehicles"))],
        initial="direct",
        widget=RadioCards(
            reveals={"direct": ["requests_per_month"], "vehicles": ["vehicles", "calls_per_day"]},
        ),
    )
    requests_per_month = forms.IntegerField(
        label=_("Requests per month"),
        required=False,
        min_value=1,
        max_value=MAX_REQUESTS,
        widget=SuffixInput(suffix=_("per month")),
        help_text=_("An estimate. It can be corrected later."),
    )
    vehicles = forms.IntegerField(
        label=_("Vehicles"),
        required=False,
        min_value=1,
        max_value=100_000_000,
        widget=SuffixInput(suffix=_("vehicles")),
        help_text=_("How many you expect to connect within a year."),
    )
    calls_per_day = forms.DecimalField(
        label=_("Calls per vehicle and day"),
        required=False,
        min_value=0.01,
        max_value=100_000,
        max_digits=8,
        decimal_places=2,
        widget=SuffixInput(suffix=_("per vehicle and day"), attrs={"step": "any"}),
        help_text=_("All calls together: status, position, trips. Once a week is 0.14."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["brands"]
        field.choices = [(brand.id, brand.name) for brand in self.profile.brands]
        for name in ("requests_per_month", "vehicles", "calls_per_day"):
            self.fields[name].alternative = True  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """Ask for what the chosen way of counting needs."""
        given = super().clean() or self.cleaned_data
        if given.get("calls_per_day") is not None:
            given["calls_per_day"] = float(given["calls_per_day"])
        needed = {"direct": ["requests_per_month"], "vehicles": ["vehicles", "calls_per_day"]}
        for name in needed.get(given.get("usage_basis", ""), ()):
            if given.get(name) is None and name not in self.errors:
                self.add_error(name, gettext("Fill in “%(label)s”") % {"label": self.fields[name].label})
        worked_out = settled(given)["requests_per_month"] if given.get("usage_basis") == "vehicles" else None
        if worked_out and worked_out > MAX_REQUESTS:
            self.add_error(
                "vehicles",
                gettext("That makes %(n)s requests per month, more than can be entered.") % {"n": grouped(worked_out)},
            )
        return given

    @property
    def answers(self) -> dict[str, Any]:
        given = super().answers
        given["brands"] = [brand.id for brand in self.profile.brands if brand.id in given["brands"]]
        if given["usage_basis"] == "vehicles":
            del given["requests_per_month"]  # follows from the other two
        return given

    @property
    def summary(self) -> Any:
        return rates_in_words(self.so_far)

    def for_preview(self) -> StepForm:
        self.errors.pop("brands", None)  # they change nothing about the rates
        return self


class DataForm(StepForm):
    """The vehicle data needed."""

    aside = "parts/describe_data.html"
    data_items = forms.MultipleChoiceField(
        label=_("Vehicle data"),
        widget=CatalogueSelect,
        help_text=_("Choose what the concept needs, no more: data without a purpose is not handed out."),
        error_messages={"required": _("Choose at least one kind of vehicle data.")},
    )

    def __init__(self, *args: Any, find: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["data_items"]
        field.choices = [
            (gettext(category.label), [(item.id, gettext(item.label)) for item in category.items])
            for category in catalogue()
        ]
        others = ", ".join(gettext(profile(id_).name) for id_ in PROGRAMMES if id_ != self.profile.id)
        field.widget.unavailable = {
            item.id: gettext("Only in: %(programme)s") % {"programme": others}
            for item in data_items().values()
            if self.profile.id not in item.programmes
        }
        field.widget.keys = [category.id for category in catalogue()]
        field.widget.find = find

    def clean_data_items(self) -> list[str]:
        """Keep the catalogue's order; refuse what the programme does not offer."""
        chosen = set(self.cleaned_data["data_items"])
        for item in data_items().values():
            if item.id in chosen and self.profile.id not in item.programmes:
                raise forms.ValidationError(
                    _("“%(item)s” is not offered in this programme."), params={"item": gettext(item.label)}
                )
        return [id_ for id_ in data_items() if id_ in chosen]

    @property
    def summary(self) -> Any:
        if not self.is_bound:
            return data_summary({**self.stored, **self.initial})
        return data_summary(self.so_far)

    def for_preview(self) -> StepForm:
        # Nothing is wrong with having chosen nothing yet.
        chosen = {"data_items": self.so_far["data_items"] or []}
        widget: Any = self.fields["data_items"].widget
        return DataForm(application=self.application, answers=self.stored, initial=chosen, find=widget.find)


def with_category(data: QueryDict, category_id: str, programme: str) -> None:
    """Choose all data of one category in what a form sent; or none of it, if all was chosen."""
    offered = [
        item.id for item in data_items().values() if item.category == category_id and programme in item.programmes
    ]
    chosen = data.getlist("data_items")
    rest = [id_ for id_ in chosen if id_ not in offered]
    data.setlist("data_items", rest if set(offered) <= set(chosen) else [*rest, *offered])


class PurposesForm(StepForm):
    """For each category of vehicle data that was chosen, what it is needed for."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        chosen = chosen_items(self.stored)
        for category in catalogue():
            name = purpose_of(category.id)
            # One that a colleague took out of the choice meanwhile is kept, if something was written for it.
            if category.id not in chosen and not (self.is_bound and self.data.get(name)):
                continue
            items = ", ".join(gettext(item.label) for item in chosen.get(category.id, ()))
            self.fields[name] = TextField(
                label=gettext(category.label),
                required=category.id in chosen,
                max_length=1000,
                widget=forms.Textarea(attrs={"rows": 3}),
                help_text=escape(items),
                error_messages={
                    "required": gettext("Say what “%(label)s” is for.") % {"label": gettext(category.label)}
                },
            )


class ComplianceForm(StepForm):
    """Three statements, each attested by itself."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, one in statements.CURRENT.items():
            words = gettext("%(text)s (Version %(version)s)") % {"text": one.text, "version": one.version}
            self.fields[name] = forms.BooleanField(
                label=str(one.title), help_text=escape(words), error_messages={"required": str(one.refusal)}
            )


_CALLBACK_PROBLEMS: Mapping[str, Any] = {
    "characters": _("Write the address without blanks and special characters; other letters in their encoded form."),
    "form": _("This is no complete address. Begin with https://."),
    "fragment": _("Take the part from # on away: browsers do not send it."),
    "wildcard": _("Write the whole address, without *. It is compared character by character."),
    "login": _("Take the name and password before @ out of the address."),
    "local": _("An address on your own machine works with the sandbox only. Choose only the sandbox, or use https://."),
    "https": _("Begin with https://. Only an address on your own machine, for the sandbox, may begin with http://."),
    "host": _("This host name cannot be reached from outside. Use a full name, such as app.example.com."),
    "scheme": _("An app's own scheme is your domain reversed, such as com.example.app:/consent."),
}


class EnvironmentsForm(StepForm):
    """Where it is to call, and where drivers come back to."""

    environments = forms.MultipleChoiceField(label=_("Environments"), widget=CheckboxCards)
    callback_url = LineField(
        label=_("Callback address"),
        max_length=callbacks.MAX_LENGTH,
        help_text=_(
            "Where a driver comes back to after consenting: https://, no fragment, no wildcard. For an app, its own "
            "scheme. For the sandbox alone also http://localhost. We never call it."
        ),
        widget=forms.TextInput(
            attrs={"class": "mono", "inputmode": "url", "autocomplete": "off", "spellcheck": "false"}
        ),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offered = available(self.profile)
        field: Any = self.fields["environments"]
        field.choices = [(one.id, gettext(one.label)) for one in offered]
        field.widget.descriptions = {
            one.id: gettext("At once, before any review. Made-up vehicles, on this portal.")
            if one.id == SANDBOX
            else gettext("After approval. Calls go to %(host)s.") % {"host": one.api_url.split("/")[2]}
            for one in offered
        }
        if len(offered) == 1:
            field.initial = [offered[0].id]
        if self.profile.id != "end_user":
            del self.fields["callback_url"]

    def clean(self) -> dict[str, Any]:
        """Refuse a callback address that could not be registered for these environments."""
        given = super().clean() or self.cleaned_data
        address = given.get("callback_url")
        if address and (code := callbacks.problem_with(address, given.get("environments", ()))):
            self.add_error("callback_url", _CALLBACK_PROBLEMS[code])
        return given

    @property
    def answers(self) -> dict[str, Any]:
        given = super().answers
        offered = [one.id for one in available(self.profile)]
        return given | {"environments": [id_ for id_ in offered if id_ in given["environments"]]}


FORMS: dict[str, type[StepForm]] = {
    "programme": ProgrammeForm,
    "concept": ConceptForm,
    "company": CompanyForm,
    "usage": UsageForm,
    "data": DataForm,
    "purposes": PurposesForm,
    "compliance": ComplianceForm,
    "environments": EnvironmentsForm,
}
