"""Custody `browser` on the server's side: what the page is given, what is taken from it, and what is kept."""

import unicodedata
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils.datastructures import MultiValueDict

from onboarding.credentials import flows
from onboarding.credentials.models import CertificateRequest
from onboarding.credentials.states import State
from onboarding.partners.models import User
from onboarding.pki.csr import build_csr
from onboarding.pki.keys import generate_rsa_key
from onboarding.pki.recipe import subject_recipe
from onboarding.programmes import profile
from onboarding.vault.models import Secret
from onboarding.web.forms.credentials import BrowserKeyForm, OneRunKeyForm, SubjectForm
from tests.conftest import member
from tests.journey import SUBJECT, approved

SignIn = Callable[[User], Client]
PROFILE = profile("fleet_owner")


@pytest.fixture
def cycle(owner: User, reviewer: User) -> CertificateRequest:
    """A cycle that waits for a CSR, custody `browser`."""
    request = flows.open_request(approved(owner, reviewer), "sandbox", actor=member(owner))
    flows.describe_key(request, subject=SUBJECT, custody="browser")
    return request


def address(cycle: CertificateRequest, page: str = "key/browser/") -> str:
    return f"/applications/{cycle.application_id}/sandbox/{page}"


def test_the_csr_is_taken_as_made_in_the_browser_and_no_key_is_kept(
    cycle: CertificateRequest, owner: User, signed_in: SignIn
) -> None:
    secrets = Secret.objects.count()
    csr = build_csr(generate_rsa_key(2048), cycle.subject).decode()
    response = signed_in(owner).post(address(cycle), {"csr": csr.replace("\n", "\r\n")})
    assert response.headers["Location"] == address(cycle, "csr/")
    cycle.refresh_from_db()
    assert (cycle.state, cycle.custody, cycle.key) == (State.CSR_SUBMITTED, "browser", None)
    assert Secret.objects.count() == secrets


@pytest.mark.parametrize("csr", ["", "not a CSR"])
def test_what_is_no_csr_is_not_taken(cycle: CertificateRequest, owner: User, signed_in: SignIn, csr: str) -> None:
    response = signed_in(owner).post(address(cycle), {"csr": csr})
    assert response.status_code in (200, 422)
    assert 'role="alert"' in response.content.decode()
    cycle.refresh_from_db()
    assert (cycle.state, cycle.csr_pem) == (State.AWAITING_CSR, "")


@pytest.mark.parametrize("custody", ["own", "vault"])
def test_the_page_is_for_those_who_chose_it(
    cycle: CertificateRequest, owner: User, signed_in: SignIn, custody: str
) -> None:
    client = signed_in(owner)
    assert client.get(address(cycle)).status_code == 200
    flows.describe_key(cycle, subject=SUBJECT, custody=custody)
    assert client.get(address(cycle)).headers["Location"] == address(cycle, "key/")


def test_those_who_only_read_are_given_nothing_to_make_a_key_with(
    cycle: CertificateRequest, owner: User, viewer: User, signed_in: SignIn
) -> None:
    assert "data-keymaker" in signed_in(owner).get(address(cycle)).content.decode()
    assert "data-keymaker" not in signed_in(viewer).get(address(cycle)).content.decode()


def test_no_field_for_a_passphrase_has_a_name_under_which_it_could_be_sent(
    cycle: CertificateRequest, owner: User, signed_in: SignIn
) -> None:
    page = signed_in(owner).get(address(cycle)).content.decode()
    fields = [part.partition(">")[0] for part in page.split("<input")[1:]]
    secret = [field for field in fields if 'type="password"' in field]
    assert len(secret) == 2
    assert not [field for field in secret if "name=" in field]


def test_the_recipe_is_in_the_profiles_order_whatever_order_the_database_gives() -> None:
    subject = {**SUBJECT, "OU": "Programs Partners", "CN": "MZP128745"}
    recipe = subject_recipe(dict(reversed(subject.items())), PROFILE.dn)
    assert [row["value"] for row in recipe] == [subject[rule.attribute] for rule in PROFILE.dn]
    assert [row["type"] for row in recipe] == ["PrintableString", *["UTF8String"] * 5, "IA5String"]
    assert len(subject_recipe(subject | {"L": ""}, PROFILE.dn)) == len(recipe) - 1


def kinds(allowed: tuple[str, ...]) -> list[str]:
    form = BrowserKeyForm(profile=replace(PROFILE, key=replace(PROFILE.key, types=allowed)))
    field: Any = form.fields["key"]
    return [value for value, _label in field.choices]


def test_a_curve_is_offered_only_where_the_profile_allows_it() -> None:
    assert kinds(("RSA",)) == ["RSA-2048", "RSA-3072", "RSA-4096"]
    assert kinds(("RSA", "EC")) == ["RSA-2048", "RSA-3072", "RSA-4096", "EC-256"]
    assert kinds(("EC",)) == ["EC-256"]


def test_only_custodies_that_the_operator_allows_can_be_chosen() -> None:
    answers = {**SUBJECT, "custody": "browser"}
    assert SubjectForm(answers, profile=PROFILE, custodies=["browser", "own"]).is_valid()
    form = SubjectForm(answers, profile=PROFILE, custodies=["own"])
    assert not form.is_valid()
    assert list(form.errors) == ["custody"]


@pytest.mark.parametrize("made_in_browser", [True, False])
def test_a_lent_keys_passphrase_is_composed_only_where_the_page_composed_it(made_in_browser: bool) -> None:
    typed = unicodedata.normalize("NFD", "Straße, élan")
    files = MultiValueDict({"key": [SimpleUploadedFile("private-key.pem", b"key")]})
    form = OneRunKeyForm({"passphrase": typed}, files, made_in_browser=made_in_browser)
    assert form.is_valid()
    composed = unicodedata.normalize("NFC", typed)
    assert form.cleaned_data["passphrase"] == (composed if made_in_browser else typed)
