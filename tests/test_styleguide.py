"""The look: the styleguide shows every component, nothing needs what the content security policy forbids."""

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django import forms
from django.template import Context, Template
from django.template.loader import render_to_string
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from onboarding.web.forms.base import PortalForm
from onboarding.web.forms.widgets import CatalogueSelect, RadioCards, SuffixInput
from onboarding.web.presenting import environment_name
from onboarding.web.templatetags.portal import (
    form_errors,
    glyph,
    relative,
    row_values,
    rungs,
    step_number,
    when,
    words_unbroken,
)

ROOT = Path(__file__).resolve().parent.parent
NOW = datetime(2026, 11, 24, 13, 5, tzinfo=UTC)


class Page(HTMLParser):
    """Collects a page's ids, references to ids, inline scripts, style and event attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.references: list[str] = []
        self.forbidden: list[str] = []
        self.addresses: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if given.get("id"):
            self.ids.append(given["id"])
        for name in ("for", "aria-describedby", "aria-labelledby"):
            self.references += given.get(name, "").split()
        if tag == "style" or (tag == "script" and "src" not in given):
            self.forbidden.append(f"<{tag}>")
        self.forbidden += [name for name in given if name == "style" or name.startswith(("on", "hx-on"))]
        self.addresses += [given[name] for name in ("src", "href", "action") if name in given]


@pytest.fixture(scope="module")
def shown() -> dict[str, str]:
    """The styleguide, once it has been shown: it takes long, and is the same for every test here."""
    return {}


@pytest.fixture
def html(client: Client, db: None, settings: Any, shown: dict[str, str]) -> str:
    if not shown:
        settings.DEMO = True
        response = client.get(reverse("styleguide"))
        assert response.status_code == 200
        shown["html"] = response.content.decode()
    return shown["html"]


@pytest.mark.parametrize(
    "mark",
    [
        "task-list", "ladder", "rung--failed", "rung--running", "rung--not_reached", "rung--passed", "rung--warning",
        "tag--neutral", "tag--turn", "tag--waiting", "tag--success", "tag--warning", "tag--danger",
        "notice--info", "notice--success", "notice--warning", "notice--danger", "error-summary", "summary-list",
        "timeline", "code", "finding--error", "finding--warning", "finding--note", "steps", "empty",
        "check--passed", "check--failed", "check--warning", "check--not_reached", "difference__row--differs",
        "turn--turn", "turn--waiting", "turn--success", "turn--danger", "lane", "numbered", "numbered--close", "tabs",
        "finder", "tools", "more", "people", "ways__list", "prompts", "chosen", "rates", "conflict", "field__comment",
        "carries__pair", "places", "facts--column", "catalogue--list", "timeline__entry--warning",
        "table", "facts", "choices", "choice--card", "catalogue", "drop", "pem", "affix", "field--error",
    ],
)  # fmt: skip
def test_the_styleguide_shows_every_component(html: str, mark: str) -> None:
    classes = set(" ".join(re.findall(r'class="([^"]*)"', html)).split())
    assert mark in classes


def test_the_styleguide_needs_nothing_that_the_content_security_policy_forbids(html: str) -> None:
    assert Page(html).forbidden == []


def test_an_inline_style_would_be_noticed() -> None:
    assert Page('<p style="x"><a onclick="y">z</a><script>1</script><style></style>').forbidden == [
        "style", "onclick", "<script>", "<style>",
    ]  # fmt: skip


def test_the_styleguide_asks_no_other_host(html: str) -> None:
    assert [one for one in Page(html).addresses if "//" in one] == []


def test_every_id_is_unique_and_every_reference_leads_to_one(html: str) -> None:
    page = Page(html)
    assert len(page.ids) == len(set(page.ids))
    assert set(page.references) <= set(page.ids)


@pytest.mark.parametrize("sheet", sorted((ROOT / "static/css").glob("*.css")), ids=lambda path: path.name)
def test_a_stylesheet_loads_nothing(sheet: Path) -> None:
    assert not re.search(r"url\(|@import|@font-face", sheet.read_text())


@pytest.mark.parametrize("page", ["400.html", "403.html", "404.html", "403_csrf.html", "500.html"])
def test_an_error_page_says_what_happened_and_where_to_go(page: str) -> None:
    html = render_to_string(page)
    assert "<h1>" in html
    assert 'href="/"' in html
    assert Page(html).forbidden == []


@pytest.mark.parametrize(
    "name", ["account_login", "account_signup", "account_reset_password", "account_email_verification_sent"]
)
def test_the_account_pages_wear_the_same_frame(client: Client, db: None, name: str) -> None:
    html = client.get(reverse(name)).content.decode()
    assert 'class="entrance"' in html
    assert 'class="masthead"' in html
    assert Page(html).forbidden == []


def test_the_title_says_that_something_is_wrong_on_the_page(client: Client, db: None) -> None:
    url = reverse("account_login")
    assert "<title>Sign in – " in client.get(url).content.decode()
    assert "<title>Error: Sign in – " in client.post(url, {}).content.decode()


def test_an_environment_is_shown_by_its_name_also_one_that_is_gone() -> None:
    assert [environment_name(id_) for id_ in ("sandbox", "preproduction", "gone")] == [
        "Sandbox", "Pre-production", "gone",
    ]  # fmt: skip


# Forms


class Example(PortalForm):
    name = forms.CharField(label="Company name", help_text="As registered.")
    calls = forms.IntegerField(label="Calls", min_value=1, widget=SuffixInput(suffix="per month"))
    custody = forms.ChoiceField(
        label="Key",
        choices=[("own", "Yours"), ("vault", "Ours")],
        widget=RadioCards(descriptions={"own": "With OpenSSL."}, reveals={"own": ["csr"]}),
    )
    items = forms.MultipleChoiceField(
        label="Data",
        choices=[("Energy", [("e1", "Level"), ("e2", "Range")]), ("Position", [("p1", "Last")])],
        widget=CatalogueSelect,
    )
    note = forms.CharField(label="Note", required=False)


def test_a_missing_answer_is_named_and_said_once_beside_its_field() -> None:
    form = Example({})
    assert form.errors["name"] == ["Fill in “Company name”"]
    assert form.errors["custody"] == ["Choose an answer for “Key”"]
    assert form.errors["items"] == ["Choose at least one under “Data”"]
    assert "note" not in form.errors


def test_a_fields_own_words_for_a_missing_answer_are_kept() -> None:
    class Own(PortalForm):
        name = forms.CharField(error_messages={"required": "Say who you are."})

    assert Own({}).errors["name"] == ["Say who you are."]


def test_the_error_summary_links_each_error_to_a_control_that_exists() -> None:
    form = Example({"calls": "0"})
    page = Page("".join(str(field.as_field_group()) for field in form))
    items = form_errors(form)
    assert [item["target"] for item in items] == ["id_name", "id_calls", "id_custody_0", "id_items_0_0"]
    assert {item["target"] for item in items} <= set(page.ids)
    assert items[1]["text"].startswith("Calls: ")


def test_the_error_summary_is_silent_where_nothing_is_wrong() -> None:
    form = Example({"name": "x", "calls": "1", "custody": "own", "items": ["e1"]})
    assert form.is_valid()
    assert render_to_string("components/error_summary.html", {"form": form}).strip() == ""
    assert render_to_string("components/error_summary.html", {"form": Example()}).strip() == ""


def test_a_field_in_error_tells_a_screen_reader_its_hint_and_its_error() -> None:
    html = Example({})["name"].as_field_group()
    assert 'aria-describedby="id_name_helptext id_name_error"' in html
    assert 'aria-invalid="true"' in html
    assert 'aria-invalid="true"' not in Example({"name": "x"})["name"].as_field_group()


def test_only_fields_that_may_stay_empty_are_marked() -> None:
    assert "(optional)" in Example()["note"].as_field_group()
    assert "(optional)" not in Example()["name"].as_field_group()


def test_the_unit_behind_a_number_is_read_out_with_it() -> None:
    html = Example()["calls"].as_field_group()
    assert 'aria-describedby="id_calls_suffix"' in html
    assert 'id="id_calls_suffix">per month<' in html


def test_a_catalogue_counts_and_unfolds_the_groups_with_a_choice() -> None:
    html = str(Example(initial={"items": ["e2"]})["items"])
    assert "1 of 2" in html
    assert "0 of 1" in html
    assert html.count("<details") == 2
    assert len(re.findall(r"<details[^>]* open>", html)) == 1


def test_a_choice_carries_its_explanation_and_what_it_reveals() -> None:
    html = str(Example()["custody"])
    assert 'aria-describedby="id_custody_0_description"' in html
    assert 'data-reveals="csr"' in html
    assert "id_custody_1_description" not in html


# Tags


def test_an_instant_is_shown_in_the_readers_zone_with_the_exact_one_as_tooltip() -> None:
    instant = timezone.now() - timedelta(days=2)
    with timezone.override("Europe/Paris"):
        html = when(instant)
    paris = instant.astimezone(ZoneInfo("Europe/Paris"))
    assert f'datetime="{instant.isoformat()}"' in html
    assert f"{paris:%H:%M}</time>" in html
    assert f"{paris:%H:%M:%S} ({paris:%Z}, UTC+0" in html


def test_a_fresh_instant_is_told_as_a_span_and_none_as_nothing() -> None:
    assert ">3 minutes ago<" in when(timezone.now() - timedelta(minutes=3, seconds=5))
    assert when(None) == ""


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-20, "just now"),
        (30, "in less than a minute"),
        (-60, "1 minute ago"),
        (-7300, "2 hours ago"),
        (-86400 * 3, "3 days ago"),
        (86400 * 12 + 5, "in 12 days"),
    ],
)
def test_spans_are_told_in_the_largest_whole_unit(seconds: int, text: str) -> None:
    assert relative(NOW + timedelta(seconds=seconds), NOW) == text


def test_time_bars_follow_one_another_and_never_leave_the_scale() -> None:
    rows = rungs(
        [
            {"number": 1, "title": "a", "result": "passed", "ms": 100.0},
            {"number": 2, "title": "b", "result": "failed", "ms": 300.0, "detail": "why"},
            {"number": 3, "title": "c", "result": "passed", "ms": 0.0},
            {"number": 4, "title": "d", "result": "not_reached", "ms": None},
        ]
    )
    assert [(row["start"], row["width"]) for row in rows] == [
        ("0.00%", "25.00%"), ("25.00%", "75.00%"), ("98.50%", "1.50%"), (None, None),
    ]  # fmt: skip
    assert [row["open"] for row in rows] == [False, True, False, False]
    assert [row["explained"] for row in rows] == [False, True, False, False]


def test_a_command_is_broken_between_words_and_copied_as_it_is() -> None:
    command = "openssl req -new \\\n  -subj '/O=<b>'"
    html = words_unbroken(command)
    assert "<span>-new</span> <span>" in html
    assert "<b>" not in html
    assert unescape(re.sub(r"</?span>", "", html)) == command


def test_a_result_or_shape_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(KeyError):
        rungs([{"number": 1, "title": "a", "result": "fine", "ms": 1}])
    with pytest.raises(KeyError):
        glyph("fine")


def test_a_summary_row_shows_zero_but_not_nothing() -> None:
    assert row_values({"key": "a", "value": 0}) == [0]
    assert row_values({"key": "a", "value": ""}) == []
    assert row_values({"key": "a", "values": ["x", None, "y"]}) == ["x", "y"]


def test_the_number_of_the_current_step_is_counted_from_one() -> None:
    assert step_number([{"state": "done"}, {"state": "current"}]) == 2
    assert step_number([{"state": "todo"}]) == 0


def test_what_a_user_typed_is_escaped_in_every_component() -> None:
    evil = "<b>x</b>"
    html = Template(
        '{% include "components/notice.html" with tone="info" title=evil text=evil %}'
        '{% include "components/code.html" with code=evil label=evil id="c" %}'
        '{% include "components/tag.html" with tone="info" label=evil %}'
        '{% include "components/summary_list.html" with rows=rows %}'
        '{% include "components/findings.html" with findings=findings %}'
        '{% include "components/ladder.html" with checks=checks %}'
    ).render(
        Context(
            {
                "evil": evil,
                "rows": [{"key": evil, "value": evil, "note": evil}],
                "findings": [{"severity": "error", "title": evil, "found": evil, "expected": evil, "command": evil}],
                "checks": [
                    {
                        "number": 1,
                        "title": evil,
                        "result": "failed",
                        "ms": 1,
                        "detail": evil,
                        "remedy": evil,
                        "evidence": [{"label": evil, "value": evil}],
                    }
                ],
            }
        )
    )
    assert "<b>" not in html
    assert html.count("&lt;b&gt;x") == 17
