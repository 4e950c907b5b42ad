"""Runs for tests: climb the ladder, and look at what came of it."""

from datetime import UTC, datetime
from string import Formatter
from typing import Any

import trustme

from onboarding.fleet.checks import Check, Result, Rung, rungs
from onboarding.fleet.diagnosis import Report, diagnose
from onboarding.fleet.messages import MESSAGES, words
from onboarding.fleet.portal_material import PortalChecks
from onboarding.fleet.retry import Policy
from onboarding.fleet.target import CredentialMaterial, Target
from tests.fleet.servers import Server

GATEWAY_401 = {
    "httpCode": "401",
    "httpMessage": "Unauthorized",
    "moreInformation": "The request did not pass the security checks.",
}


def target_of(server: Server, host: str = "localhost") -> Target:
    return Target(api_url=f"https://{host}:{server.port}/connectedcar/v3")


def driver_target(api: Server, token: Server, ca: trustme.CA) -> Target:
    return Target(
        api_url=f"{api.url}/connectedcar/v4",
        token_url=f"{token.url}/am/oauth2/access_token",
        token_ca_pem=ca.cert_pem.bytes(),
        realm="clientsB2CPeugeot",
    )


def climb(material: CredentialMaterial, target: Target, deadline: float = 5.0, **options: Any) -> Report:
    """Climb once, without a further attempt."""
    given = {"now": datetime.now(UTC), "policy": Policy(attempts=1), "checks": PortalChecks, **options}
    return diagnose(material, target, deadline=deadline, **given)


def assert_worded(check: Check) -> None:
    """Its evidence has everything that its message is filled with."""
    message = MESSAGES[check.code]
    fields = {name for text in (message.title, message.remedy) for _, name, _, _ in Formatter().parse(text) if name}
    assert fields <= set(check.evidence), f"{check.code} lacks {fields - set(check.evidence)}: {check.evidence}"


def run(material: CredentialMaterial, target: Target, deadline: float = 5.0) -> Report:
    report = climb(material, target, deadline=deadline)
    optional = [rung for rung, wanted in ((Rung.PROXY, target.proxy), (Rung.CAPABILITIES, target.vin)) if wanted]
    assert [check.rung for check in report.checks] == list(rungs(material.programme.id, optional))
    for check in report.checks:
        assert_worded(check)
        said = words(check)
        assert bool(said.remedy) == (check.result in (Result.FAILED, Result.WARNING)), check.code
    return report


def failure(report: Report) -> Check:
    assert report.result == Result.FAILED
    (failed,) = [check for check in report.checks if check.result == Result.FAILED]
    return failed


def by_rung(report: Report) -> dict[str, Check]:
    return {check.rung: check for check in report.checks}
