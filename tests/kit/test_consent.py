"""The examples of a driver's consent, run as they stand: code for tokens, refresh, and the first GET /user."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from onboarding.credentials import kit
from onboarding.oauth.grants import Granted
from tests.kit.conftest import USER_CLIENT_ID, USER_VALUES
from tests.kit.test_examples import run
from tests.sandbox.doubles import Running

REDIRECT = "https://depots.example/it's?a=1&b=$HOME"
GRANTED = Granted("jonas", "peugeot", ("data:telemetry",))
CODE = "code-1"


@pytest.fixture
def folder(end_user: Path, sandbox: Running) -> Path:
    """A kit's folder, with the examples of a consent beside it, and a code that the sandbox gave out."""
    token_url = f"https://localhost:{sandbox.ports.token}/am/oauth2/access_token"
    values = replace(
        USER_VALUES,
        api_url=f"https://localhost:{sandbox.ports.api}/connectedcar/v4",
        refresh_url=f"{token_url}?realm=clientsB2CPeugeot",
        token_url=token_url,
        redirect_uri=REDIRECT,
    )
    for name in kit.CONSENT:
        (end_user / name).write_text(kit.example(name, values), encoding="utf-8")
    sandbox.grants.given[CODE] = (USER_CLIENT_ID, REDIRECT, GRANTED)
    return end_user


@pytest.mark.needs("curl")
def test_curl_exchanges_the_code_once_and_the_token_opens_get_user(folder: Path) -> None:
    done = run(["sh", "exchange-code.sh"], folder, AUTHORIZATION_CODE=CODE)
    given = json.loads(done.stdout)
    assert (given["token_type"], given["scope"]) == ("Bearer", "data:telemetry")
    shown = run(["sh", "run.sh"], folder, ACCESS_TOKEN=given["access_token"])
    assert len(json.loads(shown.stdout)["_embedded"]["Vehicles"]) == 2
    again = run(["sh", "exchange-code.sh"], folder, AUTHORIZATION_CODE=CODE)
    assert json.loads(again.stdout)["error"] == "invalid_grant"
    renewed = json.loads(run(["sh", "refresh-token.sh"], folder, REFRESH_TOKEN=given["refresh_token"]).stdout)
    assert renewed["access_token"] != given["access_token"]


def test_python_goes_from_the_code_to_get_user_and_from_the_refresh_token_too(folder: Path, sandbox: Running) -> None:
    first = run(["env", "-u", "REFRESH_TOKEN", sys.executable, "enrol.py"], folder, AUTHORIZATION_CODE=CODE)
    assert first.returncode == 0, first.stderr
    granted, _, answer = first.stdout.partition("\n")
    assert granted == "granted: data:telemetry"
    assert json.loads(answer.removeprefix("200 "))["firstName"] == "Jonas"
    refreshing = next(token for token, (to, _) in sandbox.grants.tokens.items() if token.startswith("refresh-"))
    second = run([sys.executable, "enrol.py"], folder, REFRESH_TOKEN=refreshing)
    assert "200 " in second.stdout, second.stderr


def test_python_shows_why_a_code_is_refused_and_calls_no_further(folder: Path) -> None:
    done = run(["env", "-u", "REFRESH_TOKEN", sys.executable, "enrol.py"], folder, AUTHORIZATION_CODE="another")
    assert done.returncode != 0
    assert "invalid_grant" in done.stderr
    assert done.stdout == ""
