"""manage.py import_credentials: a folder with a manifest, brought in one by one; a bad entry never stops the others."""

import json
import os
from collections.abc import Callable, Mapping
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from onboarding.credentials import manifest
from onboarding.credentials.models import CertificateRequest
from onboarding.partners.models import Organisation
from onboarding.registrations.models import Application
from onboarding.vault.models import Secret
from tests.brought import certificate_for, key_file
from tests.corporate_ca import CA

PASSWORD = "correct-horse-password"
CERTIFICATE = certificate_for()


@pytest.fixture(autouse=True)
def environments(settings: Any) -> None:
    settings.FLEET_ENVIRONMENTS = ["production", "preproduction"]


def entry(**changes: Any) -> dict[str, Any]:
    """A fitting entry; a field that is changed to None is left out."""
    fields = {
        "name": "Depot dashboard",
        "programme": "fleet_owner",
        "brands": ["peugeot"],
        "mzp": "MZP128745",
        "client_id": "client-1",
        "certificate": "client.pem",
        "ca": "ca.pem",
        "key": "key.pem",
        "passphrase_file": "passphrase",
        "password_file": "secrets/password",
        **changes,
    }
    return {name: value for name, value in fields.items() if value is not None}


Write = Callable[..., Path]


@pytest.fixture
def folder(tmp_path: Path) -> Write:
    """Write a folder: entries, and files beside the fitting ones."""

    def write(*entries: Mapping[str, Any], files: Mapping[str, bytes] | None = None) -> Path:
        root = tmp_path / "credentials"
        (root / "secrets").mkdir(parents=True)
        fitting = {
            "client.pem": CERTIFICATE,
            "ca.pem": CA.pem,
            "key.pem": key_file(passphrase=b"a long passphrase"),
            "passphrase": b"a long passphrase\r\n",
            "secrets/password": PASSWORD.encode() + b"\n",
        }
        for name, content in (fitting | dict(files or {})).items():
            (root / name).write_bytes(content)
        tables = [
            "[[application]]\n" + "".join(f"{name} = {json.dumps(value)}\n" for name, value in one.items())
            for one in entries
        ]
        (root / "manifest.toml").write_text("\n".join(tables), "utf-8")
        return root

    return write


def run(folder: Path, *options: str, organisation: str = "Example Mobility") -> tuple[int, str, str]:
    """Exit code, output, errors."""
    out, err = StringIO(), StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command(
            "import_credentials", str(folder), "--organisation", organisation, *options, stdout=out, stderr=err
        )
    return int(ended.value.code or 0), out.getvalue(), err.getvalue()


def report(folder: Path, *options: str) -> tuple[int, list[dict[str, Any]]]:
    code, out, _err = run(folder, "--json", *options)
    return code, json.loads(out)["applications"]


def codes(result: dict[str, Any]) -> list[str]:
    return [finding["code"] for finding in result["findings"] if finding["severity"] == "error"]


def test_all_are_brought_in_with_progress_and_a_count_and_a_second_time_named(
    partner: Organisation, folder: Write
) -> None:
    root = folder(entry(), entry(name="Second", client_id="client-2", environment="preproduction"))
    code, out, _err = run(root)
    assert code == 0
    assert "[1/2] Depot dashboard imported FA-" in out
    assert "2 imported, 0 already there, 0 refused" in out
    assert set(CertificateRequest.objects.values_list("environment", "custody")) == {
        ("production", "vault"),
        ("preproduction", "vault"),
    }
    code, out, _err = run(root, organisation=str(partner.pk))
    assert code == 0
    assert "[2/2] Second already there (Second, FA-" in out
    assert "0 imported, 2 already there, 0 refused" in out
    assert Application.objects.count() == 2


def test_a_bad_entry_is_refused_with_its_findings_and_the_others_are_brought_in(
    partner: Organisation, folder: Write
) -> None:
    root = folder(
        entry(name="Bad", certificate="no-such.pem", password_file="nowhere"),
        entry(mzp="MZP999999"),
        entry(),
    )
    code, results = report(root)
    assert code == 1
    assert [one["result"] for one in results] == ["refused", "refused", "imported"]
    assert codes(results[0]) == ["manifest_file", "manifest_file"]
    assert codes(results[1]) == ["certificate_other_login"]
    assert all(finding["remedy"] for one in results for finding in one["findings"])
    assert Application.objects.count() == 1


def test_a_dry_run_says_what_would_come_of_it_and_keeps_nothing(partner: Organisation, folder: Write) -> None:
    code, results = report(folder(entry(), entry(mzp="MZP999999")), "--dry-run")
    assert (code, [one["result"] for one in results]) == (1, ["imported", "refused"])
    assert (Application.objects.count(), Secret.objects.count()) == (0, 0)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"certificate": "../outside.pem"}, "manifest_path"),
        ({"certificate": "/etc/hostname"}, "manifest_path"),
        ({"certificate": "secrets/../../outside.pem"}, "manifest_path"),
        ({"certificate": "link.pem"}, "manifest_path"),
        ({"password_file": "../outside.pem"}, "manifest_path"),
        ({"certificate": ""}, "manifest_file"),
        ({"certificate": "secrets"}, "manifest_file"),
        ({"certificate": "a\0b"}, "manifest_file"),
        ({"certificate": "circle.pem"}, "manifest_file"),
        ({"certificate": "pipe"}, "manifest_file"),
        ({"key": "large"}, "manifest_too_large"),
        ({"password_file": "large"}, "manifest_too_large"),
        ({"password_file": "empty"}, "manifest_not_text"),
        ({"password_file": "lines"}, "manifest_not_text"),
        ({"password_file": "latin"}, "manifest_not_text"),
        ({"name": None}, "manifest_missing"),
        ({"nmae": "Depot"}, "manifest_field"),
        ({"name": 5}, "manifest_type"),
        ({"brands": "peugeot"}, "manifest_type"),
        ({"brands": [1]}, "manifest_type"),
        ({"password": "hunter2-hunter2"}, "manifest_secret"),
        ({"client_secret": "hunter2-hunter2"}, "manifest_secret"),
        ({"passphrase": "hunter2-hunter2"}, "manifest_secret"),
        ({"password_file": "hunter2-hunter2"}, "manifest_file"),
    ],
)
def test_what_is_wrong_with_an_entry_is_named_and_nothing_secret_or_outside_is_shown(
    partner: Organisation, folder: Write, tmp_path: Path, changes: dict[str, Any], expected: str
) -> None:
    files = {"large": b"x" * 100_000, "empty": b"\n", "lines": b"a\nb\n", "latin": "é".encode("latin-1")}
    root = folder(entry(**changes), files=files)
    (tmp_path / "outside.pem").write_bytes(CERTIFICATE)
    (root / "link.pem").symlink_to(tmp_path / "outside.pem")
    (root / "circle.pem").symlink_to("circle.pem")
    os.mkfifo(root / "pipe")
    code, out, err = run(root)
    assert (code, "hunter2" in out + err) == (1, False)
    _code, results = report(root)
    assert codes(results[0]) == [expected]
    assert (Application.objects.count(), Secret.objects.count()) == (0, 0)


def test_a_file_that_may_not_be_read_is_named(
    partner: Organisation, folder: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = os.open

    def denied(path: Any, flags: int, *args: Any, **options: Any) -> int:
        if str(path).endswith("client.pem"):
            raise PermissionError(13, "Permission denied")
        return opened(path, flags, *args, **options)

    monkeypatch.setattr(os, "open", denied)  # root, whom tests may run as, may read every file
    _code, out, _err = run(folder(entry()))
    assert "The file under “certificate” (client.pem) could not be read: Permission denied." in out


def test_a_link_within_the_folder_is_followed(partner: Organisation, folder: Write) -> None:
    root = folder(entry(certificate="current.pem"))
    (root / "current.pem").symlink_to("client.pem")
    assert report(root)[0] == 0


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "No such file"),
        (b"", "[[application]]"),
        (b"[[applications]]\n", "[[application]]"),
        (b"application = 'hunter2'\n", "[[application]]"),
        (b"[[application]]\npassword = hunter2\n", "not TOML (at line 2"),
        (b"\xff\xfe", "not UTF-8"),
        (b"a = " + b"[" * 5000, "not TOML"),
    ],
)
def test_without_a_manifest_that_can_be_used_it_does_not_run(
    partner: Organisation, tmp_path: Path, content: bytes | None, words: str
) -> None:
    if content is not None:
        (tmp_path / manifest.NAME).write_bytes(content)
    code, out, err = run(tmp_path)
    assert (code, out) == (2, "")
    assert words in err
    assert "hunter2" not in err


def test_a_company_that_is_not_there_or_not_the_only_one_is_named(partner: Organisation, folder: Write) -> None:
    root = folder(entry())
    assert run(root, organisation="Nobody")[0] == 2
    assert run(root, organisation="00000000-0000-0000-0000-000000000000")[0] == 2
    Organisation.objects.create(name="EXAMPLE Mobility", country="FR")
    code, _out, err = run(root)
    assert (code, "give the id" in err) == (2, True)


def test_no_secret_is_in_what_it_prints(partner: Organisation, folder: Write) -> None:
    root = folder(entry(), entry(client_id="client-2", password_file="other"), files={"other": b"another-password"})
    text = "".join(map(str, run(root))) + "".join(map(str, run(root, "--json")))
    for secret in (PASSWORD, "another-password", "a long passphrase", "PRIVATE KEY"):
        assert secret not in text


def test_what_goes_wrong_here_and_not_with_an_entry_stops_no_other_and_is_told_without_its_words(
    partner: Organisation, folder: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    from onboarding.credentials.management.commands import import_credentials as command

    bring = command.import_credentials

    def fails_once(organisation: Organisation, brought: Any, **options: Any) -> Any:
        if brought.name == "Bad":
            raise RuntimeError(brought.password)
        return bring(organisation, brought, **options)

    monkeypatch.setattr(command, "import_credentials", fails_once)
    code, results = report(folder(entry(name="Bad"), entry()))
    assert (code, [one["result"] for one in results]) == (1, ["refused", "imported"])
    assert codes(results[0]) == ["import_not_kept"]
    assert PASSWORD not in str(results)
