"""The names, and custody `own`: one clear path for each tool, and what is known beforehand is said beforehand."""

import html
import re
from collections.abc import Callable

import pytest
from allauth.account.models import EmailAddress
from django.test import Client
from django.utils.html import escape, strip_tags

from onboarding.credentials import flows
from onboarding.credentials.models import CertificateRequest
from onboarding.partners.models import User
from onboarding.pki import instructions
from onboarding.pki.csr import build_csr
from onboarding.pki.keys import generate_rsa_key
from onboarding.pki.messages import MESSAGES
from onboarding.programmes import profile
from tests.conftest import member
from tests.journey import SUBJECT, approved

SignIn = Callable[[User], Client]
WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64)"
STRANGE = "fleet@example-mobility.example"
UNVERIFIED = escape(MESSAGES["email_not_of_a_contact"].remedy)


@pytest.fixture
def cycle(owner: User, reviewer: User) -> CertificateRequest:
    """A cycle that waits for a CSR, custody `own`, under an address that nobody confirmed."""
    request = flows.open_request(approved(owner, reviewer), "sandbox", actor=member(owner))
    flows.describe_key(request, subject=SUBJECT | {"O": "Société d'Exemple", "emailAddress": STRANGE}, custody="own")
    return request


def address(cycle: CertificateRequest, page: str) -> str:
    return f"/applications/{cycle.application_id}/sandbox/{page}"


def upload_page(cycle: CertificateRequest) -> str:
    return address(cycle, "key/upload/")


def current(page: str) -> list[str]:
    """The tools that are marked as the one chosen."""
    return re.findall(r'href="\?tool=(\w+)#tool" aria-current="true"', page)


def commands(page: str) -> list[str]:
    """What can be copied from a page."""
    return [html.unescape(strip_tags(code)) for code in re.findall(r"<code id=[^>]*>(.*?)</code>", page, re.DOTALL)]


@pytest.mark.parametrize("tool", instructions.TOOLS)
def test_each_tools_page_shows_its_own_commands_whole(
    cycle: CertificateRequest, owner: User, signed_in: SignIn, tool: str
) -> None:
    page = signed_in(owner).get(upload_page(cycle), {"tool": tool}).content.decode()
    assert current(page) == [tool]
    for step in instructions.TOOLS[tool].steps(cycle.subject, 2048):
        assert step.command in commands(page)


@pytest.mark.parametrize(
    ("agent", "query", "shown"),
    [
        (WINDOWS, {}, "powershell"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)", {}, "openssl"),
        ("", {}, "openssl"),
        (WINDOWS, {"tool": "openssl"}, "openssl"),
        (WINDOWS, {"tool": "no-such-tool"}, "powershell"),
    ],
)
def test_the_tool_shown_first_is_the_usual_one_of_the_readers_system(
    cycle: CertificateRequest, owner: User, signed_in: SignIn, agent: str, query: dict[str, str], shown: str
) -> None:
    page = signed_in(owner).get(upload_page(cycle), query, headers={"User-Agent": agent}).content.decode()
    assert current(page) == [shown]


def test_the_configuration_is_downloaded_as_the_page_shows_it(
    cycle: CertificateRequest, owner: User, signed_in: SignIn
) -> None:
    response = signed_in(owner).get(address(cycle, "key/upload/request.cnf"))
    assert response.headers["Content-Disposition"] == 'attachment; filename="request.cnf"'
    assert response.content.decode() == instructions.openssl_config(cycle.subject)
    flows.describe_key(cycle, subject=SUBJECT, custody="browser")
    response = signed_in(owner).get(address(cycle, "key/upload/request.cnf"))
    assert response.headers["Location"] == address(cycle, "key/")


def test_each_name_is_explained_where_it_is_entered_and_where_it_is_used(
    cycle: CertificateRequest, owner: User, signed_in: SignIn
) -> None:
    client = signed_in(owner)
    entered, used = (client.get(address(cycle, page)).content.decode() for page in ("key/", "key/upload/"))
    for rule in profile("fleet_owner").dn:
        assert escape(rule.what) in entered
        assert all(escape(text) in used for text in (rule.what, rule.put, rule.why))


@pytest.mark.parametrize(("tool", "with_command"), [("openssl", True), ("powershell", False), ("keytool", False)])
def test_beside_a_finding_stands_no_command_that_the_chosen_tool_does_not_take(
    cycle: CertificateRequest, owner: User, signed_in: SignIn, tool: str, with_command: bool
) -> None:
    wrong = build_csr(generate_rsa_key(2048), cycle.subject | {"OU": "Programs Partner", "O": "<Company>"})
    response = signed_in(owner).post(f"{upload_page(cycle)}?tool={tool}", {"text": wrong.decode()})
    page = response.content.decode()
    assert response.status_code == 422
    assert "Programs Partners" in page
    assert current(page) == [tool]
    beside = [command for command in commands(page) if " -subj " in command]
    assert bool(beside) is with_command
    assert all("d'\"'\"'Exemple" in command for command in beside)


def test_names_that_would_be_refused_are_named_before_a_csr_is_made(
    cycle: CertificateRequest, owner: User, signed_in: SignIn
) -> None:
    flows.describe_key(cycle, subject=SUBJECT | {"ST": "<State>"}, custody="own")
    page = signed_in(owner).get(upload_page(cycle)).content.decode()
    assert "A CSR with these names would be refused" in page
    assert escape("State or province (ST) looks like text that was to be replaced: “<State>”.") in page


@pytest.mark.parametrize("custody", ["own", "browser", "vault"])
def test_an_address_that_is_not_verified_is_said_to_be_so_before_anything_is_made(
    cycle: CertificateRequest, owner: User, signed_in: SignIn, custody: str
) -> None:
    client = signed_in(owner)
    page = {"own": "key/upload/", "browser": "key/browser/", "vault": "key/make/"}[custody]
    for email, said in ((STRANGE, True), (owner.email, False)):
        flows.describe_key(cycle, subject=SUBJECT | {"emailAddress": email}, custody=custody)
        for path in ("key/", page):
            assert (UNVERIFIED in client.get(address(cycle, path)).content.decode()) is said, (path, email)


def test_the_names_page_lists_verified_addresses_and_writes_them_as_text(
    cycle: CertificateRequest, owner: User, signed_in: SignIn
) -> None:
    odd = '"<b>"@example.com'
    EmailAddress.objects.create(user=owner, email=odd, verified=True)
    page = signed_in(owner).get(address(cycle, "key/")).content.decode()
    assert f"{escape(odd)}, {owner.email}." in page
    assert "<b>" not in page


def test_whoever_signs_reads_that_the_address_is_not_verified(
    cycle: CertificateRequest, owner: User, issuer: User, signed_in: SignIn
) -> None:
    csr = build_csr(generate_rsa_key(2048), cycle.subject)
    assert signed_in(owner).post(upload_page(cycle), {"text": csr.decode()}).status_code == 302
    for reader, page in ((owner, address(cycle, "csr/")), (issuer, f"/desk/certificates/{cycle.pk}/")):
        assert UNVERIFIED in signed_in(reader).get(page).content.decode()
