"""The commands that we show are run: they make CSRs that our own check finds fit."""

import os
import shlex
import subprocess
from pathlib import Path

import pytest

from onboarding.pki import instructions
from onboarding.pki.csr import CsrReport, check_csr
from onboarding.programmes import profile

MZP = "MZP128745"
PLAIN = {
    "C": "FR",
    "ST": "Ile de France",
    "L": "Paris",
    "O": "Free2Move",
    "OU": "Programs Partners",
    "CN": MZP,
    "emailAddress": "it+csr@example.com",
}
AWKWARD = PLAIN | {"O": """A/B, "C" + D's \\ $HOME; #1 =`x` & Société""", "L": "#1 Place; L'Isle"}


def check(file: Path) -> CsrReport:
    return check_csr(file.read_bytes(), profile("fleet_owner"), mzp=MZP)


def run(command: str, folder: Path, extra: str = "") -> str:
    """Run a command as a shell would, from a folder of its own."""
    environment = os.environ | {"LC_ALL": "C.UTF-8"}
    done = subprocess.run(
        command + extra, shell=True, cwd=folder, env=environment, check=True, capture_output=True, text=True
    )
    return done.stdout + done.stderr


@pytest.mark.needs("openssl")
@pytest.mark.parametrize("values", [PLAIN, AWKWARD])
def test_the_openssl_instructions_make_a_fit_csr(tmp_path: Path, values: dict[str, str]) -> None:
    (tmp_path / instructions.CONFIG_FILE).write_text(instructions.openssl_config(values), "utf-8")
    (_, make), (_, look) = instructions.openssl_commands()
    run(make, tmp_path, " -passout pass:secret")  # in place of the two prompts
    report = check(tmp_path / instructions.CSR_FILE)
    assert report.fit, report.findings
    assert report.subject == values
    assert b"ENCRYPTED" in (tmp_path / instructions.KEY_FILE).read_bytes()
    assert MZP in run(look, tmp_path)


@pytest.mark.needs("keytool")
@pytest.mark.parametrize("values", [PLAIN, AWKWARD])
def test_the_keytool_instructions_make_a_fit_csr(tmp_path: Path, values: dict[str, str]) -> None:
    make, request, look = (command for _, command in instructions.keytool_commands(values))
    run(make, tmp_path, " -storepass changeit")
    run(request, tmp_path, " -storepass changeit")
    assert b"NEW CERTIFICATE REQUEST" in (tmp_path / instructions.CSR_FILE).read_bytes()
    report = check(tmp_path / instructions.CSR_FILE)
    assert report.fit, report.findings
    assert report.subject == values
    assert MZP in run(look, tmp_path)


@pytest.mark.needs("keytool")
def test_the_documentations_own_keytool_example_is_refused_for_its_two_slips(tmp_path: Path) -> None:
    dname = f"CN={MZP},OU=Programs Partner,O=PartnerName,L=Paris,C=FR,email=it@partner.com"
    store = " -alias k -keystore k.jks -storepass changeit"
    run(f"keytool -genkeypair -keyalg RSA -keysize 2048 -dname {shlex.quote(dname)}{store}", tmp_path)
    run(f"keytool -certreq -file k.csr{store}", tmp_path)
    report = check(tmp_path / "k.csr")
    assert [(f.field, f.code) for f in report.findings] == [("ST", "attribute_missing"), ("OU", "ou_slip")]
    assert not report.fit


@pytest.mark.needs("openssl")
def test_the_documentations_openssl_file_without_an_answer_for_ou_leaves_it_out(tmp_path: Path) -> None:
    config = instructions.openssl_config({short: value for short, value in PLAIN.items() if short != "OU"})
    (tmp_path / instructions.CONFIG_FILE).write_text(config, "utf-8")
    run(instructions.openssl_commands()[0][1], tmp_path, " -passout pass:secret")
    report = check(tmp_path / instructions.CSR_FILE)
    assert [(f.field, f.code) for f in report.findings] == [("OU", "attribute_missing")]


def test_no_command_carries_a_passphrase() -> None:
    commands = [*instructions.openssl_commands(), *instructions.keytool_commands(PLAIN)]
    commands += [("", instructions.openssl_remake(PLAIN)), ("", instructions.openssl_new_key(PLAIN, 2048))]
    assert not any("pass" in command for _, command in commands)
