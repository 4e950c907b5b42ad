"""The number of database queries of a page does not grow with what is on it."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from onboarding.partners.models import User
from onboarding.registrations import conversation
from onboarding.registrations.models import Registration, Side
from tests.conftest import member, staff
from tests.journey import issued, submitted


def count(client: Client, url: str) -> int:
    client.get(url)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert client.get(url).status_code == 200
    return len(queries)


@pytest.mark.parametrize("reader", ["owner", "owner who searches", "reviewer", "reviewer who answers", "issuer"])
def test_lists_cost_the_same_with_one_and_with_many(
    reader: str, owner: User, reviewer: User, issuer: User, signed_in: Callable[[User], Client], request: Any
) -> None:
    url = {
        "owner": "/",
        "owner who searches": "/?search=depot&show=waiting",
        "reviewer": "/desk/",
        "reviewer who answers": "/desk/?show=messages",
        "issuer": "/desk/certificates/?show=decided",
    }[reader]
    issued(owner, reviewer, issuer)
    talked(submitted(owner).registration, owner, reviewer)
    client = signed_in(request.getfixturevalue(reader.split()[0]))
    before = count(client, url)
    for _ in range(3):
        issued(owner, reviewer, issuer, programme="end_user")
        talked(submitted(owner).registration, owner, reviewer)
    assert count(client, url) == before


def talked(registration: Registration, owner: User, reviewer: User) -> None:
    """Let both sides write and ask."""
    for side, actor in ((Side.STAFF, staff(reviewer)), (Side.PARTNER, member(owner))):
        conversation.write(registration, side=side, text="?", asks=True, key=uuid.uuid4(), seen=None, actor=actor)


@pytest.mark.parametrize(
    ("reader", "url"),
    [
        ("owner", "/applications/{0.pk}/"),
        ("owner", "/applications/{0.pk}/conversation/"),
        ("owner", "/applications/{0.pk}/history/"),
        ("reviewer", "/desk/registrations/{0.registration.pk}/conversation/"),
        ("reviewer", "/desk/registrations/{0.registration.pk}/"),
    ],
)
def test_an_application_costs_the_same_with_little_and_with_much_of_it(
    reader: str, url: str, owner: User, reviewer: User, signed_in: Callable[[User], Client], request: Any
) -> None:
    application = submitted(owner)
    talked(application.registration, owner, reviewer)
    client = signed_in(request.getfixturevalue(reader))
    before = count(client, url.format(application))
    for _ in range(3):
        talked(application.registration, owner, reviewer)
    assert count(client, url.format(application)) == before
