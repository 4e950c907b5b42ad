"""The files for production say what the settings read, and what the programs accept."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from tests.programs import require

PROJECT = Path(__file__).resolve().parents[2]
COMPOSE = YAML(typ="safe").load(PROJECT / "docker-compose.yml")
SETTINGS = (PROJECT / "onboarding" / "settings.py").read_text()
READ = set(re.findall(r'env\.\w+\(\s*"([A-Z_]+)"', SETTINGS))
"""The environment variables that settings.py reads."""

OURS = [name for name, service in COMPOSE["services"].items() if service.get("image") == "fleet-onboarding"]


def test_the_services_are_those_of_the_design() -> None:
    assert set(COMPOSE["services"]) == {
        "migrate", "web", "worker", "schedule", "beat", "sandbox", "proxy", "postgres", "redis",
    }  # fmt: skip
    assert set(OURS) == {"migrate", "web", "worker", "schedule", "beat", "sandbox"}


@pytest.mark.parametrize("service", OURS)
def test_every_variable_that_a_service_is_given_is_one_that_is_read(service: str) -> None:
    given = {name.removesuffix("_FILE") for name in COMPOSE["services"][service]["environment"]}
    assert given <= READ
    assert {"PUBLIC_URL", "SECRET_KEY", "AUDIT_KEY", "VAULT_KEYS", "DATABASE_URL", "REDIS_URL", "EMAIL_URL"} <= given
    assert "DEMO" not in given


@pytest.mark.parametrize("service", OURS)
def test_every_secret_is_a_file_that_the_service_is_given(service: str) -> None:
    definition = COMPOSE["services"][service]
    files = {
        value.removeprefix("/run/secrets/")
        for name, value in definition["environment"].items()
        if name.endswith("_FILE")
    }
    assert files == set(definition["secrets"])
    assert files <= set(COMPOSE["secrets"])
    plain = [name for name in definition["environment"] if re.search("KEY|SECRET|PASSWORD|DATABASE|EMAIL", name)]
    assert all(name.endswith("_FILE") for name in plain)


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    """What deploy/make-secrets makes."""
    require("openssl")
    shutil.copy(PROJECT / "deploy" / "make-secrets", tmp_path)
    subprocess.run(["/bin/sh", tmp_path / "make-secrets", "portal.example.com"], check=True, timeout=60)
    return tmp_path / "secrets"


@pytest.mark.needs("openssl")
def test_make_secrets_makes_every_file_that_is_mounted_and_keeps_what_is_there(secrets: Path) -> None:
    assert {Path(entry["file"]).name for entry in COMPOSE["secrets"].values()} == {
        file.name for file in secrets.iterdir()
    }
    before = {file.name: file.read_bytes() for file in secrets.iterdir()}
    assert not any(content.endswith(b"\n") for name, content in before.items() if not name.startswith("tls_"))
    assert before["postgres_password"] in before["database_url"]
    subprocess.run(["/bin/sh", secrets.parent / "make-secrets", "other.example.com"], check=True, timeout=60)
    assert {file.name: file.read_bytes() for file in secrets.iterdir()} == before


def nginx_says(tmp_path: Path, secrets: Path, site: str) -> "subprocess.CompletedProcess[str]":
    """Let nginx judge the configuration, with our paths in place of the container's."""
    site = site.replace("${PORTAL_HOST}", "portal.example.com").replace("/run/secrets", str(secrets))
    (tmp_path / "site.conf").write_text(site)
    (tmp_path / "nginx.conf").write_text(
        f"pid {tmp_path}/pid; error_log {tmp_path}/error.log; events {{}}\n"
        f"http {{ access_log off; client_body_temp_path {tmp_path}/body; proxy_temp_path {tmp_path}/proxy;\n"
        f"fastcgi_temp_path {tmp_path}/f; uwsgi_temp_path {tmp_path}/u; scgi_temp_path {tmp_path}/s;\n"
        f"include {tmp_path}/site.conf; }}\n"
    )
    command = [require("nginx"), "-t", "-c", str(tmp_path / "nginx.conf"), "-p", str(tmp_path)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.needs("nginx")
def test_nginx_accepts_the_proxy_configuration(tmp_path: Path, secrets: Path) -> None:
    result = nginx_says(tmp_path, secrets, (PROJECT / "deploy" / "nginx.conf").read_text())
    assert "test is successful" in result.stderr, result.stderr


@pytest.mark.needs("nginx")
def test_nginx_would_refuse_a_misspelt_directive(tmp_path: Path, secrets: Path) -> None:
    site = (PROJECT / "deploy" / "nginx.conf").read_text().replace("proxy_pass", "proxy_pas")
    assert nginx_says(tmp_path, secrets, site).returncode != 0
