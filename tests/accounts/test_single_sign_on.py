"""Single sign-on of staff, against a provider that runs beside the test and signs what it says."""

import http.server
import json
import logging
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
import pytest
import requests
import structlog
from allauth.account.models import EmailAddress
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from django.conf import settings
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from onboarding.audit.events import Event
from onboarding.audit.models import Entry
from onboarding.memberships import desk
from onboarding.memberships.models import ProviderIdentity
from onboarding.partners.actors import Actor, ActorKind
from onboarding.partners.models import Membership, Organisation, StaffRole, User
from onboarding.web import oidc
from onboarding.web.checks import fit_for_others, settings_agree
from tests.accounts.conftest import Browser, enter
from tests.ports import free_port

ROLES = ["fleet-review=reviewer", "fleet-admin=administrator"]


@pytest.fixture(scope="module")
def provider() -> Iterator[str]:
    """A real provider on the loopback interface; its issuer."""
    port = free_port()
    issuer = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-W", "ignore", "-m", "oidc_provider_mock", "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
        try:
            _wait_for(f"{issuer}/.well-known/openid-configuration")
            yield issuer
        finally:
            running.terminate()


def _wait_for(url: str) -> None:
    for _attempt in range(200):
        try:
            requests.get(url, timeout=5).raise_for_status()
        except requests.ConnectionError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError("the provider did not start")


@pytest.fixture
def configured(provider: str, settings: Any, db: None) -> Any:
    settings.OIDC_ISSUER = provider
    settings.OIDC_CLIENT_ID, settings.OIDC_CLIENT_SECRET = "portal", "client's secret"
    settings.OIDC_LABEL = "Example ID"
    cache.clear()
    return settings


@pytest.fixture
def come(configured: Any) -> Callable[..., Any]:
    """Return a function that signs in at the provider as somebody of whom it says `claims`; the answer here."""

    def sign_in(client: Client, sub: str = "1", then: str = "", **claims: Any) -> Any:
        return client.get(code_for(client, configured.OIDC_ISSUER, sub, then, **claims))

    return sign_in


def code_for(client: Client, issuer: str, sub: str, then: str = "", **claims: Any) -> str:
    """Sign in at the provider; where it sends the browser back to."""
    requests.put(f"{issuer}/users/{sub}", json=claims, timeout=10).raise_for_status()
    to_provider = client.get(f"/accounts/sso/?{urlencode({'next': then})}").headers["Location"]
    assert to_provider.startswith(f"{issuer}/oauth2/authorize?")
    answer = requests.post(to_provider, data={"sub": sub}, allow_redirects=False, timeout=10)
    back = urlsplit(answer.headers["Location"])
    assert back.path == "/accounts/sso/callback/"
    return f"{back.path}?{back.query}"


def as_seen_by(user: User) -> dict[str, Any]:
    return {"email": user.email, "email_verified": True}


def client_of(come: Callable[..., Any], user: User) -> Client:
    """A browser in which they have come by the provider, which has just asked who they are."""
    client = Client()
    come(client, auth_time=time.time(), **as_seen_by(user))
    return client


def asked_for(answer: Any) -> dict[str, str]:
    """What the provider is asked for."""
    return {name: value for name, [value] in parse_qs(urlsplit(answer.headers["Location"]).query).items()}


def signed_in_as(client: Client) -> str:
    return str(client.session.get("_auth_user_id", ""))


def words(client: Client, answer: Any) -> str:
    """What the page says to which somebody who was turned away is led."""
    assert answer.headers["Location"] == "/accounts/login/"
    return str(client.get("/accounts/login/").content.decode())


def refusals() -> int:
    return Entry.objects.filter(event=Event.SIGN_IN_FAILED).count()


@pytest.mark.parametrize("missing", ["OIDC_ISSUER", "OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET", "solo"])
def test_unless_it_is_configured_there_is_no_button_and_no_page(configured: Any, missing: str) -> None:
    assert "Sign in with Example ID" in Client().get("/accounts/login/").content.decode()
    if missing == "solo":
        configured.PORTAL_MODE = "solo"
    else:
        setattr(configured, missing, "")
    assert "Sign in with Example ID" not in Client().get("/accounts/login/").content.decode()
    for name in ("sso", "sso_callback"):
        assert Client().get(reverse(name)).status_code == 404


def test_staff_sign_in_by_their_verified_address_and_the_way_is_recorded(
    come: Callable[..., Any], reviewer: User, caplog: pytest.LogCaptureFixture
) -> None:
    client = Client()
    client.get("/accounts/sso/")
    before = client.session.session_key
    with caplog.at_level(logging.DEBUG, "onboarding"), structlog.testing.capture_logs() as logged:
        answer = come(client, then="/desk/logins/", email=reviewer.email.upper(), email_verified=True)
    assert answer.headers["Location"] == "/desk/logins/"
    assert signed_in_as(client) == str(reviewer.pk)
    assert client.session.session_key != before  # nobody can have chosen it beforehand
    entry = Entry.objects.get(event=Event.SIGNED_IN, subject_id=reviewer.pk)
    assert entry.data["with"] == ["single_sign_on"]
    assert "single sign-on" in client.get("/profile/history/").content.decode()
    assert "eyJ" not in json.dumps([dict(client.session), logged, caplog.text], default=str)  # how each token begins
    assert (link := ProviderIdentity.objects.get()).subject == "1"
    assert (link.user, link.issuer) == (reviewer, settings.OIDC_ISSUER)
    assert Entry.objects.filter(event=Event.SINGLE_SIGN_ON_LINKED, subject_id=reviewer.pk).count() == 1
    reviewer.refresh_from_db()
    assert reviewer.has_usable_password()


def test_what_it_is_asked_carries_a_state_a_nonce_and_a_challenge_that_are_new_each_time(configured: Any) -> None:
    client = Client()
    asked = [asked_for(client.get("/accounts/sso/?scope=admin&auth_params=prompt%3Dnone")) for _each in range(2)]
    assert len({one[name] for one in asked for name in ("state", "nonce", "code_challenge")}) == 6
    assert asked[0]["code_challenge_method"] == "S256"
    assert asked[0]["scope"] == "openid email profile"
    assert "prompt" not in asked[0]
    assert asked[0]["redirect_uri"] == f"{configured.PUBLIC_URL}/accounts/sso/callback/"


def test_from_then_on_who_somebody_is_is_the_provider_s_name_for_them_and_not_their_address(
    come: Callable[..., Any], reviewer: User, second_reviewer: User
) -> None:
    come(Client(), sub="ada", **as_seen_by(reviewer))
    moved = Client()
    come(moved, sub="ada", **as_seen_by(second_reviewer))  # whatever address they have meanwhile
    assert signed_in_as(moved) == str(reviewer.pk)
    other = Client()
    answer = come(other, sub="somebody else", **as_seen_by(reviewer))  # an address that was given to somebody else
    assert "knows somebody else under this account" in words(other, answer)
    assert not signed_in_as(other)


@pytest.mark.parametrize("verified", [False, None, "true", 1])
def test_an_address_that_the_provider_does_not_call_verified_does_not_count(
    come: Callable[..., Any], reviewer: User, verified: Any
) -> None:
    client = Client()
    answer = come(client, email=reviewer.email, email_verified=verified)
    assert "does not say that your e-mail address is verified" in words(client, answer)
    assert not signed_in_as(client)
    assert refusals() == 1


def test_an_address_in_letters_that_only_look_the_same_is_another_one(come: Callable[..., Any], reviewer: User) -> None:
    client = Client()
    look_alike = reviewer.email.replace("k", "\N{KELVIN SIGN}").replace("i", "\N{LATIN SMALL LETTER DOTLESS I}")
    assert look_alike != reviewer.email
    come(client, email=look_alike, email_verified=True)
    assert not signed_in_as(client)


def test_partners_and_strangers_are_never_let_in(
    come: Callable[..., Any], configured: Any, owner: User, reviewer: User, partner: Organisation
) -> None:
    Membership.objects.create(organisation=partner, user=reviewer, role="viewer")
    configured.OIDC_ROLE_CLAIM, configured.OIDC_ROLES = "groups", ROLES
    for person in (owner, reviewer):  # even staff, if a company is theirs, too; whatever the provider says of them
        client = Client()
        answer = come(client, **as_seen_by(person), groups=["fleet-admin"])
        assert "not one that signs in this way" in words(client, answer)
        assert not signed_in_as(client)
    assert not owner.roles.exists()
    configured.OIDC_ROLE_CLAIM, configured.OIDC_ROLES = "", []
    client = Client()
    answer = come(client, email="nobody@maker.example", email_verified=True)
    assert "no staff account here with the address nobody@maker.example" in words(client, answer)
    assert not User.objects.filter(email="nobody@maker.example").exists()
    assert refusals() == 3


def test_an_account_that_belongs_to_nobody_s_company_does_not_become_staff_by_a_mapping(
    come: Callable[..., Any], configured: Any
) -> None:
    configured.OIDC_ROLE_CLAIM, configured.OIDC_ROLES = "groups", ROLES
    confirmed, waiting = (User.objects.create_user(f"{name}@maker.example") for name in ("confirmed", "waiting"))
    EmailAddress.objects.create(user=confirmed, email=confirmed.email, verified=True, primary=True)
    EmailAddress.objects.create(user=waiting, email=waiting.email, verified=False, primary=True)
    for person, said in ((confirmed, "no staff account"), (waiting, "is not a staff account")):
        client = Client()
        answer = come(client, **as_seen_by(person), groups="fleet-review")
        assert said in words(client, answer)
        assert not person.roles.exists()
        assert not signed_in_as(client)


def test_only_addresses_of_the_given_domain_count_and_a_blocked_account_stays_blocked(
    come: Callable[..., Any], configured: Any, reviewer: User
) -> None:
    configured.OIDC_EMAIL_DOMAIN = "stellantis.example"
    client = Client()
    assert "Only addresses at stellantis.example" in words(client, come(client, **as_seen_by(reviewer)))
    configured.OIDC_EMAIL_DOMAIN = "maker.example"
    assert come(client, **as_seen_by(reviewer)).headers["Location"] == "/"
    reviewer.is_active = False
    reviewer.save()
    client = Client()
    assert "not one that signs in this way" in words(client, come(client, **as_seen_by(reviewer)))


def test_whose_roles_were_withdrawn_at_the_desk_is_out_and_only_the_desk_brings_them_back(
    come: Callable[..., Any], configured: Any, reviewer: User, administrator: User
) -> None:
    configured.OIDC_ROLE_CLAIM, configured.OIDC_ROLES = "groups", ROLES
    claims = as_seen_by(reviewer) | {"groups": ["fleet-review"]}
    inside = Client()
    come(inside, **claims)
    assert inside.get("/desk/").status_code == 200
    actor = Actor(ActorKind.STAFF, administrator.pk)
    desk.set_roles(reviewer, [], actor=actor)
    assert inside.get("/desk/").status_code == 403
    client = Client()
    assert "no staff account" in words(client, come(client, **claims))
    assert Entry.objects.filter(event=Event.SINGLE_SIGN_ON_UNLINKED, subject_id=reviewer.pk).exists()
    desk.set_roles(reviewer, ["auditor"], actor=actor)
    assert come(client, sub="a new name", **claims).status_code == 302
    assert signed_in_as(client) == str(reviewer.pk)


def test_a_mapping_makes_the_account_and_grants_and_withdraws_its_roles_at_each_sign_in(
    come: Callable[..., Any], configured: Any
) -> None:
    configured.OIDC_ROLE_CLAIM, configured.OIDC_ROLES = "groups", ROLES
    person = {"sub": "new", "email": "new@maker.example", "email_verified": True, "name": "New"}
    client = Client()
    assert "no staff account" in words(client, come(client, **person, groups=["others"]))
    assert not User.objects.exists()
    assert come(Client(), **person, groups=["others", "fleet-review"]).status_code == 302
    made = User.objects.get()
    assert (made.email, made.name, made.has_usable_password()) == ("new@maker.example", "New", False)
    assert set(made.roles.values_list("role", flat=True)) == {"reviewer"}

    StaffRole.objects.create(user=made, role="auditor")  # given at the desk: not the provider's to take
    come(Client(), **person | {"email": "married@maker.example"}, groups=[])
    assert set(made.roles.values_list("role", flat=True)) == {"auditor"}
    made.roles.all().delete()
    client = Client()
    assert "gives you no role here" in words(client, come(client, **person, groups=[]))
    assert not signed_in_as(client)
    come(client, **person, groups=["fleet-review"])  # the same person, by the provider's own name for them
    assert signed_in_as(client) == str(made.pk)
    events = Entry.objects.filter(subject_id=made.pk, event__in=[Event.ROLE_GRANTED, Event.ROLE_WITHDRAWN])
    said = [(one.event, one.data["role"], one.actor_kind) for one in events.order_by("occurred_at")]
    assert said == [
        (Event.ROLE_GRANTED, "reviewer", "system"),
        (Event.ROLE_WITHDRAWN, "reviewer", "system"),
        (Event.ROLE_GRANTED, "reviewer", "system"),
    ]


def test_the_last_administrator_keeps_that_role_but_does_not_come_in_by_it(
    come: Callable[..., Any], configured: Any, administrator: User
) -> None:
    configured.OIDC_ROLE_CLAIM, configured.OIDC_ROLES = "groups", ROLES
    client = Client()
    assert "gives you no role here" in words(client, come(client, **as_seen_by(administrator), groups=[]))
    assert administrator.roles.get().role == "administrator"
    assert not signed_in_as(client)


@pytest.mark.parametrize(
    ("configured_as", "said", "counts"),
    [
        ([], {"amr": ["pwd", "mfa"], "acr": "high"}, False),
        (["always"], {}, True),
        (["amr=mfa", "acr=high"], {"amr": ["pwd", "mfa"]}, True),
        (["amr=mfa", "acr=high"], {"acr": "high"}, True),
        (["amr=mfa", "acr=high"], {"amr": ["pwd"], "acr": "low"}, False),
        (["amr=mfa"], {"amr": {"mfa": True}}, False),
    ],
)
def test_it_is_a_second_factor_only_where_the_operator_and_the_provider_say_so(
    come: Callable[..., Any], configured: Any, reviewer: User, configured_as: list[str], said: Any, counts: bool
) -> None:
    configured.STAFF_SECOND_FACTOR = True
    configured.OIDC_SECOND_FACTOR = configured_as
    client = Client()
    come(client, **as_seen_by(reviewer), **said)
    assert (client.get("/desk/").status_code == 200) is counts
    assert counts or client.get("/desk/").headers["Location"] == "/accounts/2fa/"


def test_who_has_a_second_factor_here_is_asked_for_it_unless_the_provider_was(
    come: Callable[..., Any],
    configured: Any,
    reviewer: User,
    signed_in: Browser,
    set_up_app: Callable[[Client], str],
) -> None:
    set_up_app(signed_in(reviewer))
    configured.OIDC_SECOND_FACTOR = ["amr=mfa"]
    client = Client()
    assert come(client, then="/desk/", amr=["mfa"], **as_seen_by(reviewer)).headers["Location"] == "/desk/"
    client = Client()
    assert come(client, amr=["pwd"], **as_seen_by(reviewer)).headers["Location"] == "/accounts/2fa/authenticate/"
    assert not signed_in_as(client)
    assert enter(Client(), reviewer) == "/accounts/2fa/authenticate/"


def test_staff_whom_the_provider_knows_do_not_come_in_by_a_password_alone(
    come: Callable[..., Any],
    configured: Any,
    reviewer: User,
    signed_in: Browser,
    set_up_app: Callable[[Client], str],
) -> None:
    configured.STAFF_SECOND_FACTOR = True
    client = Client()
    assert enter(client, reviewer)  # not yet known to the provider
    come(Client(), **as_seen_by(reviewer))
    client = Client()
    enter(client, reviewer)
    assert not signed_in_as(client)
    assert "You sign in with Example ID here." in client.get("/accounts/login/").content.decode()
    set_up_app(client_of(come, reviewer))
    assert enter(Client(), reviewer) == "/accounts/2fa/authenticate/"  # with one of theirs they may


SENSITIVE = (
    "/profile/data/my-data.json",
    "/accounts/2fa/totp/activate/",
    "/accounts/2fa/webauthn/add/",
    "/accounts/password/set/",
)


def test_who_has_neither_password_nor_second_factor_is_asked_again_by_the_provider(
    come: Callable[..., Any], reviewer: User
) -> None:
    reviewer.set_unusable_password()
    reviewer.save()
    client = Client()
    come(client, auth_time=None, **as_seen_by(reviewer))  # it let them in, and does not say when it asked them
    for page in SENSITIVE:
        answer = client.get(page)
        assert answer.headers["Location"].startswith("/accounts/sso/?"), page
        asked = asked_for(client.get(answer.headers["Location"]))
        assert (asked["prompt"], asked["max_age"]) == ("login", "0")
    added = client.post("/accounts/email/", {"email": "more@maker.example", "action_add": ""})
    assert added.headers["Location"].startswith("/accounts/sso/?")
    assert not EmailAddress.objects.filter(email="more@maker.example").exists()

    for unproven in (None, time.time() - 3600, "now", True):
        answer = come(client, then=SENSITIVE[0], auth_time=unproven, **as_seen_by(reviewer))
        assert answer.headers["Location"] == "/profile/"
        assert client.get(SENSITIVE[0]).status_code == 302, unproven
    answer = come(client, then="/accounts/email/", auth_time=time.time(), **as_seen_by(reviewer))
    assert answer.status_code == 302
    assert EmailAddress.objects.filter(email="more@maker.example").exists()  # what was sent before goes on
    assert all(client.get(page).status_code == 200 for page in SENSITIVE)
    assert signed_in_as(client) == str(reviewer.pk)


def test_a_sign_in_proves_who_is_there_as_of_when_the_provider_asked(come: Callable[..., Any], reviewer: User) -> None:
    for asked, status in ((0, 200), (3600, 302), (-3600, 200)):  # a clock that is fast does not make it last
        client = Client()
        come(client, auth_time=time.time() - asked, **as_seen_by(reviewer))
        assert client.get(SENSITIVE[0]).status_code == status
    reviewer.set_unusable_password()
    reviewer.save()
    assert client.session["account_authentication_methods"][-1]["proven_at"] <= time.time()


def test_somebody_else_at_the_provider_proves_nothing_and_changes_nothing(
    come: Callable[..., Any], reviewer: User, second_reviewer: User
) -> None:
    come(Client(), sub="other", **as_seen_by(second_reviewer))
    client = Client()
    come(client, sub="ada", auth_time=None, **as_seen_by(reviewer))
    for sub, person in (("other", second_reviewer), ("unknown", reviewer)):
        answer = come(client, sub=sub, auth_time=time.time(), **as_seen_by(person))
        assert answer.headers["Location"] == "/profile/"
        assert "Somebody else signed in at the provider." in client.get("/profile/").content.decode()
        assert signed_in_as(client) == str(reviewer.pk)
        assert client.get(SENSITIVE[0]).status_code == 302


def test_who_has_no_way_to_prove_it_sets_a_password_by_mail(
    come: Callable[..., Any], configured: Any, reviewer: User
) -> None:
    reviewer.set_unusable_password()
    reviewer.save()
    client = Client()
    come(client, auth_time=None, **as_seen_by(reviewer))
    configured.OIDC_ISSUER = ""
    for page in SENSITIVE:
        assert client.get(page).headers["Location"].startswith("/accounts/password/reset/?")


@pytest.mark.parametrize(
    "then",
    ["https://evil.example/", "//evil.example/", "/\\evil.example/", "javascript:alert(1)", "/\x09/evil.example/"],
)
def test_nobody_is_led_elsewhere_afterwards(come: Callable[..., Any], reviewer: User, then: str) -> None:
    assert come(Client(), then=then, **as_seen_by(reviewer)).headers["Location"] == "/"


def test_what_was_not_asked_for_here_or_comes_twice_signs_nobody_in(
    come: Callable[..., Any], configured: Any, reviewer: User
) -> None:
    client, other = Client(), Client()
    back = code_for(client, configured.OIDC_ISSUER, "1", **as_seen_by(reviewer))
    other.get("/accounts/sso/")
    assert "did not work" in words(other, other.get(back))  # another browser: login CSRF
    assert client.get(back).headers["Location"] == "/"
    assert "did not work" in words(other, other.get(back))
    theirs = Client()
    asked = asked_for(theirs.get("/accounts/sso/"))
    mine = code_for(other, configured.OIDC_ISSUER, "1", **as_seen_by(reviewer))
    code = parse_qs(urlsplit(mine).query)["code"][0]
    injected = theirs.get("/accounts/sso/callback/", {"state": asked["state"], "code": code})
    assert "did not work" in words(theirs, injected)  # a code that was got elsewhere: its nonce is another one
    cancelled = Client()
    state = asked_for(cancelled.get("/accounts/sso/"))["state"]
    answer = cancelled.get("/accounts/sso/callback/", {"state": state, "error": "access_denied"})
    assert "it was cancelled" in words(cancelled, answer)
    mixed = Client()
    back = code_for(mixed, configured.OIDC_ISSUER, "1", **as_seen_by(reviewer))
    assert "did not work" in words(mixed, mixed.get(f"{back}&iss=https%3A%2F%2Fevil.example"))
    late = Client()
    back = code_for(late, configured.OIDC_ISSUER, "1", **as_seen_by(reviewer))
    session = late.session
    session["single_sign_on"] = {name: one | {"at": 1.0} for name, one in session["single_sign_on"].items()}
    session.save()
    assert "did not work" in words(late, late.get(back))
    assert not any(signed_in_as(one) for one in (other, theirs, cancelled, mixed, late))


KEY, OTHER_KEY = (rsa.generate_private_key(public_exponent=65537, key_size=2048) for _each in range(2))


def published(**keys: Any) -> dict[str, Any]:
    """The provider's keys, by their names."""
    named = [(name, key.public_key()) for name, key in keys.items()]
    made = []
    for name, key in named:
        algorithm = jwt.algorithms.RSAAlgorithm if isinstance(key, rsa.RSAPublicKey) else jwt.algorithms.ECAlgorithm
        made.append(algorithm.to_jwk(key, as_dict=True) | {"kid": name})
    return {"keys": made}


def token(key: Any = KEY, kid: str | None = "now", algorithm: str = "RS256", **changed: Any) -> str:
    now = int(time.time())
    claims = {"iss": "https://id.example", "aud": "portal", "sub": "1", "nonce": "n", "iat": now, "exp": now + 300}
    claims = {name: value for name, value in (claims | changed).items() if value is not None}
    return jwt.encode(claims, key, algorithm, headers={"kid": kid} if kid else {})


def believed(encoded: Any, **keys: Any) -> dict[str, Any]:
    return oidc.believe(encoded, published(**(keys or {"now": KEY})), issuer="https://id.example", nonce="n")


def test_an_id_token_is_believed_whichever_of_its_keys_the_provider_signs_with_now(settings: Any) -> None:
    settings.OIDC_CLIENT_ID = "portal"
    assert believed(token())["sub"] == "1"
    assert believed(token(OTHER_KEY, "next"), now=KEY, next=OTHER_KEY)["sub"] == "1"  # keys were rotated
    elliptic = ec.generate_private_key(ec.SECP256R1())
    assert believed(token(elliptic, "next", "ES256"), now=KEY, next=elliptic)["sub"] == "1"
    assert believed(token(kid=None))["sub"] == "1"
    assert believed(token(aud=["portal", "other"], azp="portal"))["sub"] == "1"


PUBLIC_PEM = published(now=KEY)


@pytest.mark.parametrize(
    "forged",
    [
        lambda: token(OTHER_KEY),
        lambda: token(OTHER_KEY, "unknown"),
        lambda: token("client's secret is long enough for HS256", algorithm="HS256"),
        lambda: token(PUBLIC_PEM["keys"][0]["n"], algorithm="HS256"),
        lambda: token(None, algorithm="none"),
        lambda: token()[:-6] + "AAAAAA",
        lambda: token(iss="https://evil.example"),
        lambda: token(aud="another client"),
        lambda: token(aud=["portal", "other"]),
        lambda: token(azp="other"),
        lambda: token(exp=int(time.time()) - 61),
        lambda: token(exp=None),
        lambda: token(iat=int(time.time()) + 3600),
        lambda: token(nonce="another"),
        lambda: token(nonce=None),
        lambda: token(nonce=["n"]),
        lambda: token(sub=None),
        lambda: token(sub=""),
        lambda: token(sub="s" * 256),
        lambda: None,
        lambda: {"a": 1},
        lambda: "a.b.c",
        lambda: "",
    ],
)
def test_an_id_token_that_is_not_the_provider_s_for_us_now_is_not_believed(
    settings: Any, forged: Callable[[], Any]
) -> None:
    settings.OIDC_CLIENT_ID = "portal"
    with pytest.raises(oidc.SingleSignOnError):
        believed(forged())


@pytest.mark.parametrize("keys", [{}, {"keys": []}, {"keys": "none"}, {"keys": [{"kty": "oct", "k": "AA"}]}])
def test_without_keys_nothing_is_believed(settings: Any, keys: dict[str, Any]) -> None:
    settings.OIDC_CLIENT_ID = "portal"
    with pytest.raises(oidc.SingleSignOnError):
        oidc.believe(token(), keys, issuer="https://id.example", nonce="n")


@pytest.mark.parametrize(
    "change",
    [
        {"issuer": "https://evil.example"},
        {"issuer": None},
        {"token_endpoint": "https://evil.example/token"},
        {"jwks_uri": "http://127.0.0.1:1/jwks"},
        {"jwks_uri": "http://[::1"},
        {"authorization_endpoint": "https://evil.example/authorize"},
        {"authorization_endpoint": None},
    ],
)
def test_a_provider_that_names_others_is_not_followed(
    configured: Any, change: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = oidc.json.loads
    monkeypatch.setattr(oidc, "json", SimpleNamespace(loads=lambda text: plain(text) | change))
    client = Client()
    assert "did not work" in words(client, client.get("/accounts/sso/"))


class Misbehaving(http.server.BaseHTTPRequestHandler):
    """What the path says."""

    def do_GET(self) -> None:
        kind = self.path.split("/")[1]
        self.send_response({"moved": 302, "broken": 500}.get(kind, 200))
        if kind == "moved":
            self.send_header("Location", "http://127.0.0.1:1/")
        self.end_headers()
        bodies = {
            "long": b'{"a": "' + b"a" * 300_000 + b'"}',
            "list": b"[]",
            "half": b'{"issuer',
            "deep": b"[" * 99_999,
        }
        self.wfile.write(bodies.get(kind, b"{}"))
        if kind == "slow":
            for _each in range(1000):
                self.wfile.write(b" ")
                self.wfile.flush()
                if self.server.stopped.wait(0.02):  # type: ignore[attr-defined]
                    break

    def log_message(self, *_arguments: object) -> None:
        pass


def test_a_provider_that_is_down_slow_or_talks_nonsense_is_said_so_in_time_and_not_asked_again_at_once(
    configured: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(oidc, "SECONDS_IN_ALL", 0.3)
    client = Client()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Misbehaving) as server:
        server.stopped = threading.Event()  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        for kind in ("moved", "broken", "long", "list", "half", "deep", "slow", "other"):
            configured.OIDC_ISSUER = f"http://127.0.0.1:{server.server_port}/{kind}"
            begun = time.monotonic()
            assert "did not work" in words(client, client.get("/accounts/sso/")), kind
            assert time.monotonic() - begun < 5
        server.stopped.set()  # type: ignore[attr-defined]
        server.shutdown()
    configured.OIDC_ISSUER = f"http://127.0.0.1:{free_port()}"
    assert "did not work" in words(client, client.get("/accounts/sso/"))
    monkeypatch.setattr(oidc._Calls, "get", lambda *_arguments: pytest.fail("asked again at once"))
    assert "did not work" in words(client, client.get("/accounts/sso/"))


def test_nothing_but_the_issuer_is_ever_called(configured: Any) -> None:
    for url in ("https://evil.example/", f"{configured.OIDC_ISSUER}@evil.example/", "http://127.0.0.1:1/"):
        with pytest.raises(oidc.SingleSignOnError, match="not the issuer's"):
            oidc._Calls().get(url)


def test_it_is_https_wherever_it_is_served_to_others(settings: Any) -> None:
    settings.OIDC_ISSUER = "http://127.0.0.1:9000"
    assert "portal.E106" in [one.id for one in fit_for_others()]
    settings.OIDC_ISSUER = "https://id.example"
    assert "portal.E106" not in [one.id for one in fit_for_others()]


WHOLE = {"OIDC_ISSUER": "https://id.example", "OIDC_CLIENT_ID": "portal", "OIDC_CLIENT_SECRET": "secret"}


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        ({}, False),
        (WHOLE, False),
        (WHOLE | {"OIDC_ROLE_CLAIM": "groups", "OIDC_ROLES": ["a=b=reviewer"]}, False),
        (WHOLE | {"OIDC_CLIENT_SECRET": ""}, True),
        ({"OIDC_SECOND_FACTOR": ["always"]}, True),
        (WHOLE | {"OIDC_ISSUER": "http://id.example"}, True),
        (WHOLE | {"OIDC_ISSUER": "id.example"}, True),
        (WHOLE | {"OIDC_ROLES": ROLES}, True),
        (WHOLE | {"OIDC_ROLE_CLAIM": "groups", "OIDC_ROLES": ["fleet=owner"]}, True),
        (WHOLE | {"OIDC_SECOND_FACTOR": ["amr=mfa", "always"]}, False),
        (WHOLE | {"OIDC_SECOND_FACTOR": ["mfa"]}, True),
        (WHOLE | {"OIDC_CA_FILE": "/nowhere.pem"}, True),
        (WHOLE | {"PORTAL_MODE": "solo"}, True),
    ],
)
def test_half_a_configuration_is_found_at_start(settings: Any, given: dict[str, Any], wrong: bool) -> None:
    for name, value in given.items():
        setattr(settings, name, value)
    found = [one for one in settings_agree() if one.id == "portal.E012"]
    assert bool(found) is wrong
    assert "secret" not in json.dumps([str(one) for one in found])
