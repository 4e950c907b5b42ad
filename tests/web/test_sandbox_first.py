"""The sandbox before any approval, on its pages: one click, what is seen of it, and giving it back."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from onboarding.credentials import private_keys
from onboarding.credentials.models import CertificateRequest, CredentialSet, KeyOrder
from onboarding.partners.models import PartnerLogin, User
from onboarding.pki import csr, keys
from onboarding.registrations import flows as registrations
from onboarding.registrations.models import Application, Submission
from onboarding.validation import sandboxing
from onboarding.validation.models import Run
from tests.conftest import member, staff
from tests.journey import SUBJECT, approved, described, issued, submitted

SignIn = Callable[[User], Client]


@pytest.fixture
def draft(owner: User) -> Application:
    return registrations.start_application(owner.organisations.get(), "fleet_owner", actor=member(owner))


@pytest.fixture(autouse=True)
def operator(settings: Any) -> None:
    settings.OPERATOR_NAME = "Stellantis"


def at(name: str, application: Application, environment: str = "sandbox") -> str:
    return reverse(name, args=[application.pk, environment])


def overview(client: Client, application: Application) -> str:
    return client.get(reverse("application", args=[application.pk])).content.decode()


def text(response: Any) -> str:
    return str(response.content.decode())


def work() -> None:
    """What the workers do."""
    for order in KeyOrder.objects.filter(state="queued"):
        private_keys.make_key(order.pk)
        sandboxing.first_call(order.pk)


def test_one_click_asks_for_everything_and_the_page_follows_it_to_the_end(
    draft: Application, owner: User, signed_in: SignIn
) -> None:
    client, url = signed_in(owner), at("sandbox_start", draft)
    assert "Get sandbox credentials" in overview(client, draft)
    assert client.post(url).headers["Location"] == url
    page = client.get(url)
    assert "Your key is on its way" in text(page)
    assert f'hx-get="{url}?seen=' in text(page)
    seen = text(page).split("?seen=")[1].split('"')[0]
    assert client.get(f"{url}?seen={seen}", headers={"HX-Request": "true"}).status_code == 204
    work()
    fragment = client.get(f"{url}?seen={seen}", headers={"HX-Request": "true"})
    assert "Validating now" in text(fragment)
    assert "<html" not in text(fragment)
    Run.objects.update(state="passed", finished_at=timezone.now())
    page = client.get(url)
    assert "Your sandbox credentials work" in text(page)
    assert "hx-get" not in text(page)
    for piece in ("csr", "certificate", "credentials", "validate", "live", "kit"):
        assert at(piece, draft) in text(page)
        assert client.get(at(piece, draft)).status_code == 200


def test_a_first_call_that_fails_is_said_with_the_way_to_its_checks(
    draft: Application, owner: User, signed_in: SignIn
) -> None:
    client, url = signed_in(owner), at("sandbox_start", draft)
    client.post(url)
    work()
    Run.objects.update(state="failed", finished_at=timezone.now())
    page = text(client.get(url))
    assert "validation failed" in page
    assert at("validate", draft) in page


def test_a_second_click_and_the_back_button_lead_to_what_the_first_began(
    draft: Application, owner: User, colleague: User, signed_in: SignIn
) -> None:
    url = at("sandbox_start", draft)
    for person in (owner, colleague):
        assert signed_in(person).post(url).headers["Location"] == url
    work()
    assert signed_in(owner).post(url).headers["Location"] == url
    assert CertificateRequest.objects.count() == CredentialSet.objects.count() == Run.objects.count() == 1


def test_without_a_key_kept_here_the_ordinary_way_is_shown_and_leads_to_a_certificate_at_once(
    draft: Application, owner: User, signed_in: SignIn, settings: Any
) -> None:
    settings.KEY_CUSTODIES = ["browser", "own"]
    client = signed_in(owner)
    assert "Get sandbox credentials" not in overview(client, draft)
    for response in (client.get(at("sandbox_start", draft)), client.post(at("sandbox_start", draft))):
        assert response.headers["Location"] == at("key", draft)
    assert client.post(at("key", draft), SUBJECT | {"custody": "own"}).headers["Location"] == at("key_upload", draft)
    assert "SANDBOX-" in text(client.get(at("key_upload", draft)))
    cycle = CertificateRequest.objects.get()
    pem = csr.build_csr(keys.generate_rsa_key(2048), cycle.subject).decode()
    response = client.post(at("key_upload", draft), {"text": pem}, follow=True)
    assert "The CSR was checked and signed." in text(response)
    assert CredentialSet.objects.get().client_id


def test_names_that_do_not_fit_lead_to_where_they_can_be_mended(owner: User, signed_in: SignIn) -> None:
    application = described(owner, company="<your company>")
    response = signed_in(owner).post(at("sandbox_start", application), follow=True)
    assert "One of the names cannot stand in a certificate" in text(response)
    assert "&lt;your company&gt;" in text(response)


def test_a_real_environment_has_no_such_page_and_waits_for_the_approval(
    owner: User, signed_in: SignIn, settings: Any
) -> None:
    settings.FLEET_ENVIRONMENTS = ["production"]
    application, client = submitted(owner), signed_in(owner)
    for name in ("sandbox_start", "sandbox_delete"):
        assert client.get(at(name, application, "production")).status_code == 404
        assert client.post(at(name, application, "production")).status_code == 404
    assert client.get(at("key", application, "production")).headers["Location"].endswith(f"/{application.pk}/")
    client.post(at("key", application, "production"), SUBJECT | {"custody": "own"})
    assert not CertificateRequest.objects.exists()


def test_the_task_list_shows_both_tracks_and_says_why_one_waits_and_until_when(
    owner: User, signed_in: SignIn, settings: Any
) -> None:
    settings.FLEET_ENVIRONMENTS = ["production"]
    application, client = described(owner), signed_in(owner)
    page = overview(client, application)
    assert "After the approval, which brings your partner login (MZP)." in page
    assert "You take along" in page
    registrations.submit(application.registration, actor=member(owner))
    page = overview(client, application)
    assert "After the approval: Stellantis decides, target " in page
    assert "Meanwhile: the sandbox" in page
    settings.REVIEW_TARGET_DAYS = 0
    assert "decides, target " in overview(client, application), "what was told stands, whatever is set afterwards"
    Submission.objects.update(decide_by=None)
    assert "After the approval: Stellantis decides." in overview(client, application)


def test_after_the_approval_the_real_environment_comes_first(
    owner: User, reviewer: User, signed_in: SignIn, settings: Any
) -> None:
    settings.FLEET_ENVIRONMENTS = ["production"]
    application = approved(owner, reviewer)
    page = overview(signed_in(owner), application)
    assert "Your turn: key and certificate request" in page
    assert f'button--primary" href="{at("key", application, "production")}"' in page


def test_a_viewer_sees_how_far_it_is_and_has_no_button(
    draft: Application, owner: User, viewer: User, signed_in: SignIn
) -> None:
    client = signed_in(viewer)
    assert "Get sandbox credentials</button>" not in overview(client, draft)
    assert "<button" not in text(client.get(at("sandbox_start", draft))).split('id="main"')[1].split("<footer")[0]
    signed_in(owner).post(at("sandbox_start", draft))
    assert "on its way" in text(client.get(at("sandbox_start", draft)))


def test_it_is_deleted_after_asking_once_and_can_be_begun_anew(
    draft: Application, owner: User, signed_in: SignIn
) -> None:
    client = signed_in(owner)
    assert client.get(at("sandbox_delete", draft)).status_code == 302  # nothing there
    client.post(at("sandbox_start", draft))
    work()
    assert "Delete the sandbox credentials?" in text(client.get(at("sandbox_delete", draft)))
    assert CredentialSet.objects.filter(retired_at=None).exists()
    response = client.post(at("sandbox_delete", draft), follow=True)
    assert "The sandbox no longer knows this application." in text(response)
    assert "Get sandbox credentials" in text(response)


def test_after_a_withdrawal_what_is_there_stays_and_nothing_new_begins(
    draft: Application, owner: User, signed_in: SignIn
) -> None:
    client = signed_in(owner)
    client.post(at("sandbox_start", draft))
    work()
    registrations.withdraw(draft.registration, actor=member(owner))
    page = overview(client, draft)
    assert "What is there can still be used, or be deleted." in page
    assert client.get(at("certificate", draft)).status_code == 200
    client.post(at("sandbox_delete", draft))
    response = client.post(at("sandbox_start", draft), follow=True)
    assert "Nothing new can be asked for" in text(response)


def test_the_desk_is_not_shown_what_needs_no_staff(
    draft: Application, owner: User, reviewer: User, issuer: User, signed_in: SignIn
) -> None:
    signed_in(owner).post(at("sandbox_start", draft))
    work()
    login = PartnerLogin.objects.get()
    for person, pages in ((issuer, ("/desk/certificates/?show=decided",)), (reviewer, ("/desk/logins/?show=decided",))):
        for page in pages:
            assert login.mzp not in text(signed_in(person).get(page))
    registrations_page = submitted(owner).registration
    registrations.take(registrations_page, actor=staff(reviewer))
    desk = text(signed_in(reviewer).get(reverse("desk_registration", args=[registrations_page.pk])))
    assert login.mzp not in desk


# --- The list of applications ----------------------------------------------------------------------------------------


def test_the_list_puts_first_what_is_the_readers_turn(
    owner: User, reviewer: User, issuer: User, signed_in: SignIn
) -> None:
    waiting = submitted(owner)
    described(owner, name="Left open")
    ended = described(owner, name="Taken back")
    registrations.withdraw(ended.registration, actor=member(owner))
    page = text(signed_in(owner).get("/"))
    places = [page.index(words) for words in ("Left open", waiting.name, "Taken back")]
    assert places == sorted(places)
    assert 'Sandbox <span class="muted">not begun</span>' in page
    assert 'role="search"' not in page


def test_a_long_list_can_be_searched_filtered_and_paged(owner: User, signed_in: SignIn) -> None:
    for number in range(30):
        described(owner, name=f"Depot {number:02}")
    submitted(owner)
    client = signed_in(owner)
    assert "1 to 25 of 31" in text(client.get("/"))
    found = text(client.get("/?search=depot+07"))
    assert "Depot 07" in found
    assert "Depot 08" not in found
    reference = Application.objects.get(name="Depot 08").reference
    assert "Depot 08" in text(client.get(f"/?search={reference.lower()}"))
    assert "Depot 0" not in text(client.get("/?show=waiting"))
    for odd in (
        "/?show=nonsense&after=99",
        "/?search=%00%3Cscript%3E",
        f"/?search={'x' * 5000}",
        "/?before=-1&search=%25",
    ):
        assert client.get(odd).status_code == 200
    assert "No application is like that" in text(client.get("/?search=nothing"))


def test_the_list_says_until_when_certificates_are_good_and_which_company_is_meant(
    owner: User, reviewer: User, issuer: User, signed_in: SignIn
) -> None:
    held = issued(owner, reviewer, issuer)
    client = signed_in(owner)
    assert "certificate until" in text(client.get("/"))
    assert f"<br>{held.organisation}</span>" not in text(client.get("/"))
    registrations.create_organisation(owner, name="Second Company", country="FR", actor=member(owner))
    assert f"<br>{held.organisation}</span>" in text(client.get("/"))


def test_a_newcomer_is_told_what_to_do_and_a_viewer_who_does_it(owner: User, viewer: User, signed_in: SignIn) -> None:
    assert reverse("new_application") in text(signed_in(owner).get("/"))
    page = text(signed_in(viewer).get("/"))
    assert reverse("new_application") not in page
    assert "An owner or a developer starts them." in page
