"""The description's pages: saved step by step, by two people at once, with script and without."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from onboarding.credentials import flows as credentials
from onboarding.partners.models import User
from onboarding.programmes import data_items
from onboarding.registrations import flows
from onboarding.registrations.models import Application, Registration, Submission
from tests.conftest import member, staff
from tests.journey import ANSWERS, described, submitted

Browser = Callable[[User], Client]
Save = Callable[..., Any]
CONCEPT = {"name": "Depot dashboard", "concept": "Mine."}
USAGE = {"brands": ["peugeot"], "usage_basis": "vehicles", "vehicles": "4000", "calls_per_day": "25"}
FIELDS = (*ANSWERS, "programme", "country", "usage_basis", "vehicles", "calls_per_day")
STRANGE: dict[str, dict[str, Any]] = {
    "nothing": {},
    "strange": {"version": "1", "keep-concept": "theirs", "keep-": "theirs", "keep-x": "theirs", "toggle": "nonsense"},
    "doubled": {"version": ["1", "2"], "name": ["a", "b"], "concept": ["a", "b"], "data_items": ["speed", "speed"]},
    "unprintable": dict.fromkeys((*FIELDS, "q"), "\x00\u202e<script>"),
    "long": dict.fromkeys(FIELDS, "x" * 20_000),
}
B2B_ITEMS = [item.id for item in data_items().values() if item.programmes == ("fleet_owner",)]


def page_of(application: Application, step: str) -> str:
    return f"/applications/{application.pk}/describe/{step}/"


def answers_of(application: Application) -> dict[str, Any]:
    answers: dict[str, Any] = Registration.objects.get(application=application).answers
    return answers


def test_a_new_draft_begins_at_its_name_and_each_step_leads_to_the_next_that_is_unanswered(
    owner: User, signed_in: Browser
) -> None:
    client = signed_in(owner)
    start = client.post("/applications/new/", {"organisation": owner.organisations.get().pk, "programme": "end_user"})
    application = Application.objects.get()
    assert start.url == page_of(application, "concept")
    steps = [
        ("concept", CONCEPT, "company"),
        (
            "company",
            {"company": "Example", "country": "FR", "contact_name": "Desk", "contact_email": "desk@example.com"},
            "usage",
        ),
        ("usage", USAGE, "data"),
        ("data", {"data_items": ["speed"]}, "purposes"),
        ("purposes", {"purpose_telemetry": "To warn."}, "compliance"),
        ("compliance", {"exve": "on", "gdpr": "on", "maker_rules": "on"}, "environments"),
        ("environments", {"environments": ["sandbox"], "callback_url": "https://app.example.com/x"}, "check"),
    ]
    for version, (step, values, following) in enumerate(steps):
        response = client.post(page_of(application, step), {"version": version, **values})
        assert response.status_code == 302, response.context["form"].errors
        assert response.url == page_of(application, following)


def test_the_company_is_filled_in_from_the_last_description(owner: User, signed_in: Browser) -> None:
    described(owner, contact_email="certificates@example-mobility.example")
    second = flows.start_application(owner.organisations.get(), "end_user", actor=member(owner))
    page = signed_in(owner).get(page_of(second, "company")).content.decode()
    assert "certificates@example-mobility.example" in page


# --- Two people ----------------------------------------------------------------------------------------------------


@pytest.fixture
def two(owner: User, colleague: User, signed_in: Browser) -> tuple[Application, Client, Client]:
    return described(owner), signed_in(owner), signed_in(colleague)


def test_edits_of_different_answers_of_one_page_are_both_kept_and_the_second_person_is_told(
    two: tuple[Application, Client, Client],
) -> None:
    application, first, second = two
    url = page_of(application, "concept")
    assert first.post(url, {"version": 1, "name": "Depots", "concept": ANSWERS["concept"]}).status_code == 302
    response = second.post(url, {"version": 1, "name": ANSWERS["name"], "concept": "Theirs."}, follow=True)
    assert "Somebody else changed this meanwhile; it was kept: Name." in response.content.decode()
    assert (answers_of(application)["name"], answers_of(application)["concept"]) == ("Depots", "Theirs.")


def test_the_second_to_change_the_same_answer_sees_both_versions_and_nothing_is_overwritten(
    two: tuple[Application, Client, Client],
) -> None:
    application, first, second = two
    url = page_of(application, "concept")
    first.post(url, {"version": 1, "name": "Depots", "concept": "Saved first."})
    response = second.post(url, {"version": 1, "name": ANSWERS["name"], "concept": "Sent second."})
    assert response.status_code == 409
    page = response.content.decode()
    for text in ("Somebody else saved this while you were writing", "Saved by Owner", "Saved first.", "Sent second."):
        assert text in page
    assert answers_of(application)["concept"] == "Saved first."
    # What only the other one changed is in the form already.
    assert response.context["form"]["name"].value() == "Depots"


def test_two_choices_of_vehicle_data_are_put_together_item_by_item_and_both_are_told_who_did_what(
    two: tuple[Application, Client, Client],
) -> None:
    application, first, second = two
    url, before = page_of(application, "data"), ["odometer_mileage", "position_coordinates"]
    assert sorted(ANSWERS["data_items"]) == before
    first.post(url, {"version": 1, "data_items": ["odometer_mileage", "position_heading"]})
    response = second.post(url, {"version": 1, "data_items": [*before, "position_type"]}, follow=True)
    assert response.redirect_chain
    page = response.content.decode()
    for text in ("Owner saved another choice meanwhile", "Added by Owner:", "Taken out by Owner:", "Added by you:"):
        assert text in page
    assert "Taken out by you" not in page
    assert set(answers_of(application)["data_items"]) == {"odometer_mileage", "position_heading", "position_type"}


def test_two_choices_of_which_nothing_would_be_left_are_put_before_a_person(
    two: tuple[Application, Client, Client],
) -> None:
    application, first, second = two
    url = page_of(application, "data")
    first.post(url, {"version": 1, "data_items": ["odometer_mileage"]})
    response = second.post(url, {"version": 1, "data_items": ["position_coordinates"]})
    assert response.status_code == 409
    assert "Somebody else saved this while you were writing" in response.content.decode()
    assert answers_of(application)["data_items"] == ["odometer_mileage"]


def test_a_choice_that_was_put_together_is_in_the_form_while_another_answer_is_in_dispute(
    two: tuple[Application, Client, Client],
) -> None:
    application, first, second = two
    url, usage = page_of(application, "usage"), {"version": 1, "usage_basis": "direct"}
    first.post(url, usage | {"brands": ["peugeot", "citroen"], "requests_per_month": 1000})
    response = second.post(url, usage | {"brands": ["peugeot", "opel"], "requests_per_month": 2000})
    assert response.status_code == 409
    assert set(response.context["form"]["brands"].value()) == {"peugeot", "citroen", "opel"}
    again = usage | {"brands": ["peugeot", "citroen", "opel"], "requests_per_month": 2000}
    assert second.post(url, again | {"version": response.context["version"]}).status_code == 302
    assert set(answers_of(application)["brands"]) == {"peugeot", "citroen", "opel"}


@pytest.mark.parametrize(
    ("choice", "kept"),
    [({"keep-concept": "theirs"}, "Saved first."), ({"keep-concept": "mine"}, "Sent second."), ({}, "Sent second.")],
)
def test_either_version_can_be_chosen(
    two: tuple[Application, Client, Client], choice: dict[str, str], kept: str
) -> None:
    application, first, second = two
    url = page_of(application, "concept")
    first.post(url, CONCEPT | {"version": 1, "concept": "Saved first."})
    response = second.post(url, CONCEPT | {"version": 1, "concept": "Sent second."})
    seen = {"version": response.context["version"], "concept": "Sent second."}
    assert second.post(url, CONCEPT | seen | choice).status_code == 302
    assert answers_of(application)["concept"] == kept


def test_a_third_edit_while_somebody_chooses_is_shown_in_its_turn(two: tuple[Application, Client, Client]) -> None:
    application, first, second = two
    url = page_of(application, "concept")
    first.post(url, CONCEPT | {"version": 1, "concept": "Saved first."})
    second.post(url, CONCEPT | {"version": 1, "concept": "Sent second."})
    first.post(url, CONCEPT | {"version": 2, "concept": "Saved third."})
    response = second.post(url, CONCEPT | {"version": 2, "concept": "Sent second.", "keep-concept": "mine"})
    assert response.status_code == 409
    assert "Saved third." in response.content.decode()


@pytest.mark.parametrize("version", ["", "no", "-1", "9" * 40, "99", "٣", None])
def test_a_form_that_does_not_say_which_version_it_was_begun_with_overwrites_nothing(
    two: tuple[Application, Client, Client], version: str | None
) -> None:
    application, first, second = two
    url = page_of(application, "concept")
    first.post(url, CONCEPT | {"version": 1, "concept": "Saved first."})
    sent = CONCEPT | {"concept": "Sent second."} | ({} if version is None else {"version": version})
    assert second.post(url, sent).status_code == 409
    assert answers_of(application)["concept"] == "Saved first."


def test_the_same_form_sent_twice_is_saved_once(two: tuple[Application, Client, Client]) -> None:
    application, first, _second = two
    for _ in range(2):
        assert first.post(page_of(application, "concept"), CONCEPT | {"version": 1}).status_code == 302
    assert Registration.objects.get().version == 2


def test_what_was_written_while_a_colleague_submitted_is_shown_to_be_copied(
    two: tuple[Application, Client, Client], owner: User
) -> None:
    application, _first, second = two
    flows.submit(application.registration, actor=member(owner))
    response = second.post(page_of(application, "concept"), CONCEPT | {"version": 1, "concept": "Typed for an hour."})
    assert response.status_code == 409
    page = response.content.decode()
    assert "the description was submitted meanwhile" in page
    assert "Typed for an hour." in page
    assert "Save and continue" not in page


# --- Programme -----------------------------------------------------------------------------------------------------


def test_the_programme_of_a_draft_can_be_changed_and_what_no_longer_applies_is_named(
    owner: User, signed_in: Browser
) -> None:
    application = described(owner, data_items=["speed", "monitor_zone"], purpose_monitor="Depots are watched.")
    response = signed_in(owner).post(
        page_of(application, "programme"), {"version": 1, "programme": "end_user"}, follow=True
    )
    assert "does not offer: Monitor zone" in response.content.decode()
    application.refresh_from_db()
    assert application.programme == "end_user"
    submission = flows.submit(application.registration, actor=member(owner))
    assert submission.answers["data_items"] == ["speed"]
    assert "purpose_monitor" not in submission.answers


def test_the_programme_is_fixed_once_something_was_made_for_it_or_it_was_submitted(
    owner: User, reviewer: User, signed_in: Browser
) -> None:
    application = submitted(owner)
    registration = application.registration
    flows.take(registration, actor=staff(reviewer))
    flows.request_changes(registration, note="More.", actor=staff(reviewer))
    url = page_of(application, "programme")
    assert "cannot be changed any more" in signed_in(owner).get(url).content.decode()
    assert signed_in(owner).post(url, {"version": 1, "programme": "end_user"}).status_code == 409
    application.refresh_from_db()
    assert (application.programme, answers_of(application)["programme"]) == ("fleet_owner", "fleet_owner")


# --- Usage ---------------------------------------------------------------------------------------------------------


def test_requests_worked_out_from_vehicles_are_held_against_the_limits_before_anything_is_saved(
    owner: User, signed_in: Browser
) -> None:
    application = described(owner)
    client = signed_in(owner)
    response = client.post(page_of(application, "usage"), USAGE | {"version": 1, "preview": "1"})
    page = response.content.decode()
    for text in ("3,000,000", "100,000", "50,000 more than the 50,000", "1.16", "at least 20 seconds"):
        assert text in page, text
    assert answers_of(application)["requests_per_month"] == 90_000
    part = client.post(
        page_of(application, "usage"), USAGE | {"version": 1, "preview": "1"}, headers={"HX-Request": "true"}
    )
    assert "100,000" in part.content.decode()
    assert "<html" not in part.content.decode()
    assert client.post(page_of(application, "usage"), USAGE | {"version": 1}).status_code == 302
    assert answers_of(application)["requests_per_month"] == 3_000_000
    assert "50,000 more than the 50,000" in client.get(page_of(application, "check")).content.decode()


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"usage_basis": "vehicles", "vehicles": "", "calls_per_day": "1"}, "vehicles"),
        ({"usage_basis": "vehicles", "vehicles": "10", "calls_per_day": "nan"}, "calls_per_day"),
        ({"usage_basis": "vehicles", "vehicles": "100000000", "calls_per_day": "100000"}, "vehicles"),
        ({"usage_basis": "direct"}, "requests_per_month"),
        ({"usage_basis": "guess", "requests_per_month": "1"}, "usage_basis"),
        ({"requests_per_month": "1"}, "usage_basis"),
    ],
)
def test_a_usage_that_cannot_be_worked_out_is_named_at_its_field(
    owner: User, signed_in: Browser, values: dict[str, str], field: str
) -> None:
    application = described(owner)
    response = signed_in(owner).post(page_of(application, "usage"), {"version": 1, "brands": ["peugeot"], **values})
    assert list(response.context["form"].errors) == [field]


# --- Vehicle data --------------------------------------------------------------------------------------------------


def test_without_script_a_whole_category_is_chosen_and_the_list_filtered_with_nothing_lost(
    owner: User, signed_in: Browser
) -> None:
    application = described(owner)
    client, url = signed_in(owner), page_of(application, "data")
    page = client.post(url, {"version": 1, "data_items": ["speed"], "toggle": "location"})
    assert page.context["form"].summary["text"] == "6 items in 2 categories. Scopes: data:position, data:telemetry"
    chosen = page.context["form"]["data_items"].value()
    page = client.post(url, {"version": 1, "data_items": chosen, "q": "odometer", "preview": "1"})
    assert sorted(page.context["form"]["data_items"].value()) == sorted(chosen)
    assert page.content.decode().count("data-catalogue-option hidden") == len(data_items()) - 1
    assert answers_of(application)["data_items"] == sorted(ANSWERS["data_items"], key=list(data_items()).index)


def test_a_search_can_be_linked_to(owner: User, signed_in: Browser) -> None:
    page = signed_in(owner).get(page_of(described(owner), "data") + "?q=ODOMETER").content.decode()
    assert page.count("data-catalogue-option hidden") == len(data_items()) - 1


def test_what_the_other_programme_has_is_shown_with_the_reason_and_cannot_be_chosen(
    owner: User, signed_in: Browser
) -> None:
    application = described(owner, "end_user")
    client, url = signed_in(owner), page_of(application, "data")
    page = client.get(url).content.decode()
    # Once an item, and once for each of the two categories that have no other.
    assert page.count("Only in: Fleet Owner API") == len(B2B_ITEMS) + 2
    response = client.post(url, {"version": 1, "data_items": ["speed", "monitor_zone"]})
    assert "Monitor zone" in str(response.context["form"].errors["data_items"])


def test_each_chosen_category_needs_its_purpose(owner: User, signed_in: Browser) -> None:
    application = described(owner, purpose_location="")
    client, url = signed_in(owner), page_of(application, "purposes")
    assert list(client.get(url).context["form"].fields) == ["purpose_location", "purpose_telemetry"]
    response = client.post(url, {"version": 1, "purpose_telemetry": "Service."})
    assert response.context["form"].errors == {"purpose_location": ["Say what “Location” is for."]}
    with pytest.raises(flows.Incomplete) as caught:
        flows.submit(application.registration, actor=member(owner))
    assert [question.name for question in caught.value.questions] == ["purpose_location"]


def test_purposes_before_any_data_is_chosen_lead_to_the_choice(owner: User, signed_in: Browser) -> None:
    application = described(owner, data_items=[])
    page = signed_in(owner).get(page_of(application, "purposes")).content.decode()
    assert "No vehicle data is chosen yet" in page
    assert page_of(application, "data") in page


# --- Compliance ----------------------------------------------------------------------------------------------------


def test_an_attestation_says_by_whom_when_and_of_which_text_to_both_sides(
    owner: User, colleague: User, reviewer: User, signed_in: Browser
) -> None:
    application = described(owner, gdpr=False)
    form = {"version": 1, "exve": "on", "gdpr": "on", "maker_rules": "on"}
    signed_in(colleague).post(page_of(application, "compliance"), form)
    kept = answers_of(application)
    assert (kept["exve"]["by"], kept["gdpr"]["by"]) == (str(owner.pk), str(colleague.pk))
    registration = Registration.objects.get()
    submission = flows.submit(registration, actor=member(owner))
    assert submission.answers["gdpr"] == kept["gdpr"]
    for page in (
        signed_in(owner).get(page_of(application, "check")),
        signed_in(reviewer).get(f"/desk/registrations/{registration.pk}/"),
    ):
        assert "By Colleague" in page.content.decode()
        assert "version 2026-11 of the text" in page.content.decode()


def test_a_text_that_changed_has_to_be_attested_anew(
    owner: User, signed_in: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    from onboarding.registrations import statements

    application = described(owner)
    newer = {**statements.CURRENT, "gdpr": replace(statements.CURRENT["gdpr"], version="2027-01")}
    monkeypatch.setattr(statements, "CURRENT", newer)
    with pytest.raises(flows.Incomplete) as caught:
        flows.submit(application.registration, actor=member(owner))
    assert [question.name for question in caught.value.questions] == ["gdpr"]
    client = signed_in(owner)
    assert "The text has changed since" in client.get(page_of(application, "check")).content.decode()
    assert client.get(page_of(application, "compliance")).context["form"]["gdpr"].value() is False
    client.post(page_of(application, "compliance"), {"version": 1, "exve": "on", "gdpr": "on", "maker_rules": "on"})
    assert answers_of(application)["gdpr"]["version"] == "2027-01"
    assert answers_of(application)["exve"]["version"] == "2026-11"


# --- Environments --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "environments", "words"),
    [
        ("https://app.example.com/consent?x=1", ["sandbox", "production"], ""),
        ("http://localhost:8000/consent", ["sandbox"], ""),
        ("http://[::1]:8000/", ["sandbox"], ""),
        ("com.example.app:/consent", ["production"], ""),
        ("http://localhost/consent", ["sandbox", "production"], "on your own machine"),
        ("http://app.example.com/", ["sandbox"], "Begin with https"),
        ("https://app.example.com/#x", ["sandbox"], "#"),
        ("https://*.example.com/", ["sandbox"], "without *"),
        ("https://me:pw@app.example.com/", ["sandbox"], "before @"),
        ("https://intranet/", ["sandbox"], "host name"),
        ("https://10.0.0.1/", ["sandbox"], "host name"),
        ("https://app.example.com:99999/", ["sandbox"], "complete address"),
        ("https://[::1/", ["sandbox"], "complete address"),
        ("app.example.com", ["sandbox"], "complete address"),
        ("javascript:alert(1)", ["sandbox"], "domain reversed"),
        ("myapp:/x", ["sandbox"], "domain reversed"),
        ("https://app.example.com/<b>", ["sandbox"], "special characters"),
        ("https://exämple.com/", ["sandbox"], "special characters"),
        ("https://app.example.com/a b", ["sandbox"], "special characters"),
        ("https://app.example.com/" + "x" * 1000, ["sandbox"], "at most 1000"),
    ],
)
def test_a_callback_address_is_one_that_a_driver_can_be_sent_back_to(
    owner: User, signed_in: Browser, settings: Any, address: str, environments: list[str], words: str
) -> None:
    settings.FLEET_ENVIRONMENTS = ["production"]
    application = described(owner, "end_user", callback_url="")
    response = signed_in(owner).post(
        page_of(application, "environments"), {"version": 1, "environments": environments, "callback_url": address}
    )
    if words:
        assert words in str(response.context["form"].errors["callback_url"])
        assert response.context["form"]["callback_url"].value() == address
    else:
        assert response.status_code == 302
        assert answers_of(application)["callback_url"] == address


def test_an_environment_that_the_operator_has_not_named_cannot_be_asked_for(owner: User, signed_in: Browser) -> None:
    application = described(owner)
    response = signed_in(owner).post(
        page_of(application, "environments"), {"version": 1, "environments": ["production"]}
    )
    assert "environments" in response.context["form"].errors


# --- Submitting ----------------------------------------------------------------------------------------------------


def test_a_receipt_says_what_was_sent_by_whom_when_and_until_when_it_is_to_be_decided(
    owner: User, signed_in: Browser, settings: Any
) -> None:
    settings.REVIEW_TARGET_DAYS = 5
    application = described(owner)
    response = signed_in(owner).post(page_of(application, "check"), {"version": 1}, follow=True)
    submission = Submission.objects.get()
    page = response.content.decode()
    assert response.redirect_chain[-1][0] == f"/applications/{application.pk}/describe/receipt/1/"
    for text in (f"{application.reference}/1", "Owner", ANSWERS["concept"], ANSWERS["purpose_location"]):
        assert text in page
    assert submission.decide_by is not None
    assert f'datetime="{submission.decide_by:%Y-%m-%d}"' in page


@pytest.mark.parametrize("number", ["0", "2", "99999999999999999999"])
def test_there_is_no_receipt_of_what_was_not_submitted(owner: User, signed_in: Browser, number: str) -> None:
    application = submitted(owner)
    assert signed_in(owner).get(f"/applications/{application.pk}/describe/receipt/{number}/").status_code == 404


def test_what_changed_after_it_was_read_is_not_submitted(owner: User, colleague: User, signed_in: Browser) -> None:
    application = described(owner)
    signed_in(colleague).post(page_of(application, "concept"), CONCEPT | {"version": 1})
    page = signed_in(owner).post(page_of(application, "check"), {"version": 1}, follow=True).content.decode()
    assert "somebody changed the description after you read it" in page
    assert Submission.objects.count() == 0
    assert Registration.objects.get().state == "draft"


def test_a_programme_with_a_key_for_it_cannot_be_changed(owner: User) -> None:
    application = described(owner)
    registration = application.registration
    assert not flows.is_programme_fixed(registration)
    # As if a draft had sandbox credentials.
    login = owner.organisations.get().partner_logins.create(mzp="MZP128745")
    credentials.CertificateRequest.objects.create(application=application, partner_login=login, environment="sandbox")
    with pytest.raises(flows.ProgrammeFixed):
        flows.save_answers(registration, {"programme": "end_user"}, seen_version=1, actor=member(owner))
    assert answers_of(application)["programme"] == "fleet_owner"
    assert flows.is_programme_fixed(Registration.objects.get())


# --- Bad input -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "step", ["programme", "concept", "company", "usage", "data", "purposes", "compliance", "environments"]
)
def test_whatever_is_sent_is_answered_and_nothing_unfit_is_kept(owner: User, signed_in: Browser, step: str) -> None:
    application, client = described(owner, "end_user"), signed_in(owner)
    for kind, body in STRANGE.items():
        assert client.post(page_of(application, step), body).status_code in (200, 302, 409), kind
    kept = str(answers_of(application))
    assert "\x00" not in kept
    assert "x" * 5_000 not in kept


@pytest.mark.parametrize("size", [600 * 1024, 10 * 1024 * 1024])
def test_far_too_much_text_is_refused_in_words(owner: User, signed_in: Browser, size: int) -> None:
    application = described(owner)
    response = signed_in(owner).post(page_of(application, "concept"), {"version": 1, "concept": "x" * size})
    assert response.status_code == 413
    assert "512 KiB" in response.content.decode()
    assert answers_of(application)["concept"] == ANSWERS["concept"]
