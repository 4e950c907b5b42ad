"""The authorisation request: the address that a driver's browser is sent to, parameter by parameter."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from onboarding.findings import Message
from onboarding.findings import gettext_noop as _

TOKEN_ENDPOINT, AUTHORIZE_ENDPOINT = "/access_token", "/authorize"


@dataclass(frozen=True, slots=True)
class Request:
    """One authorisation request.

    endpoint: of the brand's identity provider, without a query. separator: one of `scopes.SEPARATORS`.
    language: such as "fr-FR"; empty: none is sent.
    """

    endpoint: str
    client_id: str
    realm: str
    redirect_uri: str
    scopes: tuple[str, ...]
    state: str
    separator: str = ","
    language: str = ""

    @property
    def parameters(self) -> Mapping[str, str]:
        """What is sent, in this order, decoded."""
        given = {
            "client_id": self.client_id,
            "response_type": "code",
            "scope": self.separator.join(self.scopes),
            "redirect_uri": self.redirect_uri,
            "state": self.state,
            "realm": self.realm,
            "local": self.language,
        }
        return {name: value for name, value in given.items() if value or name in REQUIRED}

    @property
    def url(self) -> str:
        """The whole address. Everything but letters, digits and -._~ is percent-encoded; a blank is %20, never +."""
        return f"{self.endpoint}?{urlencode(self.parameters, quote_via=quote, safe='')}"


REQUIRED = ("client_id", "response_type", "scope", "redirect_uri")
"""Parameters without which the request is refused. `state` is optional in the documents, and always sent by us."""

EXPLAINED: Mapping[str, str] = {
    "endpoint": _(
        "The identity provider of the brand: its domain differs for each, so does the account of the driver."
    ),
    "client_id": _("Which application asks: the client ID that came with your credentials. It is no secret."),
    "response_type": _("“code”: the browser brings back a code, which your server exchanges for tokens."),
    "scope": _("What is asked for. The driver may grant less, so read what was granted in the answer."),
    "redirect_uri": _("Where the browser is sent afterwards: exactly the registered address, character by character."),
    "state": _("A random value of yours, new for each attempt and kept in the driver's session; it has to come back."),
    "realm": _("The brand's directory of accounts. The same value goes into x-introspect-realm with each call."),
    "local": _("The language of the sign-in page, if you want to set it."),
}
"""Each part of the address in one line."""

PIECES: Sequence[str] = tuple(EXPLAINED)


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Where the documents disagree with one another or with a standard. said: how it is handled here; source: where."""

    about: str
    words: Message
    source: str


CONTRADICTIONS: Sequence[Contradiction] = (
    Contradiction(
        "scope",
        Message(
            _("The documentation joins scopes by commas, OAuth by blanks."),
            _("Sent with commas unless you choose blanks. The sandbox reads both."),
        ),
        _("Connect page of the end users' API; RFC 6749, section 3.3"),
    ),
    Contradiction(
        "realm",
        Message(
            _("The documentation writes realms like clientsB2CPeugot/OTPPeugeot, that one misspelt."),
            _("Sent in the short form, clientsB2CPeugeot, which works in clients that run. The sandbox reads both."),
        ),
        _("Connect page of the end users' API; bug reports of public clients"),
    ),
    Contradiction(
        "realm",
        Message(
            _("The documentation names the parameter realm with the refresh only, not with this request."),
            _("Sent all the same: a server has to ignore a parameter that it does not know."),
        ),
        _("Connect page of the end users' API; RFC 6749, section 3.1"),
    ),
    Contradiction(
        "local",
        Message(
            _("The documentation spells the language parameter “local”, probably for “locale”."),
            _("Sent as it is documented, and only if you choose a language. The sandbox takes it and ignores it."),
        ),
        _("Connect page of the end users' API"),
    ),
    Contradiction(
        "response_type",
        Message(
            _("The API's description (OpenAPI) names the implicit grant and an address at api.mpsa.com."),
            _("Both are out of date. The documentation's text says authorisation code, and so does this page."),
        ),
        _("OpenAPI description 4.17.2, securitySchemes; Connect page of the end users' API"),
    ),
    Contradiction(
        "token",
        Message(
            _("To revoke a token, the documentation's table says the field token, its example refresh_token."),
            _("Send token, which is the standard's name."),
        ),
        _("Connect page of the end users' API; RFC 7009, section 2.1"),
    ),
    Contradiction(
        "code_challenge",
        Message(
            _("PKCE (code_challenge, code_verifier) is not mentioned in the documentation."),
            _(
                "Not sent: what a server does with it is unknown, and it would have to ignore it. Your client secret"
                " and state do its work, so keep the one on your server and compare the other each time."
            ),
        ),
        _("RFC 7636; RFC 9700, section 2.1.1"),
    ),
)
"""In the order of the page."""


def authorize_url(token_url: str) -> str:
    """Return where drivers are sent, from where tokens are fetched: the two differ in their last part.

    Raises ValueError for what is no address of the token endpoint.
    """
    base = token_url.removesuffix(TOKEN_ENDPOINT)
    if base == token_url:
        raise ValueError("not the address of a token endpoint")
    return base + AUTHORIZE_ENDPOINT
