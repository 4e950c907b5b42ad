"""The trace check's pages: checked, told by its lines, attached for staff to see, taken off, forgotten in time."""

import html
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from onboarding.activation import attaching, retention
from onboarding.activation.models import TraceReport
from onboarding.audit.models import Entry
from onboarding.mobile import samples, snippets, traces
from onboarding.partners.models import Organisation, User
from onboarding.registrations.models import Application, Registration
from tests.conftest import member
from tests.journey import submitted

BEGIN = datetime(2030, 1, 1, tzinfo=UTC)
RIGHT, WRONG = samples.right(BEGIN), samples.wrong(BEGIN)
SignIn = Callable[[User], Client]


@pytest.fixture
def application(owner: User) -> Application:
    return submitted(owner)


@pytest.fixture
def url(application: Application) -> str:
    return f"/applications/{application.pk}/activation/traces/"


def sent(client: Client, url: str, trace: bytes) -> str:
    """Upload a trace; return the page, its entities decoded."""
    response = client.post(url, {"trace": SimpleUploadedFile("trace.jsonl", trace)})
    assert response.status_code == 200
    return html.unescape(response.content.decode())


def signed(page: str) -> str:
    found = re.search(r'name="private_report" value="([^"]+)"', page)
    assert found
    return found[1]


def attached(client: Client, url: str, trace: bytes = WRONG, version: str = "4.2.0") -> TraceReport:
    """Check a trace and attach its report, by the page's own forms."""
    body = {"private_report": signed(sent(client, url, trace)), "app_version": version}
    response = client.post(f"{url}attach/", body)
    assert response.status_code == 302
    return TraceReport.objects.get(pk=response.headers["Location"].split("/")[-2])


def test_the_two_samples_are_what_they_say() -> None:
    assert traces.check(RIGHT).clean
    codes = {finding.code for finding in traces.check(WRONG).findings}
    assert {"out_of_order", "steps_id_shared", "reset_missing", "carkey_not_checked"} <= codes


def test_each_violation_is_told_with_its_line_its_remedy_and_its_excerpt(
    url: str, viewer: User, signed_in: SignIn
) -> None:
    page = sent(signed_in(viewer), url, WRONG)
    assert "6 things are wrong" in page
    for finding in traces.check(WRONG).findings:
        assert f'finding__field mono">{finding.code}<' in page
        assert f"Line {finding.params['line']}<" in page
    assert '"stepsID": "' in page
    assert "The trace keeps every rule" in sent(signed_in(viewer), url, RIGHT)


def test_a_trace_can_be_pasted_and_a_sample_chosen(url: str, owner: User, signed_in: SignIn) -> None:
    client = signed_in(owner)
    assert "6 things are wrong" in client.post(url, {"private_trace": WRONG.decode()}).text
    assert "6 things are wrong" in client.post(url, {"sample": "wrong"}).text
    assert "Choose the trace" in client.post(url, {}).text


def test_the_report_comes_as_json_as_the_command_prints_it(url: str, viewer: User, signed_in: SignIn) -> None:
    client = signed_in(viewer)
    response = client.post(f"{url}report.json", {"private_report": signed(sent(client, url, WRONG))})
    report = json.loads(response.content)
    assert (report["clean"], report["calls"]) == (False, 7)
    assert {"code", "line", "what", "remedy", "source", "excerpt"} <= report["findings"][0].keys()


SECRET = "4711" + "9944"
LEAKY = b"\n".join(
    json.dumps(line).encode()
    for line in (
        {"device": "a", "call": "set", "api": "pims.authentication.enrollment ", "parameters": {"pinCode": SECRET}},
        {"device": "a", "message": {"status": "FAILED", "error": {"code": 2310}, "otp": SECRET}},
        {"device": "a", "call": "set", "api": "pims.authentication.enrollment", "parameters": {"pinCode": SECRET}},
    )
)


@pytest.mark.parametrize("trace", [LEAKY, LEAKY.replace(b'"}}', b'"', 1), LEAKY + b'\n{"pinCode": ' + SECRET.encode()])
def test_no_secret_of_a_trace_is_shown_or_kept(
    trace: bytes, url: str, owner: User, reviewer: User, signed_in: SignIn
) -> None:
    client = signed_in(owner)
    assert SECRET not in sent(client, url, trace)
    report = attached(client, url, trace)
    assert SECRET not in json.dumps(report.findings)
    assert SECRET not in signed_in(reviewer).get(f"/traces/{report.pk}/").text


def test_an_attached_report_is_seen_by_staff_on_the_review_and_in_the_history(
    url: str, application: Application, owner: User, reviewer: User, signed_in: SignIn
) -> None:
    report = attached(signed_in(owner), url)
    desk = signed_in(reviewer)
    review = desk.get(f"/desk/registrations/{application.registration.pk}/").text
    assert f'href="/traces/{report.pk}/"' in review
    assert "4.2.0" in review
    assert "6 things are wrong" in desk.get(f"/traces/{report.pk}/").text
    assert f'href="/traces/{report.pk}/"' in signed_in(owner).get(f"/applications/{application.pk}/history/").text
    assert Entry.objects.filter(event="trace:attached", application_id=application.pk).count() == 1


def test_a_report_is_attached_once_and_only_as_it_was_made(
    url: str, owner: User, colleague: User, viewer: User, rival: User, signed_in: SignIn
) -> None:
    client = signed_in(owner)
    page = signed(sent(client, url, WRONG))
    for _twice in range(2):
        client.post(f"{url}attach/", {"private_report": page, "app_version": "1"})
    assert TraceReport.objects.count() == 1
    changed = page[:20] + ("A" if page[20] != "A" else "B") + page[21:]
    for report in (changed, "", "x" * 5000):
        response = client.post(f"{url}attach/", {"private_report": report})
        assert response.status_code == 302
    signed_in(colleague).post(f"{url}attach/", {"private_report": page, "app_version": "2"})  # made for somebody else
    assert signed_in(viewer).post(f"{url}attach/", {"private_report": page}).status_code == 403
    assert signed_in(rival).post(f"{url}attach/", {"private_report": page}).status_code == 404
    assert TraceReport.objects.count() == 1
    wrong = client.post(f"{url}attach/", {"private_report": page, "app_version": "v" * 61})
    assert (wrong.status_code, page in wrong.text) == (422, True)


def test_a_report_is_taken_off_by_those_who_may_and_by_nobody_else(
    url: str, owner: User, viewer: User, reviewer: User, rival: User, signed_in: SignIn
) -> None:
    report = attached(signed_in(owner), url)
    for who, status in ((viewer, 403), (reviewer, 404), (rival, 404)):
        assert signed_in(who).post(f"/traces/{report.pk}/").status_code == status
    assert signed_in(rival).get(f"/traces/{report.pk}/report.json").status_code == 404
    assert signed_in(owner).post(f"/traces/{report.pk}/").status_code == 302
    assert not TraceReport.objects.exists()
    assert Entry.objects.filter(event="trace:detached", partner_visible=True).count() == 1


def test_an_application_has_only_so_many_reports(
    url: str, owner: User, signed_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attaching, "MOST_ATTACHED", 1)
    client = signed_in(owner)
    attached(client, url)
    body = {"private_report": signed(sent(client, url, RIGHT))}
    assert "Take one off" in client.post(f"{url}attach/", body).text
    assert TraceReport.objects.count() == 1


def test_old_reports_go_and_so_do_those_of_what_was_erased(
    application: Application, owner: User, partner: Organisation, settings: Any
) -> None:
    def attach(version: str) -> TraceReport:
        checked = attaching.check(SimpleUploadedFile("t", RIGHT).file, timezone.now())
        return attaching.attach(application, checked, app_version=version, actor=member(owner))

    old, new = attach("1"), attach("2")
    TraceReport.objects.filter(pk=old.pk).update(attached_at=timezone.now() - timedelta(days=401))
    settings.RETAIN_RUN_DAYS = 0
    assert retention.delete_old() == 0
    settings.RETAIN_RUN_DAYS = 400
    assert (retention.delete_old(), retention.delete_old()) == (1, 0)
    Registration.objects.filter(application=application).update(erased_at=timezone.now())
    assert retention.delete_old() == 1
    assert not TraceReport.objects.filter(pk=new.pk).exists()


BAD = {
    "an empty file": (b"", 422, "This file is empty"),
    "no JSON": (b"<html>", 200, "trace_line_not_json"),
    "no text": (b"\xff\xfe\x00" * 50, 200, "There is no trace in this"),
    "deep nesting": (b"[" * 60_000, 200, "There is no trace in this"),
    "a line too long": (b'{"call": "' + b"x" * 70_000 + b'"}', 200, "trace_line_too_long"),
    "more than 10 MiB": (b"x" * (traces.MAX_BYTES + 1), 200, "trace_too_large"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_named_and_never_an_error_of_ours(name: str, url: str, owner: User, signed_in: SignIn) -> None:
    trace, status, said = BAD[name]
    response = signed_in(owner).post(url, {"trace": SimpleUploadedFile("trace.jsonl", trace)})
    assert response.status_code == status
    assert said in response.content.decode()


def test_one_person_has_one_trace_checked_at_a_time(url: str, owner: User, signed_in: SignIn) -> None:
    cache.set(f"trace-check-{owner.pk}", True)
    assert "Another trace of yours is being checked" in signed_in(owner).post(url, {"sample": "right"}).text
    cache.delete(f"trace-check-{owner.pk}")
    assert "keeps every rule" in signed_in(owner).post(url, {"sample": "right"}).text


def test_recorder_and_samples_can_be_downloaded(url: str, viewer: User, signed_in: SignIn) -> None:
    client = signed_in(viewer)
    for language, name in (("kotlin", "SdkRecorder.kt"), ("swift", "SdkRecorder.swift")):
        response = client.get(f"{url}recorder/{language}/")
        assert name in response.headers["Content-Disposition"]
        assert response.content.decode() == snippets.recorder(language)
    assert traces.check(client.get(f"{url}samples/right.jsonl").content).clean
    assert client.get(f"{url}samples/left.jsonl").status_code == 404
    assert client.get(f"{url}recorder/cobol/").status_code == 404


def test_excerpts_are_of_the_lines_that_the_check_counts() -> None:
    lines = [b'{"n": %d}' % number for number in range(1, 8)]
    lines[2] = b"x" * 200_000
    found = traces.excerpts(SimpleUploadedFile("t", b"\r\n".join(lines)).file, {2, 3, 4, 7, 99})
    assert (found[2], found[4], found[7]) == ('{"n": 2}', '{"n": 4}', '{"n": 7}')
    assert (len(found[3]), 99 in found) == (traces.MAX_EXCERPT, False)
