"""Whatever is sent to the forms of solo mode: never an error of ours, and nothing is recorded of it."""

from typing import Any

import pytest
from django.test import Client

from onboarding.audit.models import Entry
from onboarding.credentials import recording
from onboarding.partners.models import User
from tests.alone.conftest import ago
from tests.alone.stages import approved, sent, with_csr
from tests.conftest import member
from tests.journey import described

pytestmark = pytest.mark.django_db

BAD: dict[str, dict[str, Any]] = {
    "nothing that is asked": {"x": "1"},
    "control characters": {"on": "\0", "reference": "a\0b", "mzp": "MZP\0", "note": "\x07", "version": "\0"},
    "direction marks": {
        "on": "2026-11-01",
        "reference": "\u202eSR",
        "mzp": "\u202eMZP1",
        "note": "\u2066",
        "version": "1",
    },
    "too long": {"on": "2" * 5000, "reference": "x" * 5000, "mzp": "M" * 5000, "note": "x" * 5000, "version": "9" * 40},
    "other types": {"on": "31/31/31", "reference": "a\nb", "mzp": "-", "note": " ", "reason": "none", "version": "-1"},
    "doubled": {"on": ["x", "y"], "reference": ["\0", "\0"], "mzp": ["a", "b"], "version": ["x", "y"]},
    "no such day": {"on": "2026-02-30", "mzp": "MZP128745", "note": "More.", "reason": "other", "version": "1"},
}


@pytest.fixture
def pages(owner: User) -> list[str]:
    """Every form of solo mode, where it is open."""
    request = with_csr(approved(owner), owner)
    recording.send_csr(request, outside=ago(2), actor=member(owner))
    draft, waiting = described(owner), sent(owner)
    return [
        f"/applications/{draft.pk}/dossier/",
        f"/applications/{draft.pk}/login/",
        *(f"/applications/{waiting.pk}/answer/{verb}/" for verb in ("approved", "changes", "declined")),
        f"/applications/{request.application_id}/production/csr/refused/",
        f"/applications/{request.application_id}/production/certificate/receive/",
    ]


def test_what_is_wrong_is_said_and_nothing_is_recorded(pages: list[str], owner: User) -> None:
    client = Client()
    client.force_login(owner, "allauth.account.auth_backends.AuthenticationBackend")
    before = Entry.objects.count()
    for name, given in BAD.items():
        for page in pages:
            response = client.post(page, given)
            assert response.status_code in (200, 422), (name, page)
            assert "error-summary" in response.content.decode(), (name, page)
    assert Entry.objects.count() == before


def test_no_file_is_made_that_is_none_of_ours(owner: User, pages: list[str]) -> None:
    client = Client()
    client.force_login(owner, "allauth.account.auth_backends.AuthenticationBackend")
    for name in ("dossier.exe", "dossier.csr", "key.pem", "chase.eml", "chase.txt", "csr-sandbox.csr", "x.txt"):
        assert client.get(f"{pages[0]}{name}").status_code == 404, name
    assert client.get(f"{pages[0]}dossier.txt?language=../../etc").status_code == 200
