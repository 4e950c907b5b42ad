"""Credentials that work already are brought in: checked whole, kept sealed, and their partner login only claimed."""

from collections.abc import Callable
from typing import Any

import pytest
from django.apps import apps
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from onboarding.audit.models import Entry
from onboarding.credentials import flows, importing, issuing
from onboarding.credentials.importing import ImportRefused, import_credentials
from onboarding.credentials.models import CredentialSet
from onboarding.credentials.private_keys import sealed_key
from onboarding.credentials.sets import is_anothers_client_id, password_of
from onboarding.findings import explain
from onboarding.notifications.models import Mail
from onboarding.partners.models import PartnerLogin, User
from onboarding.pki import keys
from onboarding.pki.certificates import BROUGHT
from onboarding.pki.messages import MESSAGES
from onboarding.registrations import logins
from onboarding.registrations.flows import approve, take
from onboarding.registrations.models import Application
from onboarding.vault.seal import open_secret
from tests.brought import MZP, brought, certificate_for, key_file, run_passes
from tests.conftest import member, staff
from tests.corporate_ca import CA, KEY, OTHER_KEY, as_zip
from tests.corporate_ca import submitted as waiting_csr
from tests.journey import submitted


@pytest.fixture(autouse=True)
def environments(settings: Any) -> None:
    settings.FLEET_ENVIRONMENTS = ["production"]


def bring(owner: User, **changes: Any) -> importing.Imported:
    return import_credentials(owner.organisations.get(), brought(**changes), actor=member(owner))


def refusal(owner: User, **changes: Any) -> list[str]:
    with pytest.raises(ImportRefused) as refused:
        bring(owner, **changes)
    assert all(explain(finding, MESSAGES).remedy for finding in refused.value.findings)
    return [finding.code for finding in refused.value.findings if finding.severity == "error"]


def kept() -> dict[str, int]:
    return {model.__name__: model._default_manager.count() for model in apps.get_models()}


def test_what_fits_becomes_an_application_without_registration_whose_set_waits_to_be_validated(owner: User) -> None:
    request = bring(owner).request
    held = request.credential_sets.get()
    assert (request.state, request.custody, request.key, request.csr_pem) == ("issued", "own", None, "")
    assert request.is_brought_in
    assert request.subject["CN"] == MZP
    assert not hasattr(request.application, "registration")
    assert (request.application.name, request.application.brands) == ("Depot dashboard", ["peugeot"])
    assert held.missing(has_password=password_of(held) is not None) == ()
    assert [row["id"] for row in request.certificate_report["checks"]] == [check.id for check in BROUGHT]
    assert set(Entry.objects.values_list("event", flat=True)) == {
        "application:imported",
        "partner_login:claimed",
        "certificate_request:imported",
        "credentials:client_id",
        "credentials:password",
    }


def test_a_key_that_is_brought_along_is_sealed_and_opens_for_a_call(owner: User) -> None:
    request = bring(owner, key=key_file(passphrase=b"a long passphrase"), passphrase=b"a long passphrase").request
    sealed = sealed_key(request)
    assert sealed is not None
    opened = keys.load_key(sealed.pem, sealed.passphrase)
    assert keys.same_key(opened.public_key(), KEY.public_key())
    assert request.custody == "vault"


def test_an_end_users_set_has_its_client_secret_sealed(owner: User) -> None:
    request = bring(owner, programme="end_user", password="", client_secret="s3cret").request
    secret = request.credential_sets.get().client_secret
    assert secret is not None
    assert open_secret(secret) == b"s3cret"


@pytest.mark.parametrize(
    "files",
    [
        {"certificate": certificate_for() + CA.pem, "ca": b""},
        {"certificate": CA.pem, "ca": certificate_for()},
        {"certificate": as_zip(CA.pem, certificate_for(), certificate_for("MZP300001", OTHER_KEY)), "ca": b""},
    ],
    ids=["in one file", "taken for one another", "in a ZIP beside another's"],
)
def test_the_certificate_is_found_by_its_login_however_it_comes(owner: User, files: dict[str, bytes]) -> None:
    assert bring(owner, **files).request.subject["CN"] == MZP


def test_of_two_the_one_for_the_key_is_taken(owner: User) -> None:
    both = certificate_for(key=OTHER_KEY) + certificate_for()
    assert bring(owner, certificate=both, key=key_file()).request.spki_sha256 == keys.spki_sha256(KEY.public_key())


REFUSALS: dict[str, tuple[Callable[[], dict[str, Any]], list[str]]] = {
    "no name": (lambda: {"name": " "}, ["import_name"]),
    "a name with a line break": (lambda: {"name": "a\nb"}, ["import_name"]),
    "no such programme": (lambda: {"programme": "b2x"}, ["import_programme"]),
    "an environment nobody named": (lambda: {"environment": "preproduction"}, ["import_environment"]),
    "the sandbox": (lambda: {"environment": "sandbox"}, ["import_environment"]),
    "no brand": (lambda: {"brands": ()}, ["import_brand"]),
    "another maker's brand": (lambda: {"brands": ("peugeot", "tesla")}, ["import_brand"]),
    "no MZP": (lambda: {"mzp": "mzp 1", "certificate": certificate_for("mzp 1")}, ["import_login"]),
    "no client ID": (lambda: {"client_id": ""}, ["import_client_id"]),
    "a client ID with a blank": (lambda: {"client_id": "a b"}, ["import_client_id"]),
    "no password": (lambda: {"password": ""}, ["import_no_password"]),
    "no client secret": (lambda: {"programme": "end_user", "password": ""}, ["import_no_client_secret"]),
    "a secret of the other programme": (lambda: {"client_secret": "x"}, ["import_needless"]),
    "another login's certificate": (lambda: {"certificate": certificate_for("MZP999999")}, ["certificate_other_login"]),
    "an expired certificate": (
        lambda: {"certificate": certificate_for(days=30, days_ago=60)},
        ["certificate_expired", "chain_invalid"],
    ),
    "no CA certificate": (lambda: {"ca": b""}, ["ca_missing"]),
    "a CA certificate as the client's": (
        lambda: {"certificate": CA.pem},
        ["certificate_other_login", "certificate_is_ca", "certificate_key_usage"],
    ),
    "no certificate": (lambda: {"certificate": b"<html>"}, ["certificate_is_html"]),
    "another key": (lambda: {"key": key_file(OTHER_KEY)}, ["certificate_not_for_key"]),
    "an encrypted key without its passphrase": (
        lambda: {"key": key_file(passphrase=b"x" * 16)},
        ["key_passphrase_missing"],
    ),
    "no key": (lambda: {"key": CA.pem}, ["key_is_certificate"]),
    "a key among the certificates": (
        lambda: {"certificate": certificate_for() + key_file()},
        ["certificate_with_private_key"],
    ),
    "all of it": (
        lambda: {"name": "", "client_id": "", "password": "", "key": b"x", "certificate": certificate_for("MZP1")},
        ["import_name", "import_client_id", "import_no_password", "key_unreadable", "certificate_other_login"],
    ),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_what_does_not_fit_is_told_with_its_remedy_and_leaves_nothing_behind(owner: User, case: str) -> None:
    before = kept()
    changes, codes = REFUSALS[case]
    assert refusal(owner, **changes()) == codes
    assert kept() == before


def test_where_keys_are_not_kept_a_key_is_refused(owner: User, settings: Any) -> None:
    settings.KEY_CUSTODIES = ["browser", "own"]
    before = kept()
    assert refusal(owner, key=key_file()) == ["import_key_unwanted"]
    assert kept() == before


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_is_brought_is_kept_whole_or_not_at_all(owner: User, data: st.DataObject) -> None:
    odd = st.text(max_size=8)
    files = st.one_of(st.binary(max_size=40), st.sampled_from([CA.pem, key_file(OTHER_KEY), certificate_for("MZP1")]))
    strategies: dict[str, st.SearchStrategy[Any]] = {
        **dict.fromkeys(("environment", "programme", "name", "mzp", "client_id", "client_secret", "password"), odd),
        **dict.fromkeys(("certificate", "ca", "key", "passphrase"), files),
        "brands": st.lists(odd, max_size=3).map(tuple),
    }
    changed = data.draw(st.sets(st.sampled_from(sorted(strategies)), min_size=1, max_size=4))
    before = kept()
    refused: list[Any] = []
    try:
        bring(owner, **{name: data.draw(strategies[name], label=name) for name in sorted(changed)})
    except ImportRefused as error:
        refused = [finding for finding in error.findings if finding.severity == "error"]
    added = {name: after - before[name] for name, after in kept().items() if after != before[name]}
    assert bool(refused) != bool(added), (refused, added)
    assert refused or added.items() >= {"CertificateRequest": 1, "CredentialSet": 1}.items()


def test_looking_first_says_the_same_and_keeps_nothing(owner: User) -> None:
    before = kept()
    result = import_credentials(owner.organisations.get(), brought(), actor=member(owner), keep=False)
    assert result.is_new
    assert kept() == before


def test_the_same_again_is_named_and_changes_nothing(owner: User) -> None:
    data = brought(key=key_file())
    first = import_credentials(owner.organisations.get(), data, actor=member(owner))
    before = kept()
    again = import_credentials(owner.organisations.get(), data, actor=member(owner))
    assert (again.is_new, again.application, again.request) == (False, first.application, first.request)
    assert kept() == before


def test_another_client_id_with_the_same_certificate_is_a_further_application(owner: User) -> None:
    certificate = certificate_for()
    bring(owner, certificate=certificate)
    bring(owner, certificate=certificate, client_id="client-2", password="")
    assert Application.objects.count() == 2
    assert PartnerLogin.objects.get().applications.count() == 2


def test_a_newer_certificate_for_the_same_client_id_joins_the_application(owner: User) -> None:
    first, second = bring(owner), bring(owner, name="Renamed meanwhile", certificate=certificate_for(key=OTHER_KEY))
    assert second.is_new
    assert second.application == first.application
    assert first.application.certificate_requests.count() == 2


def test_a_password_that_differs_from_the_stored_one_is_refused_and_the_stored_one_stays(owner: User) -> None:
    held = bring(owner).request.credential_sets.get()
    assert refusal(owner, client_id="client-2", password="another") == ["import_other_password"]
    secret = password_of(held)
    assert secret is not None
    assert open_secret(secret) == b"correct-horse-password"


# --- Whose is the partner login? -----------------------------------------------------------------------------


def test_in_a_hub_the_login_is_only_claimed_until_a_call_has_passed(owner: User, monkeypatch: Any) -> None:
    request = bring(owner).request
    login = request.partner_login
    assert login.is_claim
    with pytest.raises(flows.NoPartnerLogin):
        flows.open_request(request.application, "production", actor=member(owner))
    run_passes(request.credential_sets.get(), owner, monkeypatch)
    login.refresh_from_db()
    assert login.confirmed_at is not None
    assert Entry.objects.filter(event="partner_login:confirmed").get().actor_kind == "system"
    assert flows.open_request(Application.objects.get(), "sandbox", actor=member(owner))


def test_in_solo_mode_it_is_confirmed_at_once(owner: User, settings: Any) -> None:
    settings.PORTAL_MODE = "solo"
    assert bring(owner).request.partner_login.confirmed_at is not None


def test_a_call_of_the_sandbox_confirms_nothing(owner: User) -> None:
    login = bring(owner).request.partner_login
    logins.prove_login(login, "sandbox")
    assert login.is_claim


def test_of_two_companies_the_first_whose_call_passes_has_the_login_and_the_other_is_told(
    owner: User, rival: User, reviewer: User, monkeypatch: Any
) -> None:
    theirs, mine = bring(rival).request, bring(owner).request
    assert (theirs.partner_login.is_claim, mine.partner_login.is_claim) == (True, True)
    for _twice in range(2):
        run_passes(mine.credential_sets.get(), owner, monkeypatch)
        run_passes(theirs.credential_sets.get(), rival, monkeypatch)
    mine.partner_login.refresh_from_db()
    theirs.partner_login.refresh_from_db()
    assert mine.partner_login.confirmed_at is not None
    assert theirs.partner_login.is_claim
    told = Mail.objects.filter(kind__in=["login_conflict", "login_to_decide"])
    assert {(mail.kind, mail.address) for mail in told} == {
        ("login_conflict", rival.email),
        ("login_to_decide", reviewer.email),
    }
    assert told.count() == 2
    with pytest.raises(logins.LoginTaken):
        logins.confirm_login(theirs.partner_login, actor=staff(reviewer))


def test_a_claim_is_no_obstacle_to_an_approval_of_another_company(owner: User, rival: User, reviewer: User) -> None:
    claim = bring(rival).request.partner_login
    registration = submitted(owner).registration
    take(registration, actor=staff(reviewer))
    login = approve(registration, mzp=MZP, actor=staff(reviewer))
    assert login.organisation == owner.organisations.get()
    assert login.confirmed_at is not None
    claim.refresh_from_db()
    assert claim.is_claim


def test_an_approval_confirms_the_companys_own_claim(owner: User, reviewer: User) -> None:
    claim = bring(owner).request.partner_login
    assert logins.assign_login(owner.organisations.get(), MZP, actor=staff(reviewer)) == claim
    claim.refresh_from_db()
    assert claim.confirmed_at is not None


def test_a_claim_takes_neither_key_nor_client_id_from_those_they_belong_to(owner: User, rival: User) -> None:
    # A certificate is no secret: whoever has seen one can bring it, without its key.
    bring(rival)
    organisation = owner.organisations.get()
    assert not is_anothers_client_id(organisation, "production", "client-1")
    assert bring(owner).is_new
    PartnerLogin.objects.filter(organisation=organisation).update(confirmed_at="2026-01-01T00:00:00Z")
    assert refusal(rival, client_id="client-1", mzp="MZP300001") == ["import_client_id_taken"]


def test_a_claim_with_anothers_certificate_keeps_it_from_nobody(
    owner: User, rival: User, reviewer: User, issuer: User
) -> None:
    request = waiting_csr(owner, reviewer)
    certificate = CA.sign(request)
    bring(rival, certificate=certificate)
    assert issuing.take_in(request, certificate=certificate, ca_certificate=CA.pem, actor=staff(issuer)).report.fit
    further = waiting_csr(owner, reviewer)  # the same key once more: the company's own, whatever others claim
    assert further.state == "csr_submitted"


def test_staff_confirm_a_claim_once(owner: User, reviewer: User) -> None:
    login = bring(owner).request.partner_login
    logins.confirm_login(login, actor=staff(reviewer))
    assert login.confirmed_at is not None
    for verb in (logins.confirm_login, importing.reject_claim):
        with pytest.raises(logins.AlreadyDecided):
            verb(login, actor=staff(reviewer))


def test_a_rejected_claim_is_called_with_no_more_and_not_claimed_again_by_the_same_company(
    owner: User, rival: User, reviewer: User
) -> None:
    login = bring(owner).request.partner_login
    importing.reject_claim(login, actor=staff(reviewer))
    assert CredentialSet.objects.get().retired_at is not None
    logins.prove_login(login, "production")
    assert login.is_rejected
    assert refusal(owner) == ["import_login_taken"]
    assert bring(rival).is_new


def test_a_retired_login_is_claimed_by_nobody(owner: User, rival: User, reviewer: User) -> None:
    login = logins.assign_login(owner.organisations.get(), MZP, actor=staff(reviewer))
    PartnerLogin.objects.filter(pk=login.pk).update(retired_at="2026-01-01T00:00:00Z")
    for person in (owner, rival):
        assert refusal(person) == ["import_login_taken"]


def test_no_secret_is_shown_by_what_holds_it() -> None:
    text = repr(brought(client_secret="s3cret", key=key_file(), passphrase=b"a long passphrase"))
    for secret in ("s3cret", "correct-horse", "BEGIN PRIVATE KEY", "a long passphrase"):
        assert secret not in text
