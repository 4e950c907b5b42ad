"""What a driver's browser came back with: the address is read, compared with what was sent, and explained.

It is only read: no address that somebody typed is ever called. Nothing is kept, and no code or token is in what is
returned, save `code`, which is never shown.
"""

import hmac
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from onboarding.findings import Finding, Severity
from onboarding.oauth import scopes
from onboarding.oauth.messages import ERRORS

MAX_LENGTH = 8000
"""Characters that are read. Browsers and servers end far below."""
MAX_FIELDS = 40
SHOWN = 4
"""Characters of a code that are shown, so that two can be told apart."""

_SECRETS = "code|access_token|id_token|refresh_token|token"
_SECRET = re.compile(rf"(?<![\w-])({_SECRETS})(=|%3D|%253D)((?:(?!&|#|%26|%2526|\s).)*)", re.IGNORECASE)
_ESCAPE = re.compile(r"%[0-9A-Fa-f]{2}")
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_KNOWN = frozenset({"code", "state", "scope", "error", "error_description", "error_uri"})
_COMPARED = ("code", "state", "scope", "error")
_TOKENS = frozenset({"access_token", "id_token", "refresh_token"})
_OF_REQUESTS = ("response_type", "redirect_uri")


@dataclass(frozen=True, slots=True)
class Sent:
    """What the request had said. state: empty if nobody knows it any more."""

    redirect_uri: str
    state: str
    scopes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Callback:
    """What came back.

    findings: everything that is to be said, the gravest first. shown: what was given, with code and tokens masked.
    code: to exchange; empty where there is none, or where it must not be used. granted: None where nothing says so.
    """

    findings: tuple[Finding, ...]
    shown: str
    code: str = field(default="", repr=False)
    granted: tuple[str, ...] | None = None
    missing: tuple[str, ...] = ()
    error: str = ""

    @property
    def may_go_on(self) -> bool:
        """Whether the code may be exchanged."""
        return bool(self.code) and not any(one.severity == Severity.ERROR for one in self.findings)


def masked(text: str) -> str:
    """Return a text without its codes and tokens: the first characters stay, and how many there were."""
    if "=" not in text and "%3D" not in text.upper():
        return _mask(text) if text else ""
    return _SECRET.sub(lambda found: f"{found[1]}{found[2]}{_mask(found[3])}", text)


def _mask(secret: str) -> str:
    if not secret or "…" in secret:  # it has been masked already
        return secret
    return f"{secret[:SHOWN] if len(secret) > 4 * SHOWN else ''}…({len(secret)})"


def read(text: str, sent: Sent, *, granted: str = "") -> Callback:
    """Read the address that a browser came back to, or its query alone.

    granted: the scopes that the token's answer named, if somebody has them already.
    """
    text = text.strip().strip("<>\"'").strip()[:MAX_LENGTH]
    reader = _Reader(text, sent)
    fields = reader.fields()
    if fields:
        reader.outcome(fields, granted)
    return reader.result


class _Reader:
    """One reading: collects findings as it goes."""

    def __init__(self, text: str, sent: Sent) -> None:
        self._text, self._sent = text, sent
        self._found: list[Finding] = []
        self._code = self._error = ""
        self._granted: tuple[str, ...] | None = None
        self._missing: tuple[str, ...] = ()

    @property
    def result(self) -> Callback:
        order = list(Severity)
        found = tuple(sorted(self._found, key=lambda one: order.index(one.severity)))
        return Callback(found, masked(self._text), self._code, self._granted, self._missing, self._error)

    def _say(
        self, code: str, severity: Severity, about: str = "", found: str = "", expected: str = "", **params: str | int
    ) -> None:
        self._found.append(Finding(code, severity, about, found, expected, params))

    def fields(self) -> Mapping[str, str]:
        """Return what the address brings, by name; nothing where it brings nothing that could be a callback."""
        text = self._text
        if not text:
            self._say("empty", Severity.ERROR)
            return {}
        if _ADDRESS.match(text) and ("?" in text or "#" in text or "//" in text):
            query, fragment = self._address(text)
        else:
            query, _, fragment = text.lstrip("?").partition("#")
            if text.startswith("#"):
                query, fragment = "", text[1:]
        pairs = self._pairs(query, fragment)
        values: dict[str, str] = {}
        for name, value in pairs:
            if name in values and name in _COMPARED:
                self._say("twice", Severity.ERROR, name)
            values.setdefault(name, value)
        if any(name in values for name in _OF_REQUESTS):
            self._say("is_the_request", Severity.ERROR)
            return {}
        if not values.keys() & (_KNOWN | _TOKENS):
            bare = "=" not in text and not _ADDRESS.match(text)
            self._say("bare_code" if bare else "nothing", Severity.ERROR)
            return {}
        return values

    def _address(self, text: str) -> tuple[str, str]:
        try:
            parts = urlsplit(text)
            _port = parts.port
        except ValueError:
            self._say("unreadable", Severity.ERROR)
            return "", ""
        self._compare_redirect(parts)
        return parts.query, parts.fragment

    def _compare_redirect(self, parts: SplitResult) -> None:
        if not self._sent.redirect_uri:
            return
        registered = urlsplit(self._sent.redirect_uri)
        found, expected = (one._replace(query="", fragment="").geturl() for one in (parts, registered))
        shown = ("redirect_uri", _plain(found, 200), expected)
        is_web = {parts.scheme, registered.scheme} <= {"http", "https"}
        if parts.netloc != registered.netloc or (parts.scheme != registered.scheme and not is_web):
            self._say("redirect_other", Severity.WARNING, *shown)
            return
        if parts.scheme != registered.scheme:
            self._say("redirect_scheme", Severity.ERROR, *shown)
        if parts.path != registered.path:
            is_slash = parts.path.rstrip("/") == registered.path.rstrip("/")
            self._say("redirect_slash" if is_slash else "redirect_other", Severity.WARNING, *shown)

    def _pairs(self, query: str, fragment: str) -> Sequence[tuple[str, str]]:
        if "=" not in query and re.search(r"(code|error|state)%3D", query, re.IGNORECASE):
            self._say("query_encoded", Severity.WARNING)
            query = unquote(query)
        found = self._parsed(query)
        inside = self._parsed(fragment) if "=" in fragment else []
        if {name for name, _ in inside} & _TOKENS:
            self._say("implicit", Severity.ERROR, "response_type", expected="code")
        elif inside:
            self._say("in_fragment", Severity.ERROR)
        return [*found, *inside]

    def _parsed(self, text: str) -> Sequence[tuple[str, str]]:
        try:
            return parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_FIELDS)
        except ValueError:
            self._say("too_many", Severity.ERROR, expected=str(MAX_FIELDS))
            return []

    def outcome(self, values: Mapping[str, str], granted: str) -> None:
        """Say what came of it."""
        is_state_good = self._state(values.get("state"))
        code, error = values.get("code", ""), values.get("error", "")
        if error:
            self._refusal(error, values.get("error_description", ""))
            if code:
                self._say("code_and_error", Severity.ERROR)
        elif code:
            self._say("code_there", Severity.NOTE, "code", _mask(code))
            if _ESCAPE.search(code):
                self._say("doubly_encoded", Severity.WARNING, "code")
        elif not values.keys() & _TOKENS:
            self._say("no_code", Severity.ERROR, "code")
        self._scopes(values.get("scope", ""), granted, is_over=bool(error) or not code)
        others = sorted(name for name in values if name not in _KNOWN | _TOKENS | self._own())
        if others:
            self._say("others", Severity.NOTE, found=", ".join(_plain(name, 40) for name in others[:10]))
        if code and not error and is_state_good:
            self._code = code

    def _own(self) -> frozenset[str]:
        """What the registered address brings along itself."""
        return frozenset(name for name, _ in parse_qsl(urlsplit(self._sent.redirect_uri).query))

    def _state(self, state: str | None) -> bool:
        sent = self._sent.state
        if not sent:
            self._say("state_not_sent", Severity.WARNING, "state")
            return True
        if not state:
            self._say("state_missing", Severity.ERROR, "state")
        elif _same(state, sent):
            self._say("state_equal", Severity.NOTE, "state")
            return True
        elif _same(unquote(state), sent):
            self._say("state_encoded", Severity.ERROR, "state")
        else:
            self._say("state_differs", Severity.ERROR, "state", _plain(state, 80), sent)
        return False

    def _refusal(self, error: str, description: str) -> None:
        self._error = error if error in ERRORS else "unknown"
        self._say(f"error_{self._error}", Severity.ERROR, "error", _plain(error, 60))
        if description:
            self._say("description", Severity.NOTE, "error_description", _plain(description, 300))
            if _ESCAPE.search(description):
                self._say("doubly_encoded", Severity.WARNING, "error_description")

    def _scopes(self, named: str, granted: str, *, is_over: bool) -> None:
        if is_over:
            return
        if not (named or granted):
            self._say("scope_later", Severity.NOTE, "scope")
            return
        if _ESCAPE.search(named):
            self._say("doubly_encoded", Severity.WARNING, "scope")
            named = unquote(named)
        self._granted = scopes.read(granted or named)
        asked = self._sent.scopes
        self._missing = scopes.missing(asked, self._granted)
        if self._missing:
            self._say("scopes_missing", Severity.WARNING, "scope", _listed(self._granted), _listed(asked))
        else:
            self._say("scopes_granted", Severity.NOTE, "scope")
        if unasked := scopes.missing(self._granted, asked):
            self._say("scopes_unasked", Severity.NOTE, "scope", _listed(unasked))


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode("utf-8", "replace"), other.encode("utf-8", "replace"))


def _listed(some: Iterable[str]) -> str:
    return ", ".join(_plain(one, 60) for one in list(some)[:20])


def _plain(text: str, longest: int) -> str:
    """Return a foreign text fit to be shown: one line, of bounded length, without what cannot be seen."""
    seen = "".join(character if character.isprintable() else " " for character in text)
    return seen if len(seen) <= longest else f"{seen[:longest]}…"
