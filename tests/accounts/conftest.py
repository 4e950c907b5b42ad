"""People's own accounts: what they need to sign in, computed as the standards say and not by the code under test."""

import base64
import hmac
import re
import struct
import time
from collections.abc import Callable

import pytest
from django.core import mail
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from onboarding.partners.models import User
from tests.conftest import PASSWORD

Browser = Callable[[User], Client]


def totp(secret: str, at: float | None = None) -> str:
    """The code of RFC 6238 (SHA-1, 30 s, six digits) for a secret in base 32. at: seconds since 1970, or now."""
    counter = struct.pack(">Q", int(time.time() if at is None else at) // 30)
    digest = hmac.digest(base64.b32decode(secret), counter, "sha1")
    offset = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[offset : offset + 4])[0] & 0x7FFF_FFFF) % 10**6:06}"


@pytest.fixture
def committed(monkeypatch: pytest.MonkeyPatch) -> None:
    """What waits for the end of the transaction runs at once: these tests have one around the whole request."""
    monkeypatch.setattr("django.db.transaction.on_commit", lambda call, **_options: call())


@pytest.fixture
def set_up_app(committed: None) -> Callable[[Client], str]:
    """Return a function that sets up an authenticator app in a browser, and returns its secret."""

    def set_up(client: Client) -> str:
        url = "/accounts/2fa/totp/activate/"
        secret = client.get(url).context["form"].secret
        assert client.post(url, {"code": totp(secret, time.time() - 30)}).status_code == 302
        return str(secret)

    return set_up


@pytest.fixture
def recovery_codes() -> Callable[[Client], list[str]]:
    """Return a function that opens the page with the recovery codes, and returns those it shows."""

    def read(client: Client) -> list[str]:
        page = client.get("/accounts/2fa/recovery-codes/").content.decode()
        return re.findall(r"^(?:.*>)?(\d{8})(?:<.*)?$", page, re.MULTILINE)

    return read


def enter(client: Client, user: User, *, password: str = PASSWORD, then: str = "") -> str:
    """Send the sign-in form; where it leads."""
    answer = client.post("/accounts/login/", {"login": user.email, "password": password, "next": then})
    return answer.headers.get("Location", "")


def link_in(message: mail.EmailMessage) -> str:
    """The path of the only link into an account's mail."""
    [link] = re.findall(r"http://localhost:\d+(/accounts/\S+)", str(message.body))
    return link


@pytest.fixture
def count_queries() -> Callable[[Client, str], int]:
    """Return a function that counts the database queries of a page, once it has been seen before."""

    def count(client: Client, url: str) -> int:
        client.get(url)
        with CaptureQueriesContext(connection) as queries:
            assert client.get(url).status_code == 200
        return len(queries)

    return count
