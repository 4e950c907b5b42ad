"""The sandbox's identity provider: a request is read strictly, a driver decides, codes and tokens are given and taken.

Nothing here is the car maker's: drivers are invented, tokens open the sandbox alone. Codes and tokens are random, and
kept as SHA-256; the rows are the truth, so that page and token endpoint, in two processes, agree.
"""

import hashlib
import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import quote, urlencode, urlsplit, urlunsplit

from django.db import transaction
from django.db.models import Q

from onboarding.credentials.models import SandboxClient
from onboarding.enrolment.models import Consent
from onboarding.enrolment.registered import registered
from onboarding.oauth import scopes as scope_words
from onboarding.oauth.grants import Granted, GrantRefused, Tokens
from onboarding.programmes import Brand, brands
from onboarding.registrations.models import Application

CODE_LIFE = timedelta(seconds=60)
ACCESS_LIFE = timedelta(minutes=15)
REFRESH_LIFE = timedelta(days=1)
MOST_AN_HOUR = 200
"""Consents of one application. All four figures are ours: the car maker publishes none."""

Query = Mapping[str, Sequence[str]]
"""The parameters of a request, each with all its values."""


class NotRedirectable(Exception):
    """The browser cannot be sent back: nobody knows to whom (RFC 6749, 4.1.2.1). reason: brand, client or redirect."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Refusal(Exception):
    """The browser is sent back with an error. address: where to, with it."""

    def __init__(self, address: str) -> None:
        super().__init__()
        self.address = address


@dataclass(frozen=True, slots=True)
class Asked:
    """An authorisation request that is in order."""

    application: Application
    client_id: str
    brand: Brand
    redirect_uri: str
    scopes: tuple[str, ...]
    state: str

    def back(self, **result: str) -> str:
        """Return where the browser is sent, with a result, and the state if there was one."""
        return _back(self.redirect_uri, self.state, **result)


def read(brand_id: str, query: Query, *, also: Collection[str]) -> Asked:
    """Read a request. Raises NotRedirectable, Refusal.

    also: templates of addresses that count as registered, with `{application}` for its id: the portal's own.
    """
    brand = brands().get(brand_id)
    if brand is None:
        raise NotRedirectable("brand")
    client_id = _one(query, "client_id")
    known_clients = SandboxClient.objects.select_related("application").filter(client_id=client_id)
    client = known_clients.first() if client_id.isprintable() else None
    if client is None or client.application.programme != "end_user":
        raise NotRedirectable("client")
    application, known = client.application, registered(client.application)
    own = {address.format(application=application.pk) for address in also}
    redirect_uri = _one(query, "redirect_uri")
    if not redirect_uri or redirect_uri not in {known.redirect_uri, *own}:
        raise NotRedirectable("redirect")
    state = _one(query, "state")
    asked = scope_words.read(_one(query, "scope"))
    if problem := _problem(query, brand, known.brands, asked, known.scopes):
        raise Refusal(_back(redirect_uri, state, error=problem[0], error_description=problem[1]))
    return Asked(application, client.client_id, brand, redirect_uri, asked, state)


def _problem(
    query: Query, brand: Brand, its_brands: Collection[Brand], asked: Sequence[str], open_to_it: Collection[str]
) -> tuple[str, str] | None:
    """Return what is wrong with a request whose client and address are right: an error, and a description."""
    doubled = sorted(name for name, values in query.items() if len(values) > 1)
    if doubled:
        return "invalid_request", f"{doubled[0]!a} is given more than once"
    if not _one(query, "response_type"):
        return "invalid_request", "response_type is missing"
    if _one(query, "response_type") != "code":
        return "unsupported_response_type", "response_type must be code"
    if _one(query, "realm").strip("/").split("/")[0] not in ("", brand.realm):
        return "invalid_request", f"realm must be {brand.realm}"
    if brand not in its_brands:
        return "unauthorized_client", f"{brand.name} is not among the brands of this application"
    if not asked:
        return "invalid_scope", "scope is missing"
    if unknown := [scope for scope in asked if scope not in open_to_it]:
        return "invalid_scope", f"not registered for this application: {', '.join(unknown[:5])!a}"
    return None


def _one(query: Query, name: str) -> str:
    values = query.get(name) or ("",)
    return values[0]


def _back(redirect_uri: str, state: str, **result: str) -> str:
    """Return a registered address with a result added to its query, which is kept."""
    parts = urlsplit(redirect_uri)
    added = urlencode(result | ({"state": state} if state else {}), quote_via=quote, safe="")
    return urlunsplit(parts._replace(query=f"{parts.query}&{added}" if parts.query else added))


def give(asked: Asked, driver_id: str, granted: Collection[str], now: datetime) -> str:
    """Write down what a driver granted, and return where the browser is sent, with the code or an error.

    granted: of the scopes that were asked for; others do not count.
    """
    recent = Consent.objects.filter(application=asked.application, given_at__gt=now - timedelta(hours=1))
    if recent.count() >= MOST_AN_HOUR:
        return asked.back(
            error="temporarily_unavailable", error_description=f"more than {MOST_AN_HOUR} consents an hour"
        )
    code = secrets.token_urlsafe(24)
    given = [scope for scope in asked.scopes if scope in granted]
    Consent.objects.create(
        application=asked.application,
        client_id=asked.client_id,
        brand=asked.brand.id,
        redirect_uri=asked.redirect_uri,
        driver=driver_id,
        scopes=given,
        given_at=now,
        code_sha256=_sha256(code),
        code_until=now + CODE_LIFE,
    )
    return asked.back(code=code, scope=",".join(given))


def exchange(client_id: str, code: str, redirect_uri: str, now: datetime) -> Tokens:
    """Exchange a code for tokens, once. Raises GrantRefused."""
    with transaction.atomic():
        consent = Consent.objects.select_for_update().filter(code_sha256=_sha256(code), client_id=client_id).first()
        if consent is None:
            raise GrantRefused("this code does not exist, or was given to another client")
        is_again = consent.exchanged_at is not None
        if is_again:
            # Two have it, and one of them is not who should (RFC 6749, section 4.1.2).
            Consent.objects.filter(pk=consent.pk, revoked_at=None).update(revoked_at=now)
        elif now >= consent.code_until:
            raise GrantRefused(f"this code has expired: it is good for {CODE_LIFE.seconds} s")
        elif redirect_uri != consent.redirect_uri:
            raise GrantRefused("redirect_uri is not the one that the code was asked for with")
        else:
            return _new_tokens(consent, now, exchanged_at=now)
    raise GrantRefused("this code was exchanged before; the tokens that it gave are revoked")


def refresh(client_id: str, token: str, realm: str, now: datetime) -> Tokens:
    """Exchange a refresh token for new tokens. realm: as the query named it. Raises GrantRefused."""
    with transaction.atomic():
        consent = Consent.objects.select_for_update().filter(
            refresh_sha256=_sha256(token), client_id=client_id, revoked_at=None, refresh_until__gt=now
        ).first()  # fmt: skip
        if consent is None:
            raise GrantRefused("this refresh token does not exist, has expired, was used before, or is revoked")
        expected = brands()[consent.brand].realm
        if realm.strip("/").split("/")[0] != expected:
            raise GrantRefused(f"the query must name the realm {expected}", "invalid_request")
        return _new_tokens(consent, now)


def revoke(client_id: str, token: str, now: datetime) -> None:
    """Take away all that hangs on a token; nothing where there is none (RFC 7009, section 2.2)."""
    its = Q(access_sha256=_sha256(token)) | Q(refresh_sha256=_sha256(token))
    Consent.objects.filter(its, client_id=client_id, revoked_at=None).update(revoked_at=now)


def whose(client_id: str, token: str, now: datetime) -> Granted | None:
    """Return whose access token it is; None where it is nobody's (any more), or another client's."""
    consent = Consent.objects.filter(
        access_sha256=_sha256(token), client_id=client_id, access_until__gt=now, revoked_at=None
    ).first()
    return None if consent is None else Granted(consent.driver, consent.brand, tuple(consent.scopes))


def _new_tokens(consent: Consent, now: datetime, **changes: datetime) -> Tokens:
    access, renewing = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    # Compare-and-set: SQLite has no row locks, and two may come at once.
    mine = Consent.objects.filter(
        pk=consent.pk, exchanged_at=consent.exchanged_at, refresh_sha256=consent.refresh_sha256, revoked_at=None
    )
    if not mine.update(
        access_sha256=_sha256(access),
        access_until=now + ACCESS_LIFE,
        refresh_sha256=_sha256(renewing),
        refresh_until=now + REFRESH_LIFE,
        **changes,
    ):
        raise GrantRefused("it was used at the same moment by somebody else")
    return Tokens(access, renewing, tuple(consent.scopes), int(ACCESS_LIFE.total_seconds()))


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
