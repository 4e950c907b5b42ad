"""System checks: contradictions are found at start, and a demo cannot be deployed."""

import os
import secrets
import subprocess
import sys
from base64 import b64encode
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from onboarding.web.checks import fit_for_others, settings_agree

PROJECT = Path(__file__).resolve().parents[2]


def ids(messages: object) -> set[str]:
    return {message.id for message in messages}  # type: ignore[attr-defined]


def test_the_settings_we_test_with_agree() -> None:
    assert ids(settings_agree()) == set()


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("PORTAL_MODE", "cloud", "portal.E001"),
        ("KEY_CUSTODIES", ["own", "vualt"], "portal.E002"),
        ("KEY_CUSTODIES", ["paper"], "portal.E002"),
        ("FLEET_ENVIRONMENTS", ["production", "prodcution"], "portal.E005"),
        ("ISSUERS", {"prodcution": "manual"}, "portal.E013"),
        ("ISSUERS", {"leasing/production": "manual"}, "portal.E013"),
        ("ISSUERS", {"production": "nowhere.Issuer"}, "portal.E013"),
        ("ISSUERS", {"production": "embedded"}, "portal.E013"),
        ("ISSUERS", {"sandbox": "manual"}, "portal.E013"),
        ("ACCENT_COLOUR", "red; }", "portal.E006"),
        ("SANDBOX_PORT", 7999, "portal.E003"),
        ("SANDBOX_PORT", 65_535, "portal.E003"),
        ("SANDBOX_FAULT_PORTS", 7990, "portal.E007"),
        ("SANDBOX_FAULT_PORTS", 8444, "portal.E007"),
        ("SANDBOX_FAULT_PORTS", 65_500, "portal.E007"),
        ("REVALIDATE_HOURS", "daily", "portal.E008"),
        ("REVALIDATE_HOURS", "24,sandbox:-1", "portal.E008"),
        ("REVALIDATE_HOURS", "24,prodcution:12", "portal.E008"),
        ("PUBLIC_URL", "portal.example.com", "portal.E004"),
        ("PUBLIC_URL", "https://portal.example.com/onboarding", "portal.E004"),
    ],
)
def test_a_setting_that_cannot_work_is_found_at_start(
    settings: Settings, name: str, value: object, expected: str
) -> None:
    settings.PORT, settings.SANDBOX_PORT, settings.SANDBOX = 8000, 8443, True
    setattr(settings, name, value)
    assert ids(settings_agree()) == {expected}


@pytest.fixture
def production(settings: Settings, tmp_path: Path) -> Settings:
    settings.DEMO = False
    settings.PORTAL_MODE = "hub"
    settings.PUBLIC_URL = "https://portal.example.com"
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.VAR_DIR = tmp_path
    settings.STAFF_SECOND_FACTOR = True
    return settings


def test_a_production_installation_is_fit_for_others(production: Settings) -> None:
    assert ids(fit_for_others()) == set()


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("DEMO", True, "portal.E101"),
        ("PUBLIC_URL", "http://portal.example.com", "portal.E102"),
        ("EMAIL_BACKEND", "onboarding.notifications.outbox.MaildirBackend", "portal.W104"),
        ("STAFF_SECOND_FACTOR", False, "portal.W105"),
    ],
)
def test_what_must_not_be_served_to_others_is_found(
    production: Settings, name: str, value: object, expected: str
) -> None:
    setattr(production, name, value)
    assert ids(fit_for_others()) == {expected}


def test_keys_kept_beside_a_hubs_database_are_pointed_out_but_not_those_of_one_integrator(
    production: Settings, tmp_path: Path
) -> None:
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "vault_key").write_text("c2VjcmV0")
    production.VAULT_KEYS = ["local:c2VjcmV0"]
    [warning] = fit_for_others()
    assert warning.id == "portal.W103"
    assert warning.msg.startswith("VAULT_KEYS:")
    assert "c2VjcmV0" not in f"{warning.msg} {warning.hint}"
    production.PORTAL_MODE = "solo"
    assert ids(fit_for_others()) == set()


def deploy_check(tmp_path: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    names = ("DEMO", "PUBLIC_URL", "SECRET_KEY", "AUDIT_KEY", "VAULT_KEYS", "EMAIL_URL", "DEBUG")
    clean = {name: value for name, value in os.environ.items() if name not in names}
    return subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=PROJECT,
        env=clean | {"VAR_DIR": str(tmp_path)} | environment,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )


def production_environment() -> dict[str, str]:
    return {
        "PUBLIC_URL": "https://portal.example.com",
        "SECRET_KEY": secrets.token_hex(32),
        "AUDIT_KEY": secrets.token_hex(32),
        "VAULT_KEYS": f"k1:{b64encode(secrets.token_bytes(32)).decode()}",
        "EMAIL_URL": "smtp://mail.example.com:25",
    }


def test_check_deploy_has_nothing_to_say_about_a_production_environment(tmp_path: Path) -> None:
    result = deploy_check(tmp_path, **production_environment())
    assert (result.returncode, result.stderr) == (0, "")


def test_check_deploy_refuses_the_demo(tmp_path: Path) -> None:
    result = deploy_check(tmp_path, **production_environment(), DEMO="1")
    assert result.returncode != 0
    assert "portal.E101" in result.stderr
