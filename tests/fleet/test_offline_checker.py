"""The offline checker, as partners run it: one file, a bare Python, their own files and nothing else."""

import ast
import base64
import io
import json
import os
import shutil
import ssl
import struct
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trustme
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat

from onboarding.checker import VERSION, build, report
from onboarding.checker.progress import Progress
from onboarding.fleet.checks import Check, Result
from onboarding.fleet.messages import words
from tests.fleet import test_core_is_portable as portable
from tests.fleet.climbing import GATEWAY_401
from tests.fleet.conftest import MZP, PASSPHRASE, PASSWORD, SECRET, chain_pem, context_of, encrypted
from tests.fleet.servers import Server, answering, over_tls, serving

ROOT = Path(__file__).parents[2]
BARE = "/usr/bin/python3" if Path("/usr/bin/python3").exists() else sys.executable
NONCE = "nonce:1tXYZ:signature"


@pytest.fixture(scope="module")
def pyz(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("checker") / build.FILE_NAME
    path.write_bytes(build.build())
    return path


@pytest.fixture
def folder(tmp_path: Path, client_certificate: trustme.LeafCert, ca: trustme.CA) -> Path:
    """What a partner has: certificate, encrypted key and its passphrase, CA, password, client secret."""
    for name, content in {
        "client.pem": chain_pem(client_certificate),
        "key.pem": encrypted(client_certificate),
        "ca.pem": ca.cert_pem.bytes(),
        "passphrase": PASSPHRASE + b"\n",
        "password": PASSWORD.encode() + b"\r\n",
        "secret": SECRET.encode(),
    }.items():
        (tmp_path / name).write_bytes(content)
    return tmp_path


Checker = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def checker(pyz: Path, folder: Path) -> Checker:
    """Run the file in the partner's folder, on a Python that sees nothing installed; all options can be replaced."""

    def run(server: Server | None, *flags: str, environ: dict[str, str] | None = None, **options: str | None) -> Any:
        given: dict[str, str | None] = {
            "programme": "fleet_owner",
            "url": f"https://localhost:{server.port}/connectedcar/v3" if server else "https://localhost:1",
            "cert": "client.pem",
            "key": "key.pem",
            "passphrase-file": "passphrase",
            "ca": "ca.pem",
            "client-id": "client-7",
            "login": MZP,
            "password-file": "password",
            **{name.replace("_", "-"): value for name, value in options.items()},
        }
        arguments = [f"--{name}={value}" for name, value in given.items() if value is not None]
        surroundings = {"PATH": os.environ["PATH"], "PYTHONUTF8": "1", **(environ or {})}
        return subprocess.run(
            [BARE, "-I", "-S", str(pyz), *arguments, *flags],
            cwd=folder,
            env=surroundings,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=180,
            check=False,
        )

    return run


@pytest.fixture
def refusing(mutual: Any) -> Any:
    return over_tls(mutual, answering(401, GATEWAY_401))


def assert_no_secret_in(text: str) -> None:
    for secret in (PASSWORD, SECRET, PASSPHRASE.decode(), "PRIVATE KEY"):
        assert secret not in text


def test_good_credentials_pass_rung_by_rung(checker: Checker, good_talk: Any) -> None:
    with serving(good_talk) as server:
        done = checker(server)
    assert (done.returncode, done.stderr) == (0, "")
    for said in ("Everything is here", "signed by the CA you were given", "The API answers", "Passed: these"):
        assert said in done.stdout
    assert done.stdout.index("Everything is here") < done.stdout.index("The server can be reached")
    assert PASSWORD.encode() not in b"".join(server.requests)
    assert_no_secret_in(done.stdout)


def test_a_wrong_password_fails_with_the_explanation_of_the_portal(checker: Checker, refusing: Any) -> None:
    with serving(refusing) as server:
        done = checker(server, "--json")
    assert (done.returncode, done.stderr) == (1, "")
    data = json.loads(done.stdout)
    assert set(data) == {"result", "checks"}
    assert data["result"] == "failed"
    for row in data["checks"]:
        assert list(row) == ["rung", "code", "result", "turn", "evidence", "remedy", "ms"]
    (failed,) = [row for row in data["checks"] if row["result"] == "failed"]
    check = Check(failed["rung"], failed["code"], Result.FAILED, evidence=failed["evidence"])
    assert failed["remedy"] == words(check).remedy
    assert (failed["rung"], failed["evidence"]["http_status"]) == ("authentication", 401)
    assert server.connections == 1
    assert_no_secret_in(done.stdout)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"cert": "nowhere.pem"}, "cannot read nowhere.pem"),
        ({"password_file": None}, "Password of the partner login is missing"),
        ({"passphrase_file": None}, "Passphrase of the private key is missing"),
        ({"login": None}, "fleet_owner also needs --login"),
        ({"programme": "end_user", "client_secret_file": "secret"}, "end_user also needs --token-url, --realm"),
        ({"programme": "other"}, "invalid choice"),
        ({"proxy": "http://me:marker@proxy:3128"}, "an address takes no login here"),
        ({"password": "marker"}, "unrecognized arguments"),
        ({"vin": "VF3SANDBXOOOOOOO1"}, "--vin takes 17 digits and letters, without I, O and Q"),
    ],
    ids=lambda value: value if isinstance(value, str) else "-".join(value),
)
def test_what_cannot_run_says_so_in_one_line(checker: Checker, options: dict[str, Any], said: str) -> None:
    done = checker(None, **options)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr.splitlines()[-1]
    assert done.stderr.count("fleet-check:") == 1


def test_secrets_may_stand_in_the_environment(checker: Checker, good_talk: Any) -> None:
    environ = {"FLEET_PASSWORD": PASSWORD, "KEY_PASSPHRASE": PASSPHRASE.decode()}
    with serving(good_talk) as server:
        done = checker(server, environ=environ, password_file=None, passphrase_file=None, language="xx")
    assert done.returncode == 0, done.stdout
    assert "Everything is here" in done.stdout


def test_a_wrong_passphrase_stops_at_the_key_before_any_call(checker: Checker, folder: Path, good_talk: Any) -> None:
    (folder / "passphrase").write_text("marker-wrong")
    with serving(good_talk) as server:
        done = checker(server, "--json")
    assert done.returncode == 1
    first, second, *_ = json.loads(done.stdout)["checks"]
    assert (first["result"], second["rung"], second["result"]) == ("passed", "key_pair", "failed")
    assert server.connections == 0
    assert "marker" not in done.stdout + done.stderr


@pytest.mark.parametrize("kind", ["DER", "UTF-16", "CA first"])
def test_a_certificate_is_read_in_each_form_in_which_it_comes(
    checker: Checker, folder: Path, good_talk: Any, kind: str
) -> None:
    pem = (folder / "client.pem").read_text("ascii")
    forms = {
        "DER": ssl.PEM_cert_to_DER_cert(pem),
        "UTF-16": pem.encode("utf-16"),
        "CA first": (folder / "ca.pem").read_bytes() + pem.encode(),
    }
    (folder / "client.pem").write_bytes(forms[kind])
    with serving(good_talk) as server:
        assert checker(server).returncode == 0


def test_a_command_that_mends_it_is_said_with_what_to_do(checker: Checker, folder: Path) -> None:
    (folder / "key.pem").write_bytes(b"not a key")
    command = "openssl pkey -in private-key.pem -noout -check"
    assert f"\n       {command}\n" in checker(None).stdout
    (failed,) = [row for row in json.loads(checker(None, "--json").stdout)["checks"] if row["result"] == "failed"]
    assert failed["remedy"].endswith(f"be read: {command}")


def test_the_end_users_programme_asks_its_token_endpoint(
    checker: Checker, folder: Path, mutual: Any, server_certificate: trustme.LeafCert
) -> None:
    api = over_tls(mutual, answering(401, {"code": 40100, "message": "no token"}))
    token = over_tls(context_of(server_certificate, None), answering(400, {"error": "invalid_grant"}))
    with serving(api) as server, serving(token) as token_server:
        done = checker(
            server,
            "--json",
            programme="end_user",
            url=f"{server.url}/connectedcar/v4",
            token_url=f"{token_server.url}/token",
            token_ca="ca.pem",
            realm="clientsB2CPeugeot",
            client_secret_file="secret",
            password_file=None,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    assert {row["rung"]: row["code"] for row in json.loads(done.stdout)["checks"]}["client_id"] == "client_recognised"
    assert_no_secret_in(done.stdout)


def openssl_verifies(folder: Path, report_file: Path) -> bool:
    """Hold the signature against the openssl program, with the public key of the certificate."""
    written = json.loads(report_file.read_text("utf-8"))
    (folder / "signed").write_bytes(report.signed_bytes(written["report"]))
    (folder / "signature").write_bytes(base64.b64decode(written["signature"]))
    run: dict[str, Any] = {"cwd": folder, "capture_output": True, "check": False}
    public = subprocess.run(["openssl", "x509", "-in", "client.pem", "-noout", "-pubkey"], **run).stdout
    (folder / "public.pem").write_bytes(public)
    command = ["openssl", "dgst", "-sha256", "-verify", "public.pem", "-signature", "signature", "signed"]
    return subprocess.run(command, **run).returncode == 0


@pytest.mark.needs("openssl")
def test_the_report_is_signed_with_the_partners_key_and_has_no_secret(
    checker: Checker, folder: Path, good_talk: Any
) -> None:
    with serving(good_talk) as server:
        done = checker(server, nonce=NONCE, vin="vf3 sandbx 00000001")
    assert (done.returncode, done.stderr) == (0, "")
    assert b"/vehicles/VF3SANDBX00000001?" in server.requests[-1]
    file = folder / "fleet-check-report.json"
    assert f"The report is in {file.name}, signed with your private key." in done.stdout
    assert openssl_verifies(folder, file)
    written = json.loads(file.read_text("utf-8"))["report"]
    assert (written["result"], written["nonce"], written["checker"]) == ("passed", NONCE, VERSION)
    assert_no_secret_in(file.read_text("utf-8"))
    assert "…0001" in file.read_text("utf-8")
    assert "SANDBX" not in (file.read_text("utf-8") + done.stdout).upper()  # the VIN is a person's


def test_without_openssl_the_report_is_not_signed_and_says_so(checker: Checker, folder: Path, good_talk: Any) -> None:
    with serving(good_talk) as server:
        done = checker(server, report="mine.json", environ={"PATH": "/nowhere"})
    assert done.returncode == 0
    assert "It is not signed" in done.stdout
    assert json.loads((folder / "mine.json").read_text("utf-8"))["signature"] is None


def test_it_speaks_the_language_asked_for_where_it_has_it(checker: Checker) -> None:
    with zipfile.ZipFile(io.BytesIO(build.build())) as archive:
        languages = {name.split("/")[-3] for name in archive.namelist() if name.endswith(".mo")}
    assert languages == {path.parts[-3] for path in (ROOT / "locale").glob("*/LC_MESSAGES/django.mo")}
    if "fr" in languages:
        assert "Everything is here" not in checker(None, environ={"LANG": "fr_FR.UTF-8"}).stdout


def compiled(texts: dict[str, str]) -> bytes:
    """Return a catalogue as msgfmt writes it (gettext manual, "The Format of GNU MO Files")."""
    pairs = [(key.encode(), value.encode()) for key, value in sorted(texts.items())]
    tables, strings, at = ([], []), b"", 28 + 16 * len(pairs)
    for column, table in enumerate(tables):
        for pair in pairs:
            table += [len(pair[column]), at + len(strings)]
            strings += pair[column] + b"\0"
    header = [0x950412DE, 0, len(pairs), 28, 28 + 8 * len(pairs), 0, 0]
    return struct.pack(f"<{7 + 4 * len(pairs)}I", *header, *tables[0], *tables[1]) + strings


def test_a_pipe_that_nobody_reads_is_told_in_one_line(pyz: Path, folder: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    command = [BARE, "-I", "-S", pyz, "--programme=fleet_owner", "--url=https://localhost:1", "--cert=client.pem",
               "--key=key.pem", "--passphrase-file=passphrase", "--ca=ca.pem", "--client-id=x", f"--login={MZP}",
               "--password-file=password"]  # fmt: skip
    with open(writing, "wb") as nowhere:
        done = subprocess.run(command, cwd=folder, env={}, stdout=nowhere, stderr=subprocess.PIPE, check=False)
    assert (done.returncode, done.stderr) == (2, b"fleet-check: cannot write the result: Broken pipe\n")


def test_a_terminal_of_one_column_is_written_to_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "1")
    out = io.StringIO()
    Progress(str, out)([Check("complete", "set_complete", Result.PASSED)])
    assert "that this programme needs" in out.getvalue()


@pytest.mark.parametrize("broken", ["onboarding.checker", "onboarding.checker.command"])
def test_who_stops_it_in_the_first_moments_sees_no_trace_of_python(pyz: Path, tmp_path: Path, broken: str) -> None:
    stopped = tmp_path / "stopped.pyz"
    name = f"{broken.replace('.', '/')}.py" if broken.endswith("command") else f"{broken.replace('.', '/')}/__init__.py"
    with zipfile.ZipFile(pyz) as whole, zipfile.ZipFile(stopped, "w") as archive:
        for item in whole.namelist():
            archive.writestr(item, "raise KeyboardInterrupt" if item == name else whole.read(item))
    done = subprocess.run([BARE, "-I", "-S", stopped], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", "fleet-check: interrupted\n")


def test_a_catalogue_in_the_file_is_spoken_as_asked_or_as_the_system_speaks(
    pyz: Path, checker: Checker, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = {"": "Content-Type: text/plain; charset=UTF-8\n", "cannot read {file}: {reason}": "{file} : illisible é"}
    catalogue = ("onboarding/checker/locale/fr/LC_MESSAGES/django.mo", compiled(texts))
    monkeypatch.setattr(build, "_catalogues", lambda: [catalogue])
    whole = pyz.read_bytes()
    pyz.write_bytes(build.build.__wrapped__())
    try:
        french = checker(None, cert="nowhere.pem", environ={"LANG": "fr_FR.UTF-8"})
        english = checker(None, cert="nowhere.pem", environ={"LANG": "fr_FR.UTF-8"}, language="en")
    finally:
        pyz.write_bytes(whole)
    assert french.stderr == "fleet-check: nowhere.pem : illisible é\n"
    assert english.stderr.startswith("fleet-check: cannot read nowhere.pem")


def test_the_same_sources_make_the_same_bytes(pyz: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.pyz"
    subprocess.run([sys.executable, "-m", "onboarding.checker.build", again], cwd=ROOT, check=True)
    assert again.read_bytes() == pyz.read_bytes()
    assert os.access(again, os.X_OK)


def test_everything_in_it_is_python_that_3_10_reads_and_each_package_has_its_licence(pyz: Path) -> None:
    with zipfile.ZipFile(pyz) as archive:
        names = archive.namelist()
        sources = {name: archive.read(name).decode("utf-8") for name in names if name.endswith(".py")}
    assert len(sources) > 90
    assert not [name for name in names if name.endswith((".so", ".pyd"))]
    for package in build.PACKAGES:
        assert any(name.startswith(f"licences/{package}-") for name in names), package
    for name, source in sources.items():
        tree = ast.parse(source, name, feature_version=(3, 10))
        if name.startswith("onboarding/"):
            portable.assert_nothing_newer(name, tree)


def test_its_options_are_explained_in_that_language_too(pyz: Path) -> None:
    for language, said in (
        ("fr", "sa clé privée (PEM)"),
        ("en", "its private key (PEM)"),
        ("xx", "its private key (PEM)"),
    ):
        command = [sys.executable, pyz, "--language", language, "--help"]
        helped = subprocess.run(command, capture_output=True, check=True, text=True, encoding="utf-8")
        assert said in helped.stdout


@pytest.mark.parametrize(
    ("without", "said"),
    [
        ("sys.version_info = (3, 9, 2)", "needs Python 3.10 or later; this is 3.9\n"),
        ("sys.modules['ssl'] = None", "needs a Python with its ssl module; "),
    ],
    ids=["3.10", "ssl"],
)
def test_an_unfit_python_is_told_what_it_lacks(pyz: Path, without: str, said: str) -> None:
    with zipfile.ZipFile(pyz) as archive:
        source = archive.read("__main__.py").decode("ascii")
    ast.parse(source, feature_version=(3, 4))
    script = f"import sys; {without}\n{source}"
    done = subprocess.run([BARE, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith(f"fleet-check: {said}")


def test_its_version_is_the_products() -> None:
    assert tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"] == VERSION


def test_a_passphrase_never_stands_on_a_command_line(
    folder: Path, tmp_path: Path, client_certificate: trustme.LeafCert
) -> None:
    log = tmp_path / "bin" / "log"
    log.parent.mkdir()
    fake = log.parent / "openssl"
    fake.write_text(f'#!/bin/sh\necho "$@" > {log}\nenv >> {log}\nexec {shutil.which("openssl")} "$@"\n')
    fake.chmod(0o755)
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("PATH", f"{fake.parent}:{os.environ['PATH']}")
        assert report.sign(b"words", str(folder / "key.pem"), PASSPHRASE)
        assert report.sign(b"words", str(folder / "key.pem"), b"wrong") is None
    assert PASSPHRASE.decode() not in log.read_text()


@pytest.mark.needs("openssl")
def test_an_ec_key_signs_too(tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    file = tmp_path / "key.pem"
    file.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, BestAvailableEncryption("é x".encode()))
    )
    signature = report.sign(b"words", str(file), "é x".encode())
    assert signature is not None
    key.public_key().verify(signature, b"words", ec.ECDSA(SHA256()))
