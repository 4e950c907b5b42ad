"""Bringing credentials that exist already, up to the first call, in a portal that may call the car maker.

It never does: the only way out is a proxy that is not there.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.brought import MZP, certificate_for, key_file
from tests.browser.conftest import Visit
from tests.corporate_ca import CA, OTHER_KEY
from tests.walkthrough.instance import Instance, instance

NOWHERE = "http://127.0.0.1:9"


@pytest.fixture(scope="module")
def running() -> Iterator[Instance]:
    with instance(FLEET_ENVIRONMENTS="production", FLEET_PROXY=NOWHERE) as started:
        yield started


@pytest.fixture(scope="module")
def sessions() -> dict[str, Any]:
    return {}


@pytest.fixture(scope="module")
def contexts() -> dict[str, Any]:
    return {}


def test_a_wrong_file_is_told_and_loses_nothing_and_the_right_ones_lead_to_the_first_call(visit: Visit) -> None:
    partner = visit("Example Mobility Owner")
    partner.open("/applications/new/").follow("Bring credentials that work already").heading(
        "Bring credentials that work already"
    )
    partner.look("bring").choose("Fleet Owner API", "Peugeot")
    partner.fill({"Application name": "Depot dashboard", "Partner login (MZP)": MZP, "Client ID": "client-1"})
    partner.fill({"Password of the partner login": "correct-horse-password"})
    partner.give("Client certificate", "certificate.pem", certificate_for()).give("CA certificate", "ca.pem", CA.pem)
    partner.give("Private key", "key.pem", key_file(OTHER_KEY)).press("Check and bring in")
    partner.sees("Nothing was kept").look("bring, another key")

    page = partner.page
    assert page.get_by_label("Application name").input_value() == "Depot dashboard"
    assert page.get_by_label("Partner login (MZP)").input_value() == MZP
    assert page.get_by_label("Client ID").input_value() == "client-1"
    assert page.get_by_label("Fleet Owner API").is_checked()
    assert page.get_by_label("Peugeot").is_checked()
    assert "correct-horse-password" not in page.content()

    partner.fill({"Password of the partner login": "correct-horse-password"})
    partner.give("Client certificate", "certificate.pem", certificate_for()).give("CA certificate", "ca.pem", CA.pem)
    partner.give("Private key", "key.pem", key_file()).press("Check and bring in").heading("Depot dashboard")
    partner.look("application: brought in").open(f"{partner.path}production/validate/")
    partner.press("Validate").wait_for_run("Failed").sees("The proxy itself cannot be reached")
