"""A VIN given for one run: it reaches the call and nothing else, and is shown and kept by nobody."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.apps import apps
from django.test import Client
from django.urls import reverse

from onboarding.credentials.models import CredentialSet
from onboarding.fleet.checks import Check, Result, Rung
from onboarding.fleet.diagnosis import Report
from onboarding.fleet.evidence import Redactor
from onboarding.notifications.models import Mail
from onboarding.partners.actors import SYSTEM
from onboarding.partners.models import User
from onboarding.validation import flows
from onboarding.validation.models import Run
from onboarding.vault.models import Secret
from tests.conftest import member
from tests.journey import issued

VIN = "VF3SANDBX00000001"
Browser = Callable[[User], Client]


@pytest.fixture
def held(owner: User, reviewer: User, issuer: User) -> CredentialSet:
    return issued(owner, reviewer, issuer)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str | None]:
    """The vehicle of each call; the server says it back, and the run's evidence is cleaned as it always is."""
    seen: list[str | None] = []

    def diagnose(material: Any, target: Any, *, on_check: Any, **_options: Any) -> Report:
        seen.append(target.vin)
        said = Redactor(material, target).clean_all({"vin": "…0001", "message": f"no data for {target.vin}"})
        found = Check(Rung.CAPABILITIES, "vehicle_not_found", Result.WARNING, evidence=said)
        on_check([found])
        return Report(Result.PASSED, (found,), {})

    monkeypatch.setattr(flows, "diagnose", diagnose)
    return seen


def everything_kept() -> str:
    """Every value of every row, as one text."""
    rows = (row for model in apps.get_models() for row in model._default_manager.values_list())
    return "\n".join(
        value.hex() + repr(bytes(value)) if isinstance(value, bytes | memoryview) else repr(value)
        for row in rows
        for value in row
    )


def page(held: CredentialSet) -> str:
    return reverse("validate", args=[held.application_id, "sandbox"])


def test_a_vin_reaches_the_call_and_is_nowhere_else_neither_before_nor_after(
    held: CredentialSet,
    owner: User,
    signed_in: Browser,
    asked: list[str | None],
    nothing_queued: list[Any],
    django_capture_on_commit_callbacks: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:
    client = signed_in(owner)
    with django_capture_on_commit_callbacks(execute=True):
        response = client.post(page(held), {"vin": " vf3 sandbx 0000 0001 "})
    run = Run.objects.get()
    assert response.headers["Location"] == reverse("run", args=[run.pk])
    assert VIN not in everything_kept()
    waiting = client.get(response.headers["Location"]).content.decode()
    assert "The vehicle you named can be asked about" in waiting
    flows.execute(run.pk)
    assert asked == [VIN]
    after = client.get(response.headers["Location"]).content.decode()
    assert "no data for …0001" in after
    bundles = [client.get(reverse("run_bundle", args=[run.pk, kind])).content.decode() for kind in ("txt", "json")]
    mails = json.dumps(list(Mail.objects.values_list("params", flat=True)))
    told = (waiting, after, *bundles, mails, repr(nothing_queued), caplog.text, everything_kept(), page(held))
    assert not any(VIN in text or VIN.encode().hex() in text for text in told)
    assert bytes(Secret.objects.get(kind=Secret.Kind.VIN_FOR_ONE_RUN).sealed) == b""


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("VF3SANDBX0000001", "A VIN has 17 characters; this has 16."),
        ("VF3SANDBX000000012", "this has 18."),
        ("VF3SANDBXO000000I", "no I, O and Q, which look like 1 and 0. Check: O I"),
        ("VF3-SANDBX-000001", "A VIN has digits and letters, but no I, O and Q, which look like 1 and 0. Check: -"),
        ("<script>alert(1)</", "Check: &lt; i &gt; ( ) /"),
        ("V" * 101, "100"),
    ],
)
def test_what_is_no_vin_is_refused_beside_the_field_and_starts_nothing(
    held: CredentialSet, owner: User, signed_in: Browser, typed: str, said: str
) -> None:
    response = signed_in(owner).post(page(held), {"vin": typed})
    form = response.context["form"]
    assert set(form.errors) == {"vin"}
    text = response.content.decode()
    assert said in text
    assert '<details class="more" open>' in text  # what is wrong is not folded away, and what was typed is there
    assert form["vin"].value() == typed
    assert (Run.objects.count(), Secret.objects.filter(kind=Secret.Kind.VIN_FOR_ONE_RUN).count()) == (0, 0)


def test_the_page_says_what_the_call_proves_and_what_becomes_of_the_vin(
    owner: User, reviewer: User, issuer: User, signed_in: Browser
) -> None:
    client = signed_in(owner)
    for programme, said in (
        ("fleet_owner", "is one that your login may ask about"),
        ("end_user", "not that its driver has consented"),
    ):
        text = client.get(page(issued(owner, reviewer, issuer, programme=programme))).content.decode()
        for words in (said, "erased when the run ends", VIN):
            assert words in text


def test_the_next_run_and_the_schedules_runs_do_without(
    held: CredentialSet, owner: User, signed_in: Browser, asked: list[str | None]
) -> None:
    flows.execute(flows.request_run(held, actor=member(owner), vin=VIN).pk)
    last = Run.objects.get()
    shown = signed_in(owner).get(reverse("run", args=[last.pk])).content.decode()
    assert f'href="{page(held)}">Run again' in shown  # where it can be typed again
    for actor in (member(owner), SYSTEM):
        flows.execute(flows.request_run(held, actor=actor).pk)
    assert asked == [VIN, None, None]


def test_a_run_that_waits_for_the_schedule_takes_the_vin_of_who_clicks(
    held: CredentialSet, owner: User, asked: list[str | None]
) -> None:
    waiting = flows.request_run(held, actor=SYSTEM)
    stale = Run.objects.get(pk=waiting.pk)
    run = flows.request_run(held, actor=member(owner), vin=VIN)
    assert (run.pk, run.origin) == (waiting.pk, "person")
    assert flows.cancel_run(stale, actor=member(owner))  # read before the VIN came: it goes all the same
    assert bytes(Secret.objects.get(kind=Secret.Kind.VIN_FOR_ONE_RUN).sealed) == b""
    flows.request_run(held, actor=SYSTEM)
    flows.execute(flows.request_run(held, actor=member(owner), vin=VIN).pk)
    assert asked == [VIN]


def test_who_comes_to_a_run_that_somebody_else_has_asked_for_is_told_that_it_does_without(
    held: CredentialSet, owner: User, signed_in: Browser
) -> None:
    flows.request_run(held, actor=member(owner))
    response = signed_in(owner).post(page(held), {"vin": VIN}, follow=True)
    assert "it asks about no vehicle" in response.content.decode()
    assert not Secret.objects.filter(kind=Secret.Kind.VIN_FOR_ONE_RUN).exists()
