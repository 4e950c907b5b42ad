"""The cast, and the programs that tests are held against.

owner      of Example Mobility, a partner          colleague  a developer of the same company
viewer     of the same company, who only reads     rival      the owner of another company
reviewer   of the car maker's staff                issuer     of the car maker's staff
second_reviewer  the reviewer's colleague
auditor    of the car maker's staff, who only reads
stranger   nobody: has not signed in
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from django.test import Client, TestCase, TransactionTestCase

from onboarding.audit import guards
from onboarding.celery import app
from onboarding.partners.actors import Actor, ActorKind
from onboarding.partners.models import Membership, Organisation, StaffRole, User
from onboarding.pki import keys
from tests.distribution import pytest_xdist_make_scheduler
from tests.programs import *  # noqa: F403 — fixtures and the `needs` marker

__all__ = ["pytest_xdist_make_scheduler"]

PASSWORD = "correct horse battery staple"


@pytest.fixture(scope="session")
def once() -> Iterator[Callable[[Callable[[], AbstractContextManager[Any]]], Any]]:
    """Return a function that enters what it is given, and the next time gives what that gave; left at the very end."""
    entered: dict[object, Any] = {}
    with ExitStack() as stack:

        def enter(make: Callable[[], AbstractContextManager[Any]]) -> Any:
            if make not in entered:
                entered[make] = stack.enter_context(make())
            return entered[make]

        yield enter


@pytest.fixture(autouse=True)
def own_var(settings: object, tmp_path: Path) -> None:
    """Give each test a var/ of its own: outbox, cache, queue."""
    settings.OUTBOX_DIR = tmp_path / "outbox"
    settings.AUDIT_CHECKPOINT_DIR = str(tmp_path / "checkpoints")
    settings.CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": str(tmp_path)}
    }
    # Static files straight from the source folders: nothing has been collected in a fresh clone.
    settings.WHITENOISE_AUTOREFRESH = True
    settings.STORAGES = {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
    settings.KEY_CUSTODIES = ["browser", "own", "vault"]
    settings.STAFF_SECOND_FACTOR = False  # the cast signs in by password; see tests/web/test_second_factor.py
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(autouse=True, scope="session")
def tables_can_be_emptied() -> Iterator[None]:
    """Let tests that commit empty the tables afterwards, the audit's too, which the database else refuses."""
    teardown = TransactionTestCase._fixture_teardown

    def unguarded(case: Any) -> None:
        if isinstance(case, TestCase):
            return teardown(case)
        with guards.lifted():
            return teardown(case)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", unguarded)
        yield


@cache
def _key_of_the_sandboxs_ca(bits: int) -> RSAPrivateKey:
    return keys.generate_rsa_key(bits)


@pytest.fixture(autouse=True)
def one_key_for_the_sandboxs_ca(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the embedded CA's key once, not once a test: it takes as long as all the rest of many of them."""
    monkeypatch.setattr(
        "onboarding.credentials.embedded_ca.keys", SimpleNamespace(generate_rsa_key=_key_of_the_sandboxs_ca)
    )


_MADE: dict[int, list[RSAPrivateKey]] = defaultdict(list)
_make_rsa_key = keys.generate_rsa_key


@pytest.fixture(autouse=True)
def keys_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the n-th key of a size be the same in every test, and all those of one test differ: making one takes long."""
    asked: Counter[int] = Counter()

    def generate(bits: int) -> RSAPrivateKey:
        made = _MADE[bits]
        if asked[bits] == len(made):
            made.append(_make_rsa_key(bits))
        asked[bits] += 1
        return made[asked[bits] - 1]

    monkeypatch.setattr(keys, "generate_rsa_key", generate)


@pytest.fixture(autouse=True)
def nothing_queued(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, tuple[str, ...]]]:
    """Collect what would have been queued, as (task name, ids); tests run the task themselves."""
    queued: list[tuple[str, tuple[str, ...]]] = []

    def send_task(name: str, args: tuple[str, ...] = (), **_options: object) -> None:
        queued.append((name, tuple(args)))

    monkeypatch.setattr(app, "send_task", send_task)
    monkeypatch.setattr("onboarding.leases.waiting", lambda _queue: 0)
    return queued


def _user(email: str, name: str) -> User:
    from allauth.account.models import EmailAddress

    user = User.objects.create_user(email, PASSWORD, name=name)
    EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
    return user


@pytest.fixture
def partner(db: None) -> Organisation:
    return Organisation.objects.create(name="Example Mobility", country="FR")


@pytest.fixture
def rival_partner(db: None) -> Organisation:
    return Organisation.objects.create(name="Rival Fleet Services", country="DE")


def _member(organisation: Organisation, role: str, email: str, name: str) -> User:
    user = _user(email, name)
    Membership.objects.create(organisation=organisation, user=user, role=role)
    return user


@pytest.fixture
def owner(partner: Organisation) -> User:
    return _member(partner, "owner", "owner@example-mobility.example", "Owner")


@pytest.fixture
def colleague(partner: Organisation) -> User:
    return _member(partner, "developer", "developer@example-mobility.example", "Colleague")


@pytest.fixture
def viewer(partner: Organisation) -> User:
    return _member(partner, "viewer", "viewer@example-mobility.example", "Viewer")


@pytest.fixture
def rival(rival_partner: Organisation) -> User:
    return _member(rival_partner, "owner", "owner@rival-fleet.example", "Rival")


def _staff(role: str) -> User:
    user = _user(f"{role}@maker.example", role.title())
    StaffRole.objects.create(user=user, role=role)
    return user


@pytest.fixture
def reviewer(db: None) -> User:
    return _staff("reviewer")


@pytest.fixture
def second_reviewer(db: None) -> User:
    user = _user("second@maker.example", "Second")
    StaffRole.objects.create(user=user, role="reviewer")
    return user


@pytest.fixture
def issuer(db: None) -> User:
    return _staff("issuer")


@pytest.fixture
def auditor(db: None) -> User:
    return _staff("auditor")


@pytest.fixture
def administrator(db: None) -> User:
    return _staff("administrator")


@pytest.fixture
def stranger() -> Client:
    return Client()


@pytest.fixture
def signed_in() -> Callable[[User], Client]:
    """Return a browser in which somebody has just signed in."""

    def sign_in(user: User) -> Client:
        client = Client()
        response = client.post("/accounts/login/", {"login": user.email, "password": PASSWORD})
        assert response.status_code == 302, response.content.decode()
        return client

    return sign_in


def member(user: User) -> Actor:
    """The actor that a partner's person is."""
    return Actor(ActorKind.MEMBER, user.pk)


def staff(user: User) -> Actor:
    """The actor that one of the staff is."""
    return Actor(ActorKind.STAFF, user.pk)
