"""The pages about runs: what a look costs, who may do what, what is shown when it has ended."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from onboarding.credentials.models import CredentialSet
from onboarding.fleet.checks import Check, Result, Rung, Turn
from onboarding.partners.models import User
from onboarding.validation import flows
from onboarding.validation.models import Run
from tests.conftest import member
from tests.journey import issued

HTMX = {"HTTP_HX_REQUEST": "true"}
GOOD = (
    Check(Rung.NAME_RESOLUTION, "name_resolved", Result.PASSED,
          evidence={"host": "api.example", "addresses": "192.0.2.1, 192.0.2.2"}, ms=3),
    Check(Rung.SERVER_TLS, "server_trusted", Result.PASSED,
          evidence={"host": "api.example", "tls_version": "TLSv1.3"}, ms=20),
    Check(Rung.AUTHENTICATION, "login_accepted", Result.PASSED),
)  # fmt: skip
BAD = (
    Check(Rung.NAME_RESOLUTION, "name_resolved", Result.PASSED,
          evidence={"host": "api.example", "addresses": "192.0.2.2, 192.0.2.1"}, ms=4),
    Check(Rung.SERVER_TLS, "server_trusted", Result.PASSED,
          evidence={"host": "api.example", "tls_version": "TLSv1.2"}, ms=900),
    Check(Rung.AUTHENTICATION, "login_refused", Result.FAILED, Turn.PARTNER,
          {"host": "api.example", "http_status": 401, "transaction_id": "abc-123"}),
)  # fmt: skip


@pytest.fixture
def held(owner: User, reviewer: User, issuer: User) -> CredentialSet:
    return issued(owner, reviewer, issuer)


def ended(held: CredentialSet, checks: tuple[Check, ...], days_ago: float = 0, **values: Any) -> Run:
    began = timezone.now() - timedelta(days=days_ago)
    failed = next((check for check in checks if check.result == Result.FAILED), None)
    fields = {
        "state": "failed" if failed else "passed",
        "stopped_at": str(failed.rung) if failed else "",
        "fault": failed.code if failed else "",
        "checks": [check.to_json() for check in checks],
        "started_at": began,
        "finished_at": began + timedelta(seconds=1.5),
        "attempt": 1,
    }
    run = Run.objects.create(credential_set=held, **(fields | values))
    Run.objects.filter(pk=run.pk).update(created_at=began)
    return run


def test_a_look_at_a_run_that_has_nothing_new_costs_one_query_and_says_so(
    held: CredentialSet, owner: User, signed_in: Callable[[User], Client]
) -> None:
    run = flows.request_run(held, actor=member(owner))
    url, client = reverse("run", args=[run.pk]), signed_in(owner)
    fragment = client.get(url, **HTMX).content.decode()
    seen = fragment.partition("?seen=")[2].partition('"')[0]
    with CaptureQueriesContext(connection) as queries:
        assert client.get(f"{url}?seen={seen}", **HTMX).status_code == 204
    of_the_run = [query["sql"] for query in queries if "validation_run" in query["sql"]]
    assert len(queries) == 3  # the session, the reader, and the run
    assert len(of_the_run) == 1
    assert '"checks"' not in of_the_run[0]


def test_a_look_at_a_run_that_goes_on_does_not_load_its_history(
    held: CredentialSet, owner: User, signed_in: Callable[[User], Client]
) -> None:
    client = signed_in(owner)
    run = flows.request_run(held, actor=member(owner))
    with CaptureQueriesContext(connection) as queries:
        client.get(f"{reverse('run', args=[run.pk])}?seen=queued-9-9", **HTMX)
    before = len(queries)
    Run.objects.filter(pk=run.pk).update(state="failed")
    for days in range(1, 6):
        ended(held, GOOD, days_ago=days)
    run = flows.request_run(held, actor=member(owner))
    with CaptureQueriesContext(connection) as queries:
        client.get(f"{reverse('run', args=[run.pk])}?seen=queued-9-9", **HTMX)
    assert len(queries) == before <= 8


def test_a_member_cancels_a_run_from_its_page(
    held: CredentialSet, owner: User, colleague: User, signed_in: Callable[[User], Client]
) -> None:
    run = flows.request_run(held, actor=member(owner))
    client = signed_in(colleague)
    assert "Cancel the run" in client.get(reverse("run", args=[run.pk])).content.decode()
    page = client.post(reverse("run_cancel", args=[run.pk]), follow=True).content.decode()
    assert "The run was cancelled" in page
    assert "Cancel the run" not in page
    run.refresh_from_db()
    assert run.state == "cancelled"
    assert "had ended already" in client.post(reverse("run_cancel", args=[run.pk]), follow=True).content.decode()


def test_a_viewer_follows_a_run_and_cannot_cancel_it(
    held: CredentialSet, owner: User, viewer: User, signed_in: Callable[[User], Client]
) -> None:
    run = flows.request_run(held, actor=member(owner))
    client = signed_in(viewer)
    assert "Cancel the run" not in client.get(reverse("run", args=[run.pk])).content.decode()
    assert client.post(reverse("run_cancel", args=[run.pk])).status_code == 403
    run.refresh_from_db()
    assert run.state == "queued"


def test_a_run_is_started_again_from_its_page(
    held: CredentialSet, owner: User, signed_in: Callable[[User], Client]
) -> None:
    run = ended(held, BAD)
    client = signed_in(owner)
    assert "Run again" in client.get(reverse("run", args=[run.pk])).content.decode()
    client.post(reverse("validate", args=[held.application_id, "sandbox"]))
    assert held.runs.filter(state="queued").count() == 1


def test_the_history_says_where_each_run_stopped_how_long_it_took_and_who_asked(
    held: CredentialSet, owner: User, signed_in: Callable[[User], Client]
) -> None:
    ended(held, BAD, requested_by=owner)
    ended(held, GOOD, days_ago=1, origin="schedule")
    page = signed_in(owner).get(reverse("validate", args=[held.application_id, "sandbox"])).content.decode()
    for said in ("The partner login is accepted", "1.50 s", str(owner), "Regular check"):
        assert said in page


def test_the_latency_picture_says_the_same_in_figures(
    held: CredentialSet, owner: User, signed_in: Callable[[User], Client]
) -> None:
    for days in range(3):
        ended(held, GOOD, days_ago=days)
    page = signed_in(owner).get(reverse("validate", args=[held.application_id, "sandbox"])).content.decode()
    picture = page.partition('class="table latency"')[2].partition("</table>")[0]
    assert picture.count("<rect") == 6  # two checks were measured, in three runs
    assert picture.count("20 ms") == 3  # last, median, slowest
    assert "style=" not in picture


def test_one_run_makes_no_latency_picture(
    held: CredentialSet, owner: User, signed_in: Callable[[User], Client]
) -> None:
    ended(held, GOOD)
    assert (
        "latency"
        not in signed_in(owner).get(reverse("validate", args=[held.application_id, "sandbox"])).content.decode()
    )


def test_a_failed_run_is_compared_with_the_last_good_one(
    held: CredentialSet, owner: User, signed_in: Callable[[User], Client]
) -> None:
    ended(held, GOOD, days_ago=2)
    run = ended(held, BAD)
    page = signed_in(owner).get(reverse("run", args=[run.pk])).content.decode()
    compared = page.partition("Compared with the last good run</h2>")[2].partition("</table>")[0]
    assert "2 days ago" in compared
    for said in ("TLSv1.3", "TLSv1.2", "20 ms", "900 ms", "Passed", "Failed"):
        assert said in compared
    assert "192.0.2.1" not in compared  # the same addresses, in another order


def test_a_failed_run_without_a_good_one_before_it_is_compared_with_nothing(
    held: CredentialSet, owner: User, signed_in: Callable[[User], Client]
) -> None:
    ended(held, GOOD, days_ago=2, facts={"rehearsal": "login_refused"})
    run = ended(held, BAD)
    assert "Compared with" not in signed_in(owner).get(reverse("run", args=[run.pk])).content.decode()


@pytest.mark.parametrize("reader", ["viewer", "auditor"])
def test_support_gets_what_it_asks_for_and_nothing_secret(
    held: CredentialSet, reader: str, request: pytest.FixtureRequest, signed_in: Callable[[User], Client]
) -> None:
    run = ended(held, BAD)
    client = signed_in(request.getfixturevalue(reader))
    text = client.get(reverse("run_bundle", args=[run.pk, "txt"]))
    assert text.headers["Content-Type"].startswith("text/plain")
    assert "attachment" in text.headers["Content-Disposition"]
    held.certificate_request.refresh_from_db()
    for said in ("abc-123", "401", held.client_id, "MZP128745", held.certificate_request.serial_number):
        assert said in text.content.decode()
    data = json.loads(client.get(reverse("run_bundle", args=[run.pk, "json"])).content)
    assert data["references"] == {"transaction_id": "abc-123", "http_status": 401}


def test_a_run_that_was_cancelled_in_a_check_shows_it_as_not_reached_and_has_nothing_to_send(
    held: CredentialSet, owner: User, signed_in: Callable[[User], Client]
) -> None:
    begun = (GOOD[0], Check(Rung.SERVER_TLS, "running", Result.RUNNING))
    run = ended(held, begun, state="cancelled")
    client = signed_in(owner)
    page = client.get(reverse("run", args=[run.pk])).content.decode()
    assert "Not reached" in page
    assert "Running" not in page
    assert "For support" not in page
    assert client.get(reverse("run_bundle", args=[run.pk, "txt"])).status_code == 302


def test_there_is_nothing_to_send_before_the_run_has_ended(
    held: CredentialSet, owner: User, signed_in: Callable[[User], Client]
) -> None:
    run = flows.request_run(held, actor=member(owner))
    assert signed_in(owner).get(reverse("run_bundle", args=[run.pk, "txt"])).status_code == 302


def test_a_bundle_of_another_kind_does_not_exist(
    held: CredentialSet, owner: User, signed_in: Callable[[User], Client]
) -> None:
    run = ended(held, GOOD)
    assert signed_in(owner).get(reverse("run_bundle", args=[run.pk, "exe"])).status_code == 404
