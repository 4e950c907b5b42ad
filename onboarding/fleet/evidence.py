"""What a check may show: short, printable, and with every secret taken out, whoever sent it back to us."""

import base64
import html
import json
import re
import ssl
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from urllib.parse import quote, quote_plus, urlsplit

from onboarding.fleet.client import Answer
from onboarding.fleet.faults import NOT_JSON, UNKNOWN, Fault, error_chain, normal_reason, read_json
from onboarding.fleet.limits import read_quotas
from onboarding.fleet.target import CredentialMaterial, Target
from onboarding.fleet.trace import Trace
from onboarding.fleet.vin import masked

MAX_TEXT = 300
_REDACTED = "[redacted]"
# What is looked into beyond that is bounded: patterns that cost more than linear time meet whatever a server sends.
_MAX_SCRUBBED = 4096
_MAX_MARKUP = 8192
_PERCENT = re.compile(r"%[0-9A-F]{2}")
_SAME_IN_EVERY_NOTATION = re.compile(r"[A-Za-z0-9._~-]*")
_MARGIN = 512  # more than any secret of ours is long, so that none is cut in two and then not recognised
_MARKUP = re.compile(r"<(script|style)\b.*?</\1>|<[^>]*>", re.I | re.S)

# The fields of error bodies that support asks for: the application's, the gateway's, OAuth's, and HTTP's own.
_ERROR_FIELDS = (
    "code",
    "message",
    "uuid",
    "timestamp",
    "httpCode",
    "httpMessage",
    "moreInformation",
    "error",
    "error_description",
    # RFC 9457, section 3.1
    "title",
    "detail",
)
_TRANSACTION_HEADER = "x-global-transaction-id"

# What looks like a secret, whoever's it is: nothing of ours has to be known to take it out.
_LOOKS_SECRET = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"
    # No plain word, as in "Basic authentication".
    r"|(?:(?<=\bBasic )|(?<=\bBearer ))(?-i:(?=[a-z]*[A-Z0-9+/=._~-]))[A-Za-z0-9+/=._~-]{4,}"
    r"|\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]*)?"
    r"|(?<=://)[^\s/@]+:[^\s/@]*(?=@)"
    r"|(?<=\bpassword[=:])[^\s&,;]+|(?<=\bpassphrase[=:])[^\s&,;]+"
    r"|(?<=\bsecret[=:])[^\s&,;]+|(?<=_secret[=:])[^\s&,;]+|(?<=_token[=:])[^\s&,;]+",
    re.I | re.S,
)
_LOOKS_LIKE_TOKEN = re.compile(
    r"""(?<=access_token["'])\s*:\s*["']?[^"'\s,}]+|(?<=CarData["'])\s*:\s*["']?[^"'\s,}]+"""
    r"""|(?<=signature["'])\s*:\s*["']?[^"'\s,}]+|[A-Za-z0-9+/_=-]{44,}"""
)
_MAY_LOOK_SECRET = ("-----begin", "basic ", "bearer ", "eyj", "://", "pass", "secret", "token")


class Redactor:
    """Takes the secrets of one run out of any text, in each form in which they travel, and masks the vehicle's VIN.

    further: secrets that go out with a call and are not of the set. Where there are any, whatever is as long as a token
    and looks like one goes, too: an answer may hold one, whole or cut off, that nobody here has seen before.
    """

    def __init__(self, material: CredentialMaterial, target: Target, further: Collection[str] = ()) -> None:
        proxy = urlsplit(target.proxy) if target.proxy else None
        logins = (
            (material.mzp, material.password),
            (material.client_id, material.client_secret),
            (proxy and proxy.username, proxy and proxy.password),
        )
        secrets = {*material.secrets, *further, *(password for _, password in logins if password)}
        secrets |= {f"{user}:{password}" for user, password in logins if user and password}
        secrets |= {target.access_token} if target.access_token else set()
        forms = {form for secret in secrets for form in _forms(secret)}
        # The longest first, so that no part of one is left over.
        self._forms = sorted(forms, key=len, reverse=True)
        self._vin = (target.vin or "").upper()
        self._tokens = _LOOKS_LIKE_TOKEN if further else None

    def clean(self, text: str) -> str:
        """Return a text without secrets and control characters, at most MAX_TEXT characters long."""
        # No pattern: `re` would keep it, and so the secrets, long after the run.
        for form in self._forms:
            if form in text:
                text = text.replace(form, _REDACTED)
        if self._names_vehicle(text):
            text = self._masked(text)
        text = scrub(text[:_MAX_SCRUBBED])
        if self._tokens is not None:
            text = self._tokens.sub(_REDACTED, text)
        if not text.isprintable():
            text = "".join(c if c.isprintable() else " " for c in text)
        if "  " in text or text[:1] == " " or text[-1:] == " ":
            text = " ".join(text.split())
        return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…"

    def _is_clean(self, text: str) -> bool:
        """Whether a text, or several with bars between them, surely stays as it is: nearly all do."""
        return (
            text.isprintable()
            and "  " not in text
            and "| " not in text
            and " |" not in text
            and text[:1] != " "
            and text[-1:] != " "
            and not any(map(text.__contains__, self._forms))
            and not self._names_vehicle(text)
            and not (self._tokens is not None and self._tokens.search(text))
            and not may_look_secret(text)
        )

    def _names_vehicle(self, text: str) -> bool:
        return bool(self._vin) and self._vin in text.upper()

    def _masked(self, text: str) -> str:
        """Mask the VIN, in capitals or not. As bytes: their upper case is as long as they are."""
        left, vin, pieces = text.encode("utf-8", "replace"), self._vin.encode(), list[bytes]()
        while (at := left.upper().find(vin)) >= 0:
            pieces += [left[:at], masked(self._vin).encode()]
            left = left[at + len(vin) :]
        return b"".join([*pieces, left]).decode()

    def clean_all(self, evidence: Mapping[str, str | int]) -> dict[str, str | int]:
        """Return evidence with every text cleaned."""
        if not evidence:
            return {}
        texts = [value for value in evidence.values() if isinstance(value, str)]
        joined = "|".join(texts)
        is_short = len(joined) <= _MAX_SCRUBBED and max(map(len, texts), default=0) <= MAX_TEXT
        if is_short and self._is_clean(joined):
            return dict(evidence)
        return {key: self.clean(value) if isinstance(value, str) else value for key, value in evidence.items()}


def scrub(text: str) -> str:
    """Take out what looks like a secret: private keys, logins in headers and addresses, tokens, `password=…`.

    For short texts: the time it takes may grow with the square of their length.
    """
    return _LOOKS_SECRET.sub(_REDACTED, text) if may_look_secret(text) else text


def may_look_secret(text: str) -> bool:
    """Whether it is worth looking closer: a pattern that ignores case takes ten times as long to say no."""
    return any(map(text.lower().__contains__, _MAY_LOOK_SECRET))


_MIN_ENCODED = 4
"""Bytes from which other alphabets are looked for: what is shorter occurs in them by chance, as "p" (70) in a port."""


def _forms(secret: str) -> Iterable[str]:
    raw = secret.encode()
    yield secret
    if len(raw) >= _MIN_ENCODED:
        for encoded in (base64.b64encode(raw), base64.urlsafe_b64encode(raw)):
            yield encoded.decode("ascii").rstrip("=")
        yield raw.hex()
        yield raw.hex().upper()
    if not _SAME_IN_EVERY_NOTATION.fullmatch(secret):
        for percent in (quote(secret, safe=""), quote(secret), quote_plus(secret)):
            yield percent
            yield _PERCENT.sub(lambda found: found[0].lower(), percent)
        yield html.escape(secret)
        for ascii_only in (True, False):
            escaped = json.dumps(secret, ensure_ascii=ascii_only)[1:-1]
            yield escaped
            yield escaped.replace("/", r"\/")
        yield raw.decode("latin-1")  # what becomes of UTF-8 in a header


def of_error(error: BaseException, fault: Fault, trace: Trace) -> dict[str, str | int]:
    """Return what is known of a call that ended in an exception; all of it where the fault is unknown."""
    inner = error_chain(error)[0]
    evidence: dict[str, str | int] = {
        "stage": str(trace.stage),
        "exception": type(inner).__name__,
        "tls_version": trace.tls_version,
        "address": trace.address,
    }
    if isinstance(inner, ssl.SSLCertVerificationError):
        evidence |= {
            "verify_code": inner.verify_code,
            "verify_message": inner.verify_message,
            "certificates_shown": len(trace.server_chain),
            **trace.server,
            "server_names": trace.server_names,
        }
    elif isinstance(inner, ssl.SSLError) and inner.reason:
        evidence["reason"] = normal_reason(inner.reason)
    elif isinstance(inner, OSError) and inner.errno is not None:
        evidence["errno"] = inner.errno
    if trace.alert is not None:
        evidence["alert"] = trace.alert
    if trace.unreached:
        evidence["unreached"] = "; ".join(trace.unreached)
    if trace.proxy:
        evidence["proxy"] = trace.proxy
    if trace.status is not None:
        evidence["http_status"] = trace.status
    if fault is UNKNOWN:
        evidence["text"] = " < ".join(f"{type(item).__name__}: {item}" for item in error_chain(error))
    return {key: value for key, value in evidence.items() if value != ""}


def of_answer(answer: Answer, now: datetime) -> dict[str, str | int]:
    """Return what an HTTP answer says about itself: status, media type, the fields of an error, or its first
    words.
    """
    evidence: dict[str, str | int] = {"http_status": answer.status}
    for key, header in (("content_type", "content-type"), ("transaction_id", _TRANSACTION_HEADER)):
        if answer.headers.get(header):
            evidence[key] = answer.headers[header]
    if answer.headers.get("content-encoding", "identity") != "identity":
        evidence["content_encoding"] = answer.headers["content-encoding"]
    quotas = read_quotas(answer.headers)
    if quotas:
        evidence["quotas"] = "; ".join(map(str, quotas))
    wait = retry_after_seconds(answer.headers.get("retry-after", ""), now)
    if wait is not None:
        evidence["retry_after"] = wait
    if answer.headers.get("location"):
        # Without its query, which may hold what was sent.
        evidence["location"] = answer.headers["location"].partition("?")[0]
    content = read_json(answer.body)
    if isinstance(content, dict):
        said = {key: content[key] for key in _ERROR_FIELDS if key in content}
        evidence |= {key: str(value) for key, value in said.items() if isinstance(value, str | int)}
    elif content is NOT_JSON and answer.body:
        text = answer.body.decode("utf-8", "replace")
        stripped = _MARKUP.sub(" ", text[:_MAX_MARKUP])
        evidence["text"] = stripped if len(text) <= _MAX_MARKUP else stripped[:-_MARGIN]
    return evidence


def retry_after_seconds(value: str, now: datetime) -> int | None:
    """Read `Retry-After`: seconds or a date (RFC 9110, section 10.2.3). None where it is neither."""
    if value.isascii() and value.isdigit():
        return int(value[:9])
    try:
        return max(0, round((parsedate_to_datetime(value) - now).total_seconds()))
    except (ValueError, TypeError):
        return None
