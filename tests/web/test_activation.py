"""The guide to service activation: its pages, the code on them, and the codes of errors."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from onboarding.mobile import sdk
from onboarding.mobile.errors import ERRORS
from onboarding.partners.models import User
from onboarding.registrations.models import Application
from tests.journey import described

SignIn = Callable[[User], Client]


@pytest.fixture
def application(owner: User) -> Application:
    return described(owner)


@pytest.fixture
def page(application: Application, viewer: User, signed_in: SignIn) -> Callable[..., str]:
    """Return a function that opens a page of the guide of a draft, as a viewer, or sends its form."""
    client = signed_in(viewer)

    def opened(path: str = "", data: Any = None, status: int = 200) -> str:
        url = f"/applications/{application.pk}/activation/{path}"
        response = client.get(url) if data is None else client.post(url, data)
        assert response.status_code == status
        return response.content.decode()

    return opened


def test_the_task_list_of_a_draft_leads_to_the_guide(application: Application, signed_in: SignIn, owner: User) -> None:
    html = signed_in(owner).get(f"/applications/{application.pk}/").text
    assert f"/applications/{application.pk}/activation/" in html


@pytest.mark.parametrize("service", ["vehicle-status", "remote-commands"])
def test_a_services_guide_has_each_call_in_both_languages_and_each_error(
    service: str, page: Callable[..., str]
) -> None:
    html = page(f"{service}/")
    for operation in sdk.OPERATIONS:
        for language in ("kotlin", "swift"):
            assert f'id="code-{operation.id}-{language}"' in html, operation.id
    for error in ERRORS:
        assert f'id="error-{error.number}"' in html


def test_every_link_within_a_guide_leads_somewhere(page: Callable[..., str]) -> None:
    html = page("remote-commands/")
    ids = re.findall(r' id="([^"]+)"', html)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'href="#([^"]+)"', html)) <= set(ids)


def test_another_service_is_not_there(page: Callable[..., str]) -> None:
    page("teleport/", status=404)


def test_values_go_into_the_code_and_not_into_an_address(page: Callable[..., str]) -> None:
    given = {"sdk": "2.2", "association": 'a"$b', "steps_id": "132324", "vin": "vr1ab12c3d4567890"}
    html = page("vehicle-status/", given)
    assert "Pair(&quot;carAssociationID&quot;, &quot;a\\&quot;\\$b&quot;)" in html
    assert "&quot;stepsID&quot;: &quot;132324&quot;" in html
    assert "VR1AB12C3D4567890" in html
    assert "?" not in "".join(re.findall(r'action="([^"]*)"', html))
    assert "Up to SDK 2.2 the status is asked for with the vin." in html


def test_a_wrong_value_is_said_beside_its_field_and_the_others_are_filled_in(page: Callable[..., str]) -> None:
    html = page("vehicle-status/", {"sdk": "2.3", "association": "987654", "vin": "VR1"})
    assert "A VIN has 17 characters; this has 3." in html
    assert "Pair(&quot;carAssociationID&quot;, &quot;987654&quot;)" in html


@pytest.mark.parametrize("chosen", ["2.0", "2.1", "9.9", "x" * 4000, "\x00"])
def test_the_version_can_stand_in_the_address_and_what_is_none_is_the_newest(
    chosen: str, page: Callable[..., str]
) -> None:
    html = page(f"vehicle-status/?sdk={chosen}")
    shown = chosen if chosen in ("2.0", "2.1") else "2.3"
    assert f"Code for SDK {shown}" in html
    assert ("SDK 2.0 does not have this call. It came with 2.1." in html) == (chosen == "2.0")
