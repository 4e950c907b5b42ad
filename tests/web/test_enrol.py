"""Enrolling drivers, on its pages: the address, what comes back, the sandbox's sign-in, and the walk between them."""

import re
from collections.abc import Callable
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from django.test import Client
from django.urls import reverse

from onboarding.credentials.models import CredentialSet, SandboxClient
from onboarding.enrolment.models import Consent, Walk
from onboarding.enrolment.registered import registered
from onboarding.partners.models import User
from onboarding.vault.seal import open_secret
from onboarding.web import enrolling
from onboarding.web.forms.enrolment import ConsentForm
from tests.journey import ANSWERS, described, issued

SignIn = Callable[[User], Client]
BACK = ANSWERS["callback_url"]
CODE = "marker-of-the-code-Zx81qpTT"


@pytest.fixture
def held(owner: User, reviewer: User, issuer: User) -> CredentialSet:
    """Of an application for drivers of Peugeot, whose data needs telemetry and position; its key is kept here."""
    return issued(owner, reviewer, issuer, programme="end_user")


def at(held: CredentialSet, name: str = "enrol", environment: str = "sandbox", **rest: Any) -> str:
    return reverse(name, args=[held.application_id, environment, *rest.values()])


def text(response: Any) -> str:
    return unescape(re.sub(r"<wbr>|\s+", " ", response.content.decode()).replace("<wbr>", ""))


def asked(response: Any) -> Any:
    """Return the parameters of the address on the page."""
    return response.context["asked"]


def test_the_page_builds_the_address_out_of_what_is_registered(
    held: CredentialSet, owner: User, signed_in: SignIn
) -> None:
    client = signed_in(owner)
    page = client.get(at(held))
    parts = asked(page).parameters
    assert urlsplit(asked(page).url).path == "/sandbox/idp/peugeot/am/oauth2/authorize"
    assert (parts["client_id"], parts["redirect_uri"]) == (held.client_id, BACK)
    assert parts["scope"] == "data:position,data:telemetry"
    assert (parts["realm"], parts["response_type"]) == ("clientsB2CPeugeot", "code")
    narrowed = client.get(
        at(held),
        {"brand": "peugeot", "redirect": BACK, "scope": "data:position", "separator": " ", "language": "fr-FR"},
    )
    assert (asked(narrowed).parameters["scope"], asked(narrowed).parameters["local"]) == ("data:position", "fr-FR")


def test_real_drivers_are_sent_to_their_brands_domain(
    held: CredentialSet, owner: User, signed_in: SignIn, settings: Any
) -> None:
    settings.FLEET_ENVIRONMENTS = ["production"]
    CredentialSet.objects.filter(pk=held.pk).update(environment="production")
    held.certificate_request.__class__.objects.update(environment="production")
    page = signed_in(owner).get(at(held, environment="production"))
    assert asked(page).url.startswith("https://idpcvs.peugeot.com/am/oauth2/authorize?client_id=")
    assert "Walk it in the sandbox" not in text(page)


def test_each_state_is_new_and_bound_to_session_and_brand(held: CredentialSet, owner: User, signed_in: SignIn) -> None:
    first, second = signed_in(owner), signed_in(owner)
    pages = [client.get(at(held)) for client in (first, first, second)]
    states = [asked(page).state for page in pages]
    assert len(set(states)) == 3
    assert all(re.fullmatch(r"[\w-]{50,}", state) for state in states)
    about = f"{held.application_id}|peugeot"
    request = pages[0].wsgi_request
    assert enrolling.is_own_state(request, about, states[0])
    assert not enrolling.is_own_state(request, f"{held.application_id}|opel", states[0])
    assert not enrolling.is_own_state(pages[2].wsgi_request, about, states[0])
    assert not enrolling.is_own_state(request, about, "é" * 60)


def test_no_scope_is_an_error_beside_the_field(held: CredentialSet, owner: User, signed_in: SignIn) -> None:
    page = signed_in(owner).get(at(held), {"brand": "nobrand", "redirect": "https://evil.example/", "separator": ","})
    assert {"brand", "redirect", "scope"} == set(page.context["form"].errors)
    assert "evil.example" not in asked(page).url


def test_without_a_registered_address_the_portals_own_can_still_be_walked(owner: User) -> None:
    known = registered(described(owner, "end_user", callback_url=""))
    form = ConsentForm(
        {"brand": "peugeot", "scope": ["data:position"], "separator": ","}, registered=known, redirects={}
    )
    assert form.is_valid(), form.errors
    assert form.given["redirect"] == ""


def test_whoever_reads_the_application_reads_a_callback_and_its_code_is_not_shown_again(
    held: CredentialSet, viewer: User, signed_in: SignIn
) -> None:
    client = signed_in(viewer)
    state = asked(client.get(at(held))).state
    page = client.post(
        at(held), {"secret_address": f"{BACK}?code={CODE}&state={state}&scope=data%3Atelemetry", "state": state}
    )
    assert "Go on: exchange the code" in text(page)
    assert "Position coordinates" in text(page)  # what is absent without data:position
    assert CODE not in page.content.decode()
    assert asked(page).state == state


def test_a_callback_that_is_not_in_order_says_to_stop(held: CredentialSet, owner: User, signed_in: SignIn) -> None:
    client = signed_in(owner)
    state = asked(client.get(at(held))).state
    for query, says in (
        (f"code={CODE}&state=another", "Stop: another state came back than was sent."),
        (f"code={CODE}", "Stop: no state came back."),
        (f"error=access_denied&state={state}", "The driver refused, or closed the page."),
        (f"code%3D{CODE}%26state%3Dx", "The whole query is percent-encoded."),
    ):
        page = client.post(at(held), {"secret_address": f"{BACK}?{query}", "state": state})
        assert says in text(page)
        assert "Go on" not in text(page)
        assert CODE not in page.content.decode()


def test_bad_input_is_an_error_beside_its_field_and_no_secret_comes_back(
    held: CredentialSet, owner: User, signed_in: SignIn
) -> None:
    client = signed_in(owner)
    for sent in (
        {},
        {"secret_address": "\0"},
        {"secret_address": f"code={CODE}" + "x" * 9000},
        {"secret_address": "x=1", "token_scope": '{"access_token": "' + CODE + '"}'},
    ):
        page = client.post(at(held), sent)
        assert page.status_code == 200
        assert page.context["returned"].errors
        assert CODE not in page.content.decode()


def test_a_callback_that_comes_after_the_sign_out_is_not_kept_for_the_next_sign_in(
    held: CredentialSet, owner: User, signed_in: SignIn
) -> None:
    client = signed_in(owner)
    mark = client.get(at(held)).content.decode().partition('name="made_for" value="')[2].partition('"')[0]
    assert mark
    client.logout()
    client.post(at(held), {"made_for": mark, "secret_address": f"{BACK}?code={CODE}", "token_scope": CODE})
    assert CODE not in str(dict(client.session))


def test_another_programme_is_led_back_to_its_task_list(
    owner: User, reviewer: User, issuer: User, signed_in: SignIn
) -> None:
    fleet = issued(owner, reviewer, issuer)
    assert signed_in(owner).get(at(fleet)).headers["Location"] == reverse("application", args=[fleet.application_id])


# The sandbox's sign-in


@pytest.fixture
def client_id(owner: User) -> str:
    """Of an application for drivers of Peugeot, as the sandbox knows it."""
    return SandboxClient.objects.create(application=described(owner, "end_user"), client_id="c1").client_id


def sign_in_page(**changes: str) -> str:
    query = {
        "client_id": "c1",
        "response_type": "code",
        "scope": "data:position,data:telemetry",
        "redirect_uri": BACK,
        "state": "s1",
        **changes,
    }
    return f"{reverse('idp_authorize', args=['peugeot'])}?{urlencode(query)}"


GRANT = {"driver": "camille", "password": "sandbox", "scope": ["data:position"]}


def test_a_tester_without_an_account_signs_in_as_a_driver_and_is_sent_to_the_registered_address(
    client_id: str, stranger: Client
) -> None:
    page = stranger.get(sign_in_page())
    assert "Sandbox" in text(page)
    policy = page.headers["Content-Security-Policy"]
    assert "form-action 'self' https://depots.example-mobility.example;" in f"{policy};"
    assert "frame-ancestors 'none'" in policy
    assert page.headers["X-Frame-Options"] == "DENY"
    sent = stranger.post(sign_in_page(), GRANT)
    assert sent.status_code == 302
    assert sent.headers["Location"].startswith(f"{BACK}?code=")
    assert Consent.objects.get().scopes == ["data:position"]


def test_a_driver_can_refuse(client_id: str, stranger: Client) -> None:
    sent = stranger.post(sign_in_page(), GRANT | {"refuse": "1"})
    assert "error=access_denied" in sent.headers["Location"]
    assert not Consent.objects.exists()


def test_a_failed_sign_in_stays_on_the_page(client_id: str, stranger: Client) -> None:
    for wrong in (
        {"password": "wrong"}, {"password": "\0"}, {"driver": "nobody"}, {"scope": []}, {"scope": ["data:trip"]},
    ):  # fmt: skip
        page = stranger.post(sign_in_page(), GRANT | wrong)
        assert page.status_code == 422
        assert set(page.context["form"].errors) == set(wrong)


def test_nobody_is_sent_to_an_address_that_is_not_registered(client_id: str, stranger: Client) -> None:
    for changes in (
        {"redirect_uri": "https://evil.example/"}, {"redirect_uri": "javascript:alert(1)"}, {"client_id": "x"},
    ):  # fmt: skip
        url = sign_in_page(**changes)
        for response in (stranger.get(url), stranger.post(url, GRANT)):
            assert response.status_code == 400
            assert "Location" not in response.headers
            assert "evil.example" not in response.headers["Content-Security-Policy"]


def test_an_app_of_its_own_scheme_is_gone_back_to(owner: User, stranger: Client) -> None:
    application = described(owner, "end_user", callback_url="com.example.app:/back")
    SandboxClient.objects.create(application=application, client_id="c1")
    url = sign_in_page(redirect_uri="com.example.app:/back")
    assert "form-action 'self' com.example.app:" in stranger.get(url).headers["Content-Security-Policy"]
    assert stranger.post(url, GRANT).headers["Location"].startswith("com.example.app:/back?code=")


def test_where_there_is_no_sandbox_there_is_no_such_page(client_id: str, stranger: Client, settings: Any) -> None:
    assert Client(enforce_csrf_checks=True).post(sign_in_page(), GRANT).status_code == 403
    settings.SANDBOX = False
    assert stranger.get(sign_in_page()).status_code == 404


# The walk


def begin(client: Client, held: CredentialSet) -> str:
    """Press the button; returns the address that the browser is sent to."""
    chosen = {"brand": "peugeot", "redirect": BACK, "separator": ",", "scope": ["data:position", "data:telemetry"]}
    response = client.post(at(held, "enrol_walk"), chosen)
    assert response.status_code == 302
    return str(response.headers["Location"])


def test_the_walk_leads_from_the_page_through_the_sign_in_to_a_worker(
    held: CredentialSet,
    owner: User,
    signed_in: SignIn,
    nothing_queued: list[Any],
    django_capture_on_commit_callbacks: Any,
) -> None:
    client = signed_in(owner)
    came_from = begin(client, held)
    local = came_from.removeprefix("http://localhost:8000")
    back = client.post(local, GRANT).headers["Location"]
    code = parse_qs(urlsplit(back).query)["code"][0]
    with django_capture_on_commit_callbacks(execute=True):
        response = client.get(back.removeprefix("http://localhost:8000"))
    walk = Walk.objects.get()
    assert response.headers["Location"] == at(held, "walk", id=walk.pk)
    assert (walk.state, walk.granted) == ("queued", ["data:position"])
    assert walk.code is not None
    assert open_secret(walk.code).decode() == code
    assert ("onboarding.enrolment.tasks.walk", (str(walk.pk),)) in nothing_queued
    page = client.get(at(held, "walk", id=walk.pk))
    assert "Waiting for a worker" in text(page)
    assert "Odometer mileage" in text(page)  # absent, since data:telemetry was not granted
    assert code not in page.content.decode()
    again = client.get(back.removeprefix("http://localhost:8000"))
    assert again.headers["Location"] == at(held, "walk", id=walk.pk)
    assert Walk.objects.count() == 1


def test_a_refusal_ends_the_walk_in_words(held: CredentialSet, owner: User, signed_in: SignIn) -> None:
    client = signed_in(owner)
    local = begin(client, held).removeprefix("http://localhost:8000")
    back = client.post(local, GRANT | {"refuse": "1"}).headers["Location"]
    page = client.get(back.removeprefix("http://localhost:8000"), follow=True)
    assert "The driver refused, or closed the page." in text(page)


def test_a_callback_with_a_state_that_is_not_this_sessions_is_not_taken(
    held: CredentialSet, owner: User, colleague: User, signed_in: SignIn
) -> None:
    client = signed_in(owner)
    begun = [parse_qs(urlsplit(begin(signed_in(user), held)).query)["state"][0] for user in (owner, colleague)]
    for state, says in (("", "no state came back"), *((one, "another state came back") for one in ("forged", *begun))):
        page = client.get(at(held, "enrol_callback"), {"code": CODE, "state": state}, follow=True)
        assert says in text(page)
        assert CODE not in page.content.decode()
        assert page.redirect_chain == [(at(held), 302)]
    assert set(Walk.objects.values_list("state", flat=True)) == {"asked"}


def test_a_viewer_looks_and_does_not_walk(held: CredentialSet, viewer: User, signed_in: SignIn) -> None:
    client = signed_in(viewer)
    assert client.post(at(held, "enrol_walk"), {}).status_code == 403
    assert at(held, "enrol_walk") not in text(client.get(at(held)))


def test_the_page_is_offered_where_an_end_users_application_is_live(
    held: CredentialSet, owner: User, signed_in: SignIn
) -> None:
    held.runs.create(state="passed")
    assert at(held) in text(signed_in(owner).get(at(held, "live")))


def test_in_french_nothing_is_left_in_english(held: CredentialSet, owner: User, signed_in: SignIn) -> None:
    User.objects.filter(pk=owner.pk).update(language="fr")
    page = text(signed_in(owner).get(at(held)))
    for english in ("Ask for consent", "The driver refused", "is misspelt", "Registered:", "Whose turn"):
        assert english not in page
