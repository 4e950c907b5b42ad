"""The commands that we show are run: they make CSRs that our own check finds fit."""

import shlex
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from onboarding.pki import instructions, quoting
from onboarding.pki.csr import CsrReport, check_csr
from onboarding.pki.messages import MESSAGES
from onboarding.programmes import PROGRAMMES, profile
from tests.pki.shells import (
    Unclear,
    passed_by_windows,
    powershell_arguments,
    powershell_file,
    sh_arguments,
    type_in,
)

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
AWKWARD = PLAIN | {"O": """A/B, "C" + D's \\ $HOME; #1 =`x` & Société!""", "L": "#1 Place; L'Isle"}
SECRET = "correct horse; battery"

AWKWARD_VALUES = (
    "#1, at the front",
    "at the end\\",
    '"quoted"',
    "'quoted'",
    "’quoted’ “twice” „over‟",
    "$HOME ${HOME} $(touch x) `touch x` %PATH% %s",
    "ends with a blank ",
    "two  blanks,\tand a tab",
    "+plus+ =equals= /slash/ /CN=MZP000000",
    "\\22 is no code, \\C3\\A9 neither",
    "semicolon; comma, and & pipe | and <angles>",
    "!! !x wow!",
    "@'at the front'@",
    "-dname",
    "END",
    "Müller & Söhne, Łódź, Ärzte №1, 東京 🚗",
    "é" * 64,
)
VALUES = [
    PLAIN | dict(zip(("ST", "L", "O"), AWKWARD_VALUES[at : at + 3], strict=False))
    for at in range(0, len(AWKWARD_VALUES), 3)
]


def steps(tool: str, values: Mapping[str, str]) -> list[instructions.Step]:
    return list(instructions.TOOLS[tool].steps(values, 2048))


def on_one_line(values: Mapping[str, str]) -> dict[str, str]:
    """The values as they are to arrive: what nobody means, a blank too many, is left out."""
    return {short: " ".join(value.split()) for short, value in values.items()}


def check(file: Path) -> CsrReport:
    return check_csr(file.read_bytes(), profile("fleet_owner"), mzp=MZP)


def passes(folder: Path, values: Mapping[str, str]) -> None:
    report = check(folder / instructions.CSR_FILE)
    assert report.fit, report.findings
    assert report.subject == values


def opens(folder: Path) -> None:
    """The key is encrypted, with AES, under what was typed."""
    pem = (folder / instructions.KEY_FILE).read_bytes()
    assert pem.startswith(b"-----BEGIN ENCRYPTED PRIVATE KEY-----")
    load_pem_private_key(pem, SECRET.encode())
    shown = subprocess.run(["openssl", "asn1parse"], input=pem, check=True, capture_output=True).stdout
    assert b"aes-256-cbc" in shown


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A key without a passphrase, for the many CSRs whose names alone matter. Elliptic, so that it costs little."""
    file = tmp_path_factory.mktemp("key") / "key.pem"
    command = ["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", str(file)]
    subprocess.run(command, check=True, capture_output=True)
    return file.read_bytes()


# --- OpenSSL on Linux and macOS ---


@pytest.mark.needs("openssl")
@pytest.mark.parametrize("values", [PLAIN, AWKWARD], ids=["plain", "awkward"])
def test_what_is_shown_for_openssl_makes_a_fit_csr_when_it_is_typed_into_a_terminal(
    tmp_path: Path, values: dict[str, str]
) -> None:
    for step in steps("openssl", values):
        shown = type_in(["sh", "-c", step.command], tmp_path, SECRET)
    passes(tmp_path, values)
    opens(tmp_path)
    assert "verify OK" in shown
    assert all(f"= {value}\n" in shown.replace("\\\\", "\\") for value in values.values())


def test_the_command_writes_the_file_that_can_be_downloaded_even_where_the_shell_knows_a_history(
    tmp_path: Path,
) -> None:
    for values in (AWKWARD, *VALUES):
        save = steps("openssl", values)[0]
        type_in(["bash", "--norc", "--noprofile", "-i"], tmp_path, lines=f"set -H -o history\n{save.command}\nexit\n")
        assert (tmp_path / instructions.CONFIG_FILE).read_text("utf-8") == save.file
        assert save.file == instructions.openssl_config(values, 2048)
    assert not (tmp_path / "x").exists()


@pytest.mark.needs("openssl")
@pytest.mark.parametrize("line_end", ["\n", "\r\n"], ids=["LF", "CRLF"])
@pytest.mark.parametrize("values", VALUES, ids=lambda values: values["ST"])
def test_openssl_reads_from_the_file_exactly_what_was_entered(
    tmp_path: Path, key: bytes, values: dict[str, str], line_end: str
) -> None:
    config = instructions.openssl_config(values).replace("\n", line_end)
    (tmp_path / instructions.CONFIG_FILE).write_bytes(config.encode())
    (tmp_path / instructions.KEY_FILE).write_bytes(key)
    (command,) = (step.command for step in steps("openssl", values) if step.command.startswith("openssl req -new"))
    subprocess.run(["sh", "-c", command], cwd=tmp_path, check=True, capture_output=True)
    assert check(tmp_path / instructions.CSR_FILE).subject == on_one_line(values)


# --- OpenSSL on Windows ---


def test_powershell_writes_the_same_file_without_a_byte_order_mark() -> None:
    for values in (PLAIN, AWKWARD, *VALUES):
        save = steps("powershell", values)[0]
        name, content = powershell_file(save.command)
        assert name == instructions.CONFIG_FILE
        assert content + b"\n" == save.file.encode() == steps("openssl", values)[0].file.encode()


def test_powershell_gives_openssl_the_same_arguments_as_a_posix_shell(tmp_path: Path) -> None:
    find, *windows = steps("powershell", AWKWARD)[1:]
    posix = steps("openssl", AWKWARD)[1:]
    looked, version = find.command.splitlines()
    assert looked == (
        "if (-not (Get-Command openssl -ErrorAction SilentlyContinue)) "
        r'{ Set-Alias openssl "$env:ProgramFiles\Git\usr\bin\openssl.exe" }'
    )
    assert powershell_arguments(version) == [["openssl", "version"]]
    assert [step.title for step in windows] == [step.title for step in posix]
    for step, other in zip(windows, posix, strict=True):
        told, _, command = step.command.rpartition("\n")
        assert told in ("", "[Console]::OutputEncoding = [Text.Encoding]::UTF8")
        (arguments,) = powershell_arguments(command)
        assert [arguments] == sh_arguments(other.command, tmp_path)
        assert passed_by_windows(arguments, legacy=True) == arguments
        assert passed_by_windows(arguments, legacy=False) == arguments


@pytest.mark.needs("openssl")
def test_what_is_shown_for_powershell_makes_a_fit_csr(tmp_path: Path) -> None:
    save, _find, *others = steps("powershell", AWKWARD)
    name, content = powershell_file(save.command)
    (tmp_path / name).write_bytes(content.replace(b"\n", b"\r\n"))  # as a Windows console may paste it
    for step in others:
        shown = type_in(powershell_arguments(step.command.splitlines()[-1])[0], tmp_path, SECRET)
    passes(tmp_path, AWKWARD)
    opens(tmp_path)
    assert "verify OK" in shown


@pytest.mark.parametrize(
    "command",
    [
        "openssl -nameopt multiline,utf8",
        "openssl -subj '/CN='\"'\"'x'",
        'openssl -subj "/CN=$HOME"',
        "openssl -subj /CN=a;b",
        "openssl a && openssl b",
        "openssl pkey | openssl dgst",
        "openssl req #1",
        "keytool @arguments",
        "java -Dfile.encoding=UTF-8",
        "$x = 1",
        "openssl 'L’Isle'",
    ],
)
def test_what_powershell_would_take_otherwise_is_noticed(command: str) -> None:
    with pytest.raises(Unclear):
        powershell_arguments(command)


@pytest.mark.parametrize("argument", ['say "x"', 'one"', "ends with \\"])
def test_what_powershell_5_passes_on_wrongly_is_noticed(argument: str) -> None:
    assert passed_by_windows(["openssl", argument], legacy=False) == ["openssl", argument]
    assert passed_by_windows(["openssl", argument], legacy=True) != ["openssl", argument]


# --- keytool ---


@pytest.mark.needs("keytool")
def test_what_is_shown_for_keytool_makes_a_fit_csr_when_it_is_typed_into_any_terminal(tmp_path: Path) -> None:
    for locale, step in zip(("C", "C", "C.UTF-8"), steps("keytool", AWKWARD), strict=True):
        shown = type_in(["sh", "-c", step.command], tmp_path, SECRET, locale=locale)
    assert b"NEW CERTIFICATE REQUEST" in (tmp_path / instructions.CSR_FILE).read_bytes()
    passes(tmp_path, AWKWARD)
    assert MZP in shown
    assert "Société" in shown


@pytest.mark.parametrize("values", [PLAIN, AWKWARD, *VALUES], ids=lambda values: values["ST"])
def test_keytool_is_given_the_same_arguments_by_a_posix_shell_and_by_powershell(
    tmp_path: Path, values: dict[str, str]
) -> None:
    for step in steps("keytool", values):
        (arguments,) = powershell_arguments(step.command)
        assert [arguments] == sh_arguments(step.command, tmp_path)
        assert passed_by_windows(arguments, legacy=True) == arguments
        assert passed_by_windows(arguments, legacy=False) == arguments
        assert step.command.isascii()
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("value", AWKWARD_VALUES)
def test_a_name_for_keytool_reads_as_what_was_entered(value: str) -> None:
    name = x509.Name.from_rfc4514_string(f"O={quoting.dname_value(value)},CN={MZP}")
    assert [attribute.value for attribute in name] == [MZP, " ".join(value.split())]


@pytest.mark.needs("keytool")
def test_the_documentations_own_keytool_example_is_refused_for_its_two_slips(tmp_path: Path) -> None:
    dname = f"CN={MZP},OU=Programs Partner,O=PartnerName,L=Paris,C=FR,email=it@partner.com"
    store = ["-alias", "k", "-keystore", "k.jks", "-storepass", "changeit"]
    for command in (["-genkeypair", "-keyalg", "RSA", "-keysize", "2048", "-dname", dname], ["-certreq", "-file", "k"]):
        subprocess.run(["keytool", *command, *store], cwd=tmp_path, check=True, capture_output=True)
    report = check(tmp_path / "k")
    assert [(f.field, f.code) for f in report.findings] == [("ST", "attribute_missing"), ("OU", "ou_slip")]
    assert not report.fit


# --- Commands beside findings, and others ---


@pytest.mark.needs("openssl")
@pytest.mark.parametrize("values", [AWKWARD, *VALUES], ids=lambda values: values["ST"])
def test_the_command_that_makes_a_csr_anew_keeps_every_letter(
    tmp_path: Path, key: bytes, values: dict[str, str]
) -> None:
    (tmp_path / instructions.KEY_FILE).write_bytes(key)
    command = instructions.openssl_remake(values)
    subprocess.run(["sh", "-c", command], cwd=tmp_path, check=True, capture_output=True)
    assert check(tmp_path / instructions.CSR_FILE).subject == on_one_line(values)
    assert shlex.split(instructions.openssl_new_key(values, 2048))[-1] == shlex.split(command)[-1]
    assert not (tmp_path / "x").exists()


@pytest.mark.needs("openssl")
def test_the_command_that_makes_a_new_key_asks_for_its_passphrase(tmp_path: Path) -> None:
    type_in(["sh", "-c", instructions.openssl_new_key(AWKWARD, 2048)], tmp_path, SECRET)
    passes(tmp_path, AWKWARD)
    load_pem_private_key((tmp_path / instructions.KEY_FILE).read_bytes(), SECRET.encode())


@pytest.mark.needs("openssl")
def test_the_documentations_openssl_file_without_an_answer_for_ou_leaves_it_out(tmp_path: Path) -> None:
    config = instructions.openssl_config({short: value for short, value in PLAIN.items() if short != "OU"})
    (tmp_path / instructions.CONFIG_FILE).write_text(config, "utf-8")
    command = "openssl req -new -keyout key.pem -out request.csr -config request.cnf -passout pass:secret"
    subprocess.run(command.split(), cwd=tmp_path, check=True, capture_output=True)
    report = check(tmp_path / instructions.CSR_FILE)
    assert [(f.field, f.code) for f in report.findings] == [("OU", "attribute_missing")]


def test_commands_without_names_are_the_same_in_powershell_as_in_a_posix_shell(tmp_path: Path) -> None:
    commands = [message.command for message in MESSAGES.values() if "{" not in message.command]
    commands += [command for _, command in instructions.keystore_commands()]
    for command in commands:
        assert powershell_arguments(command) == sh_arguments(command, tmp_path)


def test_no_command_carries_a_passphrase() -> None:
    commands = [step.command for tool in instructions.TOOLS for step in steps(tool, PLAIN)]
    commands += [command for _, command in instructions.keystore_commands()]
    commands += [instructions.openssl_remake(PLAIN), instructions.openssl_new_key(PLAIN, 2048)]
    assert len(commands) > 12
    assert not any("pass" in command for command in commands)


@pytest.mark.parametrize("programme", PROGRAMMES)
def test_every_name_is_explained(programme: str) -> None:
    for rule in profile(programme).dn:
        assert all(text.endswith(".") for text in (rule.what, rule.put, rule.why)), rule.attribute
