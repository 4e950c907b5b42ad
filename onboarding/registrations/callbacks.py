"""Where a driver's browser is sent back to after consenting: which addresses can be registered. None is ever fetched.

Sources: RFC 6749, section 3.1.2 (absolute, without a fragment); RFC 8252, sections 7.1 (apps: a scheme of one's own, by
the reversed name of one's domain) and 8.3; RFC 9700, section 2.1 (compared character by character, so no wildcards).
"""

import re
from collections.abc import Collection
from urllib.parse import urlsplit

from onboarding.programmes import SANDBOX

MAX_LENGTH = 1000
_HOST = re.compile(r"(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?")
_APP_SCHEME = re.compile(r"[a-z][a-z0-9-]*(\.[a-z0-9-]+)+")
_LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})


def problem_with(address: str, environments: Collection[str]) -> str:
    """Return why this cannot be a callback address for these environments, as a code; empty if it can.

    Codes: characters, form, fragment, wildcard, login, local, https, host, scheme.
    """
    if not re.fullmatch(r"[!-~]+", address) or re.search(r'[<>"\\^`{|}]', address):
        return "characters"
    try:
        parts = urlsplit(address)
        host, _port = parts.hostname or "", parts.port
    except ValueError:
        return "form"
    if "#" in address:
        return "fragment"
    if "*" in address:
        return "wildcard"
    if not parts.scheme:
        return "form"
    if parts.scheme not in ("http", "https"):
        return "" if _APP_SCHEME.fullmatch(parts.scheme) and (parts.netloc or parts.path) else "scheme"
    if "@" in parts.netloc:
        return "login"
    if host in _LOCAL:
        return "" if set(environments) <= {SANDBOX} else "local"
    if parts.scheme == "http":
        return "https"
    return "" if _HOST.fullmatch(host) else "host"
