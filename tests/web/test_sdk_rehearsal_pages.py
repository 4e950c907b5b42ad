"""The page of a rehearsal: driven with a browser that knows no script, watched by viewers, closed to everybody else."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from onboarding.activation import rehearsing, worlds
from onboarding.activation.models import Rehearsal
from onboarding.mobile.errors import ERRORS
from onboarding.mobile.situations import offered
from onboarding.partners.models import User
from tests.conftest import member
from tests.journey import described


@pytest.fixture
def begun(owner: User) -> Rehearsal:
    return rehearsing.begin(described(owner), name="First", version="2.3", by=owner, actor=member(owner))


@pytest.fixture
def page(begun: Rehearsal) -> str:
    return f"/applications/{begun.application_id}/activation/rehearsal/{begun.pk}/"


def test_x(page, owner, signed_in):
    client = signed_in(owner)
    r = client.get(page)
    assert r.status_code == 200
    print(r.content.decode()[:100])
