"""The request for a virtual-key token as the page shows it, with curl and Python: it is run as it stands."""

import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from onboarding.web.virtual_keys import snippets
from tests.kit.conftest import VALUES
from tests.kit.test_examples import run
from tests.sandbox.doubles import Running

CAR_TOKEN = {"CAR_DATA": "SGVsbG8+/w==", "CAR_DATA_SIGNATURE": "V29ybGQ="}
CALLS = [
    pytest.param("curl", ["sh", "snippet"], id="curl", marks=pytest.mark.needs("curl")),
    pytest.param("Python", [sys.executable, "snippet"], id="python"),
]


@pytest.fixture
def folder(sandbox: Running, fleet_owner: Path) -> Path:
    """What the page says to have: both certificates and the key."""
    shutil.copy(fleet_owner / "chain.pem", fleet_owner / "client-certificate.pem")
    values = replace(VALUES, api_url=VALUES.api_url.replace(":1/", f":{sandbox.ports.api}/"))
    for snippet in snippets(values, 5400):
        (fleet_owner / snippet["label"]).write_text(snippet["code"], "utf-8")
    return fleet_owner


@pytest.mark.parametrize(("label", "command"), CALLS)
def test_it_gets_a_token_for_as_long_as_it_says(label: str, command: list[str], folder: Path) -> None:
    shutil.copy(folder / label, folder / "snippet")
    done = run(command, folder, **CAR_TOKEN)
    assert done.returncode == 0, done.stderr
    content = json.loads(done.stdout.removeprefix("200 "))
    assert (content["token"]["expires_in"], content["token"]["token_type"]) == ("5400", "bearer")
    assert "SGVsbG8" not in (folder / label).read_text("utf-8")


@pytest.mark.parametrize(("label", "command"), CALLS)
def test_it_shows_the_refusal_and_without_its_variables_it_calls_nobody(
    label: str, command: list[str], folder: Path
) -> None:
    shutil.copy(folder / label, folder / "snippet")
    assert "CarData is not Base64" in run(command, folder, **(CAR_TOKEN | {"CAR_DATA": "*"})).stdout
    unset = run(command, folder, CAR_DATA="QQ==")
    assert unset.returncode != 0
    assert (unset.stdout, "CAR_DATA_SIGNATURE" in unset.stderr) == ("", True)
