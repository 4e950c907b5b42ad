"""Form controls that Django does not bring. Each works without JavaScript; `static/js/portal.js` adds comfort."""

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms


class Cards(forms.widgets.ChoiceWidget):
    """A choice drawn as large targets, each with an explanation where one is given.

    descriptions: choice value -> what choosing it means. facts: choice value -> pairs of term and text, shown below the
    description, so that choices can be compared line by line.
    reveals: choice value -> names of the fields of the same form that matter only while that choice is made. They
    are hidden otherwise; without JavaScript they are always shown.
    """

    template_name = "django/forms/widgets/choice_cards.html"
    option_template_name = "django/forms/widgets/choice_card.html"

    def __init__(
        self,
        attrs: dict[str, Any] | None = None,
        choices: Any = (),
        *,
        descriptions: Mapping[str, Any] | None = None,
        facts: Mapping[str, Sequence[tuple[Any, Any]]] | None = None,
        reveals: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        super().__init__(attrs, choices)
        self.descriptions = dict(descriptions or {})
        self.facts = dict(facts or {})
        self.reveals = dict(reveals or {})

    def create_option(
        self,
        name: str,
        value: Any,
        label: int | str,
        selected: bool,
        index: int,
        subindex: int | None = None,
        attrs: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        option = super().create_option(name, value, label, selected, index, subindex, attrs)
        _describe(option, self.descriptions)
        option["facts"] = self.facts.get(str(value), ())
        if names := self.reveals.get(str(value)):
            option["attrs"]["data-reveals"] = " ".join(names)
        return option


class RadioCards(Cards, forms.RadioSelect):
    """One of several cards."""


class CheckboxCards(Cards, forms.CheckboxSelectMultiple):
    """Any number of several cards."""


class CatalogueSelect(CheckboxCards):
    """Many grouped checkboxes: a group folds, counts what is chosen in it, and can be chosen whole; a box filters.

    choices: [(group name, [(value, label), …]), …]. A group with a choice made in it starts unfolded.
    unavailable: values that cannot be chosen, with the reason.
    keys: one a group. With them, buttons that work without script send the form: `toggle` with the key to choose a
    group whole, `preview` to filter; the view shows the form again, and saves nothing. find: what is filtered by.
    What is filtered out is hidden, and sent all the same.
    """

    template_name = "django/forms/widgets/catalogue_select.html"

    def __init__(self, attrs: dict[str, Any] | None = None, choices: Any = ()) -> None:
        super().__init__(attrs, choices)
        self.unavailable: Mapping[str, Any] = {}
        self.keys: Sequence[str] = ()
        self.find = ""

    def create_option(
        self,
        name: str,
        value: Any,
        label: int | str,
        selected: bool,
        index: int,
        subindex: int | None = None,
        attrs: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        reason = self.unavailable.get(str(value))
        option = super().create_option(name, value, label, selected and not reason, index, subindex, attrs)
        if reason:
            option["attrs"]["disabled"] = True
            _describe(option, self.unavailable)
        option["is_hidden"] = self.find.casefold() not in str(label).casefold()
        return option

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        context["widget"]["find"] = self.find
        context["widget"]["groups"] = groups = [
            {
                "name": group,
                "options": options,
                "total": sum("disabled" not in option["attrs"] for option in options),
                "chosen": sum(option["selected"] for option in options),
                "is_hidden": all(option["is_hidden"] for option in options),
            }
            for group, options, _index in context["widget"]["optgroups"]
        ]
        for group, key in zip(groups, self.keys, strict=False):
            group["key"] = key
        for group in groups:
            group["is_open"] = not group["is_hidden"] if self.find else bool(group["chosen"])
        context["widget"]["sends"] = bool(self.keys)
        context["widget"]["none"] = all(group["is_hidden"] for group in groups)
        return context


class CatalogueChoice(RadioCards):
    """Many grouped radio buttons: a group folds, and a box filters.

    choices: [(group name, [(value, label), …]), …]. The group of the choice that is made starts unfolded.
    """

    template_name = "django/forms/widgets/catalogue_choice.html"

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        context["widget"]["groups"] = [
            {"name": group, "options": options, "is_open": any(option["selected"] for option in options)}
            for group, options, _index in context["widget"]["optgroups"]
        ]
        return context


class FileDrop(forms.FileInput):
    """A file input drawn as the area to drop a file on. The browser itself accepts the drop."""

    template_name = "django/forms/widgets/file_drop.html"


class PemTextarea(forms.Textarea):
    """A monospace box for a pasted PEM text: no spell-checker, no wrapping of what must not wrap."""

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__(
            {
                "class": "pem",
                "rows": 10,
                "spellcheck": "false",
                "autocomplete": "off",
                "autocapitalize": "off",
                **(attrs or {}),
            }
        )


class SuffixInput(forms.NumberInput):
    """A number with its unit behind it. The unit is read out with the field.

    suffix: the unit, such as "per month".
    """

    template_name = "django/forms/widgets/suffix_input.html"

    def __init__(self, attrs: dict[str, Any] | None = None, *, suffix: Any) -> None:
        super().__init__(attrs)
        self.suffix = suffix

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        widget = context["widget"]
        widget["suffix"] = self.suffix
        if element_id := widget["attrs"].get("id"):
            widget["suffix_id"] = f"{element_id}_suffix"
            described = widget["attrs"].get("aria-describedby")
            widget["attrs"]["aria-describedby"] = " ".join(filter(None, (described, widget["suffix_id"])))
        return context


class SuggestingInput(forms.EmailInput):
    """An e-mail address, with some to choose from; any other can be typed. The browser itself shows them.

    suggestions: addresses.
    """

    template_name = "django/forms/widgets/suggesting_input.html"

    def __init__(self, attrs: dict[str, Any] | None = None, *, suggestions: Sequence[str]) -> None:
        super().__init__(attrs)
        self.suggestions = tuple(suggestions)

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        widget = context["widget"]
        widget["suggestions"] = self.suggestions
        if self.suggestions and (element_id := widget["attrs"].get("id")):
            widget["attrs"]["list"] = f"{element_id}_list"
        return context


class NewPasswordInput(forms.PasswordInput):
    """A password that is being chosen: password managers offer a strong one."""

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__({"autocomplete": "new-password", **(attrs or {})})


def _describe(option: dict[str, Any], descriptions: Mapping[str, Any]) -> None:
    """Add to an option its description, and tie the two together for screen readers."""
    option["description"] = descriptions.get(str(option["value"]), "")
    if option["description"] and (element_id := option["attrs"].get("id")):
        option["description_id"] = f"{element_id}_description"
        option["attrs"]["aria-describedby"] = option["description_id"]
