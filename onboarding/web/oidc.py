"""The OpenID Connect provider of single sign-on: found, asked and believed as its standard says, and nobody else.

Numbered as in OpenID Connect Core 1.0, section 3.1.3.7, where it says what must be checked of an ID token. The answers
of the provider are held here for the length of one sign-in; neither tokens nor claims are kept or logged.
"""

import base64
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Self
from urllib.parse import quote_plus, urlencode, urljoin, urlsplit

import jwt
import requests
import urllib3
from django.conf import settings
from django.core.cache import cache
from django.urls import reverse

from onboarding.partners.modes import mode

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Signatures that only the provider can make: neither "none", nor those with a secret that is ours, too."""

LEEWAY = 60
"""Seconds by which clocks may differ."""

LONGEST_SUBJECT = 255
"""Characters (OpenID Connect Core, section 2)."""

SECONDS_A_CALL, SECONDS_IN_ALL = 5, 12
"""How long one call may be silent, and how long all calls of one sign-in may take."""

LONGEST_ANSWER = 256 * 1024
"""Bytes."""

KNOWN_FOR, DOWN_FOR = 300, 10
"""Seconds for which what the provider says of itself is remembered, or that it said nothing of use."""

ALWAYS = "always"
"""What OIDC_SECOND_FACTOR says where the provider lets nobody in without one."""


class SingleSignOnError(Exception):
    """It did not work. The text is for the log: it names what, and quotes nothing of what came."""


def configured() -> bool:
    """Tell whether staff can sign in this way."""
    return mode().has_desk and all((settings.OIDC_ISSUER, settings.OIDC_CLIENT_ID, settings.OIDC_CLIENT_SECRET))


@dataclass(frozen=True, slots=True)
class Attempt:
    """One way to the provider and back, as the session of the browser that goes it remembers it.

    user: whose session it is if they only prove again who they are; at: seconds since 1970; then: where to go next.
    """

    nonce: str
    verifier: str
    at: float
    user: str = ""
    then: str = ""

    @classmethod
    def begin(cls, *, user: str, then: str) -> Self:
        """Return a new one."""
        return cls(secrets.token_urlsafe(32), secrets.token_urlsafe(48), time.time(), user, then)


@dataclass(frozen=True, slots=True)
class Person:
    """Who came, by the provider's word.

    email: "" unless the provider says that it is verified. values: of the claim OIDC_ROLE_CLAIM. proven_at: when the
    provider last asked them who they are, in seconds since 1970; None where it does not say. second_factor: whether
    that was with one, by OIDC_SECOND_FACTOR.
    """

    subject: str
    email: str
    name: str
    values: tuple[str, ...]
    proven_at: float | None
    second_factor: bool


@dataclass(frozen=True, slots=True)
class Provider:
    """What the provider says of itself. userinfo: "" if there is none; basic: how it wants the client's secret."""

    issuer: str
    authorization: str
    token: str
    jwks: str
    userinfo: str
    basic: bool

    @classmethod
    def find(cls) -> Self:
        """Return it, as it said lately. Raises SingleSignOnError."""
        name = f"oidc:{hashlib.sha256(settings.OIDC_ISSUER.encode()).hexdigest()}"
        found = cache.get(name)
        if found is None:
            try:
                found = _Calls().get(f"{settings.OIDC_ISSUER}/.well-known/openid-configuration")
            except SingleSignOnError as error:
                cache.set(name, str(error), DOWN_FOR)  # who keeps clicking does not keep our processes waiting
                raise
            cache.set(name, found, KNOWN_FOR)
        if not isinstance(found, dict):
            raise SingleSignOnError(found)
        return cls._read(found)

    @classmethod
    def _read(cls, found: dict[str, Any]) -> Self:
        issuer = found.get("issuer")
        if not isinstance(issuer, str) or issuer.rstrip("/") != settings.OIDC_ISSUER:
            raise SingleSignOnError("the discovery document is of another issuer")
        authorization, token, jwks = (
            str(found.get(name, "")) for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")
        )
        if not all(map(_is_the_issuers, (authorization, token, jwks))):
            raise SingleSignOnError("an endpoint is missing, or not at the issuer's own address")
        userinfo = str(found.get("userinfo_endpoint", ""))
        methods = found.get("token_endpoint_auth_methods_supported")
        basic = not isinstance(methods, list) or "client_secret_basic" in methods
        return cls(issuer, authorization, token, jwks, userinfo if _is_the_issuers(userinfo) else "", basic)

    def way(self, attempt: Attempt, state: str) -> str:
        """Return where the browser goes."""
        challenge = hashlib.sha256(attempt.verifier.encode("ascii")).digest()
        asked = {
            "response_type": "code",
            "client_id": settings.OIDC_CLIENT_ID,
            "redirect_uri": callback_address(),
            "scope": "openid email profile",
            "state": state,
            "nonce": attempt.nonce,
            "code_challenge": base64.urlsafe_b64encode(challenge).rstrip(b"=").decode("ascii"),
            "code_challenge_method": "S256",
        }
        if levels := [value for claim, value in second_factor_claims() if claim == "acr"]:
            asked["acr_values"] = " ".join(levels)
        if attempt.user:
            asked |= {"prompt": "login", "max_age": "0"}
        return f"{self.authorization}{'&' if '?' in self.authorization else '?'}{urlencode(asked)}"

    def redeem(self, code: str, attempt: Attempt) -> Person:
        """Return who came with this code. Raises SingleSignOnError."""
        calls = _Calls()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": callback_address(),
            "code_verifier": attempt.verifier,
        }
        login = settings.OIDC_CLIENT_ID, settings.OIDC_CLIENT_SECRET
        if self.basic:  # RFC 6749, section 2.3.1: both are encoded first
            tokens = calls.post(self.token, form, auth=(quote_plus(login[0]), quote_plus(login[1])))
        else:
            tokens = calls.post(self.token, form | {"client_id": login[0], "client_secret": login[1]})
        claims = believe(tokens.get("id_token"), calls.get(self.jwks), issuer=self.issuer, nonce=attempt.nonce)
        more: dict[str, Any] = {}
        wanted = ("email", "email_verified", *filter(None, [settings.OIDC_ROLE_CLAIM]))
        if self.userinfo and any(name not in claims for name in wanted):
            more = calls.get(self.userinfo, bearer=str(tokens.get("access_token", "")))
            if more.get("sub") != claims["sub"]:
                raise SingleSignOnError("the user information is about somebody else")
        return _person(claims, more, attempt)


def callback_address() -> str:
    """Return where the provider sends people back to, as it is registered there."""
    return urljoin(settings.PUBLIC_URL, reverse("sso_callback"))


def believe(encoded: Any, keys: Mapping[str, Any], *, issuer: str, nonce: str) -> dict[str, Any]:
    """Return the claims of an ID token that is the provider's, for us, now, and of this sign-in.

    keys: the provider's JSON Web Key Set, as it is now, so that keys can change. Raises SingleSignOnError.
    """
    try:
        header = jwt.get_unverified_header(encoded)
        kid = header.get("kid")
        usable = [key for key in jwt.PyJWKSet.from_dict(dict(keys)).keys if key.public_key_use in (None, "sig")]
        fitting = [key for key in usable if kid is None or key.key_id == kid]
        if len(fitting) != 1:
            raise SingleSignOnError("the ID token is signed with a key that the provider does not name")
        claims: dict[str, Any] = jwt.decode(
            encoded,
            fitting[0].key,
            algorithms=ALGORITHMS,  # 7, 8
            issuer=issuer,  # 2
            audience=settings.OIDC_CLIENT_ID,  # 3
            leeway=LEEWAY,  # 9, 10
            options={"require": ["iss", "sub", "aud", "exp", "iat"]},
        )
    except (jwt.PyJWTError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise SingleSignOnError(f"the ID token cannot be believed: {type(error).__name__}") from None
    several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
    if claims.get("azp", "" if several else settings.OIDC_CLIENT_ID) != settings.OIDC_CLIENT_ID:  # 4, 5
        raise SingleSignOnError("the ID token is for another client")
    said = claims.get("nonce")
    if not nonce or not isinstance(said, str) or not hmac.compare_digest(said.encode(), nonce.encode()):  # 11
        raise SingleSignOnError("the ID token is of another sign-in")
    if not isinstance(claims["sub"], str) or not 0 < len(claims["sub"]) <= LONGEST_SUBJECT:
        raise SingleSignOnError("the ID token names nobody, or too long")
    return claims


def second_factor_claims() -> list[tuple[str, str]]:
    """Return the claims and values of which one says that the provider asked for a second factor."""
    pairs = (one.partition("=") for one in settings.OIDC_SECOND_FACTOR if one != ALWAYS)
    return [(claim, value) for claim, _equals, value in pairs]


def _person(claims: dict[str, Any], more: dict[str, Any], attempt: Attempt) -> Person:
    """Read the claims. How somebody proved who they are counts only where it is signed. Raises SingleSignOnError."""
    proven_at = claims.get("auth_time")
    if isinstance(proven_at, bool) or not isinstance(proven_at, int | float):
        proven_at = None
    if attempt.user and (proven_at is None or proven_at < attempt.at - LEEWAY):  # 13
        raise SingleSignOnError("the provider does not say that it asked again who is there (auth_time)")
    told = more | claims
    email, name = told.get("email"), told.get("name")
    return Person(
        subject=claims["sub"],
        email=email if isinstance(email, str) and told.get("email_verified") is True else "",
        name=name if isinstance(name, str) else "",
        values=_values(told.get(settings.OIDC_ROLE_CLAIM)) if settings.OIDC_ROLE_CLAIM else (),
        proven_at=None if proven_at is None else min(float(proven_at), time.time()),
        second_factor=ALWAYS in settings.OIDC_SECOND_FACTOR
        or any(value in _values(claims.get(claim)) for claim, value in second_factor_claims()),  # 12
    )


def _values(said: Any) -> tuple[str, ...]:
    values = said if isinstance(said, list) else [said]
    return tuple(value for value in values if isinstance(value, str))


@dataclass(slots=True)
class _Calls:
    """Calls of one sign-in: to the issuer's own address, with a limit for all of them together.

    No redirect is followed and no proxy used. Raises SingleSignOnError.
    """

    until: float = field(default_factory=lambda: time.monotonic() + SECONDS_IN_ALL)

    def get(self, url: str, *, bearer: str = "") -> dict[str, Any]:
        return self._call("GET", url, headers={"Authorization": f"Bearer {bearer}"} if bearer else {})

    def post(self, url: str, form: dict[str, str], *, auth: tuple[str, str] | None = None) -> dict[str, Any]:
        return self._call("POST", url, data=form, auth=auth)

    def _call(self, method: str, url: str, *, headers: Mapping[str, str] | None = None, **sent: Any) -> dict[str, Any]:
        if not _is_the_issuers(url):
            raise SingleSignOnError("an address that is not the issuer's")
        try:
            with requests.Session() as session:
                session.trust_env = False
                answer = session.request(
                    method,
                    url,
                    headers={"Accept": "application/json", **(headers or {})},
                    timeout=max(min(SECONDS_A_CALL, self.until - time.monotonic()), 0.1),
                    verify=settings.OIDC_CA_FILE or True,
                    allow_redirects=False,
                    stream=True,
                    **sent,
                )
                with answer:
                    if answer.status_code != HTTPStatus.OK:
                        raise SingleSignOnError(f"the provider answered {answer.status_code}")
                    body = self._read(answer)
                said = json.loads(body)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError, RecursionError) as error:
            raise SingleSignOnError(f"no answer of the provider that can be used: {type(error).__name__}") from None
        if not isinstance(said, dict):
            raise SingleSignOnError("the provider's answer is not an object")
        return said

    def _read(self, answer: requests.Response) -> bytes:
        body = b""
        while piece := answer.raw.read1(16 * 1024, decode_content=True):
            body += piece
            if len(body) > LONGEST_ANSWER:
                raise SingleSignOnError("the provider's answer is too long")
            if time.monotonic() > self.until:
                raise SingleSignOnError("the provider's answer takes too long")
        return body


def _is_the_issuers(url: str) -> bool:
    return _origin(url) == _origin(settings.OIDC_ISSUER)


def _origin(url: str) -> tuple[str, str, int | None] | None:
    try:
        parts = urlsplit(url)
        port = parts.port or {"https": 443, "http": 80}.get(parts.scheme)
    except ValueError:
        return None
    return (parts.scheme, parts.hostname, port) if parts.hostname and not parts.username else None
