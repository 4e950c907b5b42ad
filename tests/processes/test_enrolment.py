"""The sandbox's identity provider, and walks through it: strict requests, codes that are good once, nothing lost."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.utils import timezone

from onboarding.audit.models import Entry
from onboarding.credentials.models import CredentialSet, SandboxClient
from onboarding.enrolment import flows, idp, walking
from onboarding.enrolment.models import Consent, Walk
from onboarding.fleet.checks import Check, Result, Rung
from onboarding.fleet.diagnosis import Report
from onboarding.fleet.target import CredentialMaterial, Target
from onboarding.oauth.grants import Granted, GrantRefused
from onboarding.partners.models import User
from onboarding.programmes import brands
from onboarding.vault.seal import open_secret
from tests.conftest import member
from tests.fleet.conftest import SECRET, material_of, mint
from tests.journey import ANSWERS, described, issued
from tests.sandbox.conftest import sandbox  # noqa: F401 — a fixture
from tests.sandbox.doubles import KnownCredential, Running, fingerprint

BACK = ANSWERS["callback_url"]
OWN = "https://portal.example/{application}/"
NOW = timezone.now()


@pytest.fixture
def known(owner: User) -> SandboxClient:
    """An application for drivers of Peugeot, whose data needs telemetry and position, as the sandbox knows it."""
    return SandboxClient.objects.create(application=described(owner, "end_user"), client_id="c1")


def query(known: SandboxClient, **changes: str) -> dict[str, list[str]]:
    asked = {
        "client_id": known.client_id,
        "response_type": "code",
        "scope": "data:telemetry,data:position",
        "redirect_uri": BACK,
        "state": "s1",
        **changes,
    }
    return {name: [value] for name, value in asked.items() if value}


def read(known: SandboxClient, brand: str = "peugeot", **changes: str) -> idp.Asked:
    return idp.read(brand, query(known, **changes), also=[OWN])


def given(address: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}


def test_a_request_in_order_is_read_and_a_code_brought_back_with_the_state(known: SandboxClient) -> None:
    address = idp.give(read(known), "camille", ["data:position", "data:trip"], NOW)
    assert address.startswith(f"{BACK}?")
    assert (given(address)["state"], given(address)["scope"]) == ("s1", "data:position")
    consent = Consent.objects.get()
    assert consent.scopes == ["data:position"]  # what was asked for, as far as it was ticked
    assert given(address)["code"] not in str(vars(consent))


def test_the_portals_own_callback_counts_as_registered_for_its_application_alone(known: SandboxClient) -> None:
    assert read(known, redirect_uri=OWN.format(application=known.application_id))
    with pytest.raises(idp.NotRedirectable, match="redirect"):
        read(known, redirect_uri=OWN.format(application="another"))


@pytest.mark.parametrize(
    ("brand", "changes", "reason"),
    [
        ("nobrand", {}, "brand"),
        ("peugeot", {"client_id": "nobody"}, "client"),
        ("peugeot", {"client_id": ""}, "client"),
        ("peugeot", {"client_id": "c1\0"}, "client"),
        ("peugeot", {"redirect_uri": ""}, "redirect"),
        ("peugeot", {"redirect_uri": f"{BACK}/"}, "redirect"),
        ("peugeot", {"redirect_uri": "https://evil.example/"}, "redirect"),
        ("peugeot", {"redirect_uri": f"{BACK}?x=1"}, "redirect"),
    ],
)
def test_who_cannot_be_known_is_sent_nowhere(
    known: SandboxClient, brand: str, changes: dict[str, str], reason: str
) -> None:
    with pytest.raises(idp.NotRedirectable, match=reason):
        read(known, brand, **changes)


@pytest.mark.parametrize(
    ("brand", "changes", "error"),
    [
        ("peugeot", {"response_type": ""}, "invalid_request"),
        ("peugeot", {"response_type": "token"}, "unsupported_response_type"),
        ("peugeot", {"scope": ""}, "invalid_scope"),
        ("peugeot", {"scope": "data:trip"}, "invalid_scope"),
        ("peugeot", {"realm": "clientsB2COpel"}, "invalid_request"),
        ("opel", {}, "unauthorized_client"),
    ],
)
def test_what_is_wrong_with_a_known_clients_request_is_sent_back(
    known: SandboxClient, brand: str, changes: dict[str, str], error: str
) -> None:
    with pytest.raises(idp.Refusal) as refused:
        read(known, brand, **changes)
    assert refused.value.address.startswith(f"{BACK}?")
    assert (given(refused.value.address)["error"], given(refused.value.address)["state"]) == (error, "s1")


def test_a_parameter_that_comes_twice_is_refused(known: SandboxClient) -> None:
    with pytest.raises(idp.Refusal) as refused:
        idp.read("peugeot", query(known) | {"scope": ["data:position", "data:telemetry"]}, also=[])
    assert given(refused.value.address)["error"] == "invalid_request"


@pytest.mark.parametrize("realm", ["", "clientsB2CPeugeot", "/clientsB2CPeugeot", "clientsB2CPeugeot/OTPPeugeot"])
def test_the_realm_may_be_left_out_and_is_taken_as_documents_and_clients_write_it(
    known: SandboxClient, realm: str
) -> None:
    assert read(known, realm=realm).brand.id == "peugeot"


@pytest.fixture
def code(known: SandboxClient) -> str:
    return given(idp.give(read(known), "camille", ["data:telemetry"], NOW))["code"]


def whose(known: SandboxClient, token: str, now: datetime = NOW) -> Granted | None:
    return idp.whose(known.client_id, token, now)


def test_a_code_is_good_once_and_a_second_try_revokes_what_the_first_gave(known: SandboxClient, code: str) -> None:
    tokens = idp.exchange(known.client_id, code, BACK, NOW)
    assert whose(known, tokens.access_token) == Granted("camille", "peugeot", ("data:telemetry",))
    assert idp.whose("another", tokens.access_token, NOW) is None
    with pytest.raises(GrantRefused, match="before"):
        idp.exchange(known.client_id, code, BACK, NOW)
    assert whose(known, tokens.access_token) is None
    with pytest.raises(GrantRefused):
        idp.refresh(known.client_id, tokens.refresh_token, "clientsB2CPeugeot", NOW)


@pytest.mark.parametrize(
    ("client_id", "redirect_uri", "later", "reason"),
    [
        ("another", BACK, timedelta(), "another client"),
        ("", f"{BACK}/", timedelta(), "redirect_uri"),
        ("", "", timedelta(), "redirect_uri"),
        ("", BACK, idp.CODE_LIFE, "expired"),
    ],
)
def test_a_code_is_bound_to_client_address_and_a_minute(
    known: SandboxClient, code: str, client_id: str, redirect_uri: str, later: timedelta, reason: str
) -> None:
    with pytest.raises(GrantRefused, match=reason):
        idp.exchange(client_id or known.client_id, code, redirect_uri, NOW + later)
    assert idp.exchange(known.client_id, code, BACK, NOW).lifetime == 900  # the wrong try used nothing up


def test_tokens_end_and_a_refresh_gives_new_ones_in_place_of_the_old(known: SandboxClient, code: str) -> None:
    first = idp.exchange(known.client_id, code, BACK, NOW)
    assert whose(known, first.access_token, NOW + idp.ACCESS_LIFE) is None
    with pytest.raises(GrantRefused) as refused:
        idp.refresh(known.client_id, first.refresh_token, "", NOW)
    assert refused.value.error == "invalid_request"
    later = NOW + timedelta(hours=1)
    second = idp.refresh(known.client_id, first.refresh_token, "clientsB2CPeugeot", later)
    assert whose(known, second.access_token, later)
    assert not whose(known, first.access_token)
    for token, now in ((first.refresh_token, later), (second.refresh_token, later + idp.REFRESH_LIFE)):
        with pytest.raises(GrantRefused):
            idp.refresh(known.client_id, token, "clientsB2CPeugeot", now)


def test_what_is_revoked_opens_nothing(known: SandboxClient, code: str) -> None:
    tokens = idp.exchange(known.client_id, code, BACK, NOW)
    idp.revoke("another", tokens.access_token, NOW)
    assert whose(known, tokens.access_token)
    idp.revoke(known.client_id, tokens.refresh_token, NOW)
    assert not whose(known, tokens.access_token)


def test_consents_of_an_hour_are_bounded(known: SandboxClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idp, "MOST_AN_HOUR", 1)
    asked = read(known)
    assert "code" in given(idp.give(asked, "camille", ["data:position"], NOW))
    assert given(idp.give(asked, "camille", ["data:position"], NOW))["error"] == "temporarily_unavailable"


# Walks


@pytest.fixture
def held(owner: User, reviewer: User, issuer: User) -> CredentialSet:
    """An application for drivers with everything that a call needs."""
    return issued(owner, reviewer, issuer, programme="end_user")


DONE = Check(Rung.TOKEN_ENDPOINT, "code_exchanged", Result.PASSED, evidence={"host": "localhost", "scope": "x"})


@pytest.fixture
def begin(held: CredentialSet, owner: User) -> Callable[[], Walk]:
    def start() -> Walk:
        return flows.start(
            held, brands()["peugeot"], scopes=["data:position"], redirect_uri=BACK, state="s1", actor=member(owner)
        )

    return start


def events() -> list[str]:
    found = Entry.objects.filter(event__startswith="enrolment:").order_by("position")
    return list(found.values_list("event", flat=True))


def test_a_walk_seals_its_code_until_it_is_exchanged_and_destroys_it_then(
    begin: Callable[[], Walk], held: CredentialSet, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[str, Any] = {}

    def carry_out(_material: Any, target: Target, *, on_check: Any, **options: Any) -> Report:
        seen.update(options, target=target)
        on_check([DONE])
        return Report(Result.PASSED, (DONE,), {"driver": "Camille Moreau", "vehicles": 1})

    monkeypatch.setattr(flows, "carry_out", carry_out)
    walk = begin()
    assert flows.walk_of(held, "s1", owner.pk) == walk
    assert flows.walk_of(held, "another", owner.pk) is None
    assert flows.came_back(walk, code="the-code", granted=["data:position"], error="")
    assert not flows.came_back(walk, code="another", granted=[], error="")
    flows.execute(walk.pk)
    flows.execute(walk.pk)
    walk.refresh_from_db()
    assert (walk.state, walk.checks) == ("passed", [DONE.to_json()])
    assert (seen["code"], seen["redirect_uri"]) == ("the-code", BACK)
    assert seen["target"].realm == "clientsB2CPeugeot"
    assert walk.code is not None
    assert bytes(walk.code.sealed) == b""
    assert events() == ["enrolment:walk_started", "enrolment:walk_passed"]


def test_a_refusal_ends_the_walk_and_is_kept_as_its_error(begin: Callable[[], Walk]) -> None:
    walk = begin()
    flows.came_back(walk, code="", granted=[], error="access_denied")
    walk.refresh_from_db()
    assert (walk.state, walk.error, walk.code) == ("refused", "access_denied", None)
    assert events()[-1] == "enrolment:walk_failed"


def test_a_walk_whose_code_does_not_open_says_that_the_portal_is_at_fault(begin: Callable[[], Walk]) -> None:
    walk = begin()
    flows.came_back(walk, code="the-code", granted=[], error="")
    walk.refresh_from_db()
    assert walk.code is not None
    assert open_secret(walk.code) == b"the-code"
    type(walk.code).objects.filter(pk=walk.code.pk).update(sealed=b"")
    flows.execute(walk.pk)
    walk.refresh_from_db()
    assert (walk.state, walk.checks[0]["code"]) == ("failed", "set_cannot_be_opened")


def test_the_sweep_finds_forgotten_walks_and_gives_up_drivers_who_stay_away(
    begin: Callable[[], Walk], nothing_queued: list[Any], django_capture_on_commit_callbacks: Any
) -> None:
    forgotten, away = begin(), begin()
    flows.came_back(forgotten, code="the-code", granted=[], error="")
    Walk.objects.update(created_at=timezone.now() - flows.PATIENCE - timedelta(minutes=1))
    with django_capture_on_commit_callbacks(execute=True):
        flows.sweep()
    assert (flows.WALK, (str(forgotten.pk),)) in nothing_queued
    away.refresh_from_db()
    assert away.state == "abandoned"


def test_nothing_is_walked_with_a_key_that_is_elsewhere(begin: Callable[[], Walk], held: CredentialSet) -> None:
    held.certificate_request.key = None
    with pytest.raises(flows.NotHere):
        begin()


def test_old_consents_and_walks_go_and_the_latest_walk_stays(begin: Callable[[], Walk], held: CredentialSet) -> None:
    Consent.objects.create(
        application=held.application, code_sha256="00", given_at=timezone.now(), code_until=timezone.now()
    )
    for walk in (begin(), begin()):
        flows.came_back(walk, code="", granted=[], error="access_denied")
    old = timezone.now() - flows.KEPT - timedelta(hours=1)
    Consent.objects.update(given_at=old)
    Walk.objects.update(created_at=old)
    assert flows.delete_old() == 2
    assert (Consent.objects.count(), Walk.objects.count()) == (0, 1)
    assert flows.delete_old() == 0


# The two calls, against a sandbox that listens


@pytest.fixture
def material(sandbox: Running) -> CredentialMaterial:  # noqa: F811
    leaf = mint(sandbox.ca)
    sandbox.registry.known.append(KnownCredential("walker", "end_user", "MZP1", fingerprint(leaf), secret=SECRET))
    return replace(material_of(leaf, sandbox.ca, "end_user"), client_id="walker")


def walked(sandbox: Running, material: CredentialMaterial, code: str, realm: str = "clientsB2CPeugeot") -> Report:  # noqa: F811
    sandbox.grants.given["right"] = ("walker", BACK, Granted("jonas", "peugeot", ("data:telemetry",)))
    target = Target(
        f"https://localhost:{sandbox.ports.api}/connectedcar/v4",
        f"https://localhost:{sandbox.ports.token}/am/oauth2/access_token",
        material.ca_pem,
        realm,
    )
    told: list[int] = []
    report = walking.walk(
        material, target, code=code, redirect_uri=BACK, now=timezone.now(), deadline=10,
        on_check=lambda checks: told.append(len(checks)),
    )  # fmt: skip
    assert told
    assert [check.rung for check in report.checks] == list(walking.RUNGS)
    for secret in (code, "marker-of-a-token", SECRET):
        assert secret not in str([check.to_json() for check in report.checks]) + str(report.facts)
    return report


def verdict(report: Report) -> tuple[str, str]:
    failed = next((check for check in report.checks if check.result == Result.FAILED), None)
    return str(report.result), failed.code if failed else ""


def test_a_code_leads_to_the_driver_over_mutual_tls(sandbox: Running, material: CredentialMaterial) -> None:  # noqa: F811
    report = walked(sandbox, material, "right")
    assert verdict(report) == ("passed", "")
    assert (report.facts["driver"], report.facts["vehicles"], report.facts["scope"]) == (
        "Jonas Keller", 2, "data:telemetry",
    )  # fmt: skip


def test_a_refused_code_stops_before_the_api_is_called(sandbox: Running, material: CredentialMaterial) -> None:  # noqa: F811
    assert verdict(walked(sandbox, material, "wrong-code")) == ("failed", "code_refused")


def test_another_realm_than_the_drivers_is_refused_by_the_api(
    sandbox: Running,  # noqa: F811
    material: CredentialMaterial,
) -> None:
    assert verdict(walked(sandbox, material, "right", "clientsB2COpel")) == ("failed", "access_token_refused")
