"""The number of database queries of a page does not grow with what is on it."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from onboarding.partners.models import User
from tests.journey import issued, submitted


def count(client: Client, url: str) -> int:
    client.get(url)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert client.get(url).status_code == 200
    return len(queries)


@pytest.mark.parametrize("reader", ["owner", "owner who searches", "reviewer", "issuer"])
def test_lists_cost_the_same_with_one_and_with_many(
    reader: str, owner: User, reviewer: User, issuer: User, signed_in: Callable[[User], Client], request: Any
) -> None:
    url = {
        "owner": "/",
        "owner who searches": "/?search=depot&show=waiting",
        "reviewer": "/desk/",
        "issuer": "/desk/certificates/?show=decided",
    }[reader]
    issued(owner, reviewer, issuer)
    submitted(owner)
    client = signed_in(request.getfixturevalue(reader.split()[0]))
    before = count(client, url)
    for _ in range(3):
        issued(owner, reviewer, issuer, programme="end_user")
        submitted(owner)
    assert count(client, url) == before
