"""Commands that make a key and a CSR, filled in and quoted, ready to copy. The passphrase is never in them."""

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from onboarding.findings import gettext_noop
from onboarding.pki import quoting
from onboarding.pki.names import ATTRIBUTES

KEY_FILE = "private-key.pem"
CSR_FILE = "request.csr"
CONFIG_FILE = "request.cnf"
CERTIFICATE_FILE = "client-certificate.pem"
CA_FILE = "ca-certificate.pem"
KEYSTORE_FILE = "keystore.p12"
KEY_ALIAS = "fleet"
PUBLIC_KEY_FILE = "public-key.der"


@dataclass(frozen=True, slots=True)
class Step:
    """One step on the partner's machine. title, text: to be translated. command: may have several lines.

    file: the content of `CONFIG_FILE`, for the step that saves it; `command` is then another way to do so.
    """

    title: str
    text: str
    command: str
    file: str = ""


@dataclass(frozen=True, slots=True)
class Tool:
    """A program to make key and CSR with. name, system, shell (where the commands are typed): to be translated.

    steps: made of the subject by short name and of the key's size in bits.
    """

    name: str
    system: str
    shell: str
    steps: Callable[[Mapping[str, str], int], Sequence[Step]]


def openssl_config(values: Mapping[str, str], bits: int = 2048) -> str:
    """Return the OpenSSL configuration file for this subject. To be saved as UTF-8."""
    lines = [
        "[ req ]",
        f"default_bits = {bits}",
        "default_md = sha256",
        "distinguished_name = req_distinguished_name",
        "prompt = no",
        "utf8 = yes",
        "string_mask = utf8only",
        "",
        "[ req_distinguished_name ]",
    ]
    lines += [
        f"{attribute.config} = {quoting.config_value(values[short])}"
        for short, attribute in ATTRIBUTES.items()
        if values.get(short)
    ]
    return "\n".join(lines) + "\n"


def _openssl(values: Mapping[str, str], bits: int) -> Sequence[Step]:
    config = openssl_config(values, bits)
    where = gettext_noop("Download this file into a folder of its own, and open a terminal in that folder.")
    save = Step(_SAVE, where, quoting.sh_file(CONFIG_FILE, config), config)
    return (save, *_with_config(bits), _look(_LOOK))


def _powershell(values: Mapping[str, str], bits: int) -> Sequence[Step]:
    config = openssl_config(values, bits)
    where = gettext_noop("Download this file into a folder of its own, and open PowerShell in that folder.")
    save = Step(_SAVE, where, quoting.powershell_file(CONFIG_FILE, config), config)
    # A Windows console takes UTF-8 for something else, and shows é as two letters, unless it is told.
    look = _look(f"[Console]::OutputEncoding = [Text.Encoding]::UTF8\n{_LOOK}")
    return (save, _FIND_OPENSSL, *_with_config(bits), look)


_SAVE = gettext_noop("Save the names")
_FIND_OPENSSL = Step(
    gettext_noop("Find OpenSSL"),
    gettext_noop(
        "Git for Windows brings one. Unless there is another, this makes it known in this window. It has to print a"
        " version: if it does not, install Git for Windows, or put the path of your own openssl.exe in its place."
    ),
    "if (-not (Get-Command openssl -ErrorAction SilentlyContinue)) "
    '{ Set-Alias openssl "$env:ProgramFiles\\Git\\usr\\bin\\openssl.exe" }\n'
    "openssl version",
)
_LOOK = f"openssl req -in {CSR_FILE} -noout -verify -subject -nameopt 'multiline,utf8,-esc_msb'"


def _with_config(bits: int) -> Sequence[Step]:
    return (
        Step(
            gettext_noop("Make the private key"),
            gettext_noop(
                "It asks for a new passphrase, twice. Note it: nobody can open the key without. Do this once: it"
                " overwrites an earlier key."
            ),
            f"openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:{bits} -aes-256-cbc -out {KEY_FILE}",
        ),
        Step(
            gettext_noop("Make the CSR"),
            gettext_noop(
                "It asks for the passphrase. If a name changes, save the names anew and repeat this; the key stays."
            ),
            f"openssl req -new -config {CONFIG_FILE} -key {KEY_FILE} -out {CSR_FILE}",
        ),
    )


def _look(command: str) -> Step:
    return Step(
        gettext_noop("Look at it before you send it"),
        gettext_noop("It has to say “verify OK”, and to show the names, letter by letter."),
        command,
    )


def _keytool(values: Mapping[str, str], bits: int) -> Sequence[Step]:
    return (
        Step(
            gettext_noop("Make the private key, in a keystore"),
            gettext_noop(
                "In a folder of its own. It asks for a new password for the keystore, twice. Note it: nobody can open"
                " the keystore without. If keytool is not found: it is in the folder bin of the JDK."
            ),
            f'keytool -genkeypair -alias {KEY_ALIAS} -keyalg RSA -keysize {bits} -dname "{_dname(values, "CN")}" '
            f"-storetype PKCS12 -keystore {KEYSTORE_FILE}",
        ),
        Step(
            gettext_noop("Make the CSR"),
            gettext_noop(
                "It asks for the password. Letters such as é are written as codes, which every terminal passes on"
                " unchanged. If a name changes, repeat this with the new command; the key stays."
            ),
            f'keytool -certreq -alias {KEY_ALIAS} -dname "{_dname(values, *ATTRIBUTES)}" -sigalg SHA256withRSA '
            f"-keystore {KEYSTORE_FILE} -file {CSR_FILE}",
        ),
        Step(
            gettext_noop("Look at it before you send it"),
            gettext_noop("It has to show the names, letter by letter."),
            f"keytool -printcertreq -file {CSR_FILE}",
        ),
    )


def _dname(values: Mapping[str, str], *attributes: str) -> str:
    # The last attribute comes first: RFC 4514 writes names backwards, and so does keytool.
    return ",".join(
        f"{short}={quoting.dname_value(values[short])}" for short in reversed(attributes) if values.get(short)
    )


TOOLS: Mapping[str, Tool] = {
    "openssl": Tool("OpenSSL", gettext_noop("Linux or macOS"), gettext_noop("Terminal"), _openssl),
    "powershell": Tool("OpenSSL", gettext_noop("Windows, in PowerShell"), gettext_noop("PowerShell"), _powershell),
    "keytool": Tool("Java keytool", gettext_noop("Any system, any shell"), gettext_noop("Any terminal"), _keytool),
}
"""By the names that they have in addresses."""


def keystore_commands() -> Sequence[tuple[str, str]]:
    """Return what a key's owner can do once the certificate is there, compare and join: words to translate, command.

    In bash and in PowerShell alike: 5.1 has no `&&`, and spoils the bytes that it pipes from program to program.
    """
    return [
        (
            gettext_noop("Print the SHA-256 digest of the key's public half. You are asked for the key's passphrase."),
            f"openssl pkey -in {KEY_FILE} -pubout -outform DER -out {PUBLIC_KEY_FILE}\n"
            f"openssl dgst -sha256 {PUBLIC_KEY_FILE}",
        ),
        (
            gettext_noop("Put key and certificates into one PKCS#12 file, for Java, Windows or Postman."),
            f"openssl pkcs12 -export -inkey {KEY_FILE} -in {CERTIFICATE_FILE} -certfile {CA_FILE} "
            f"-name {KEY_ALIAS} -out {KEYSTORE_FILE}",
        ),
    ]


def openssl_remake(values: Mapping[str, str]) -> str:
    """Return the command, of a POSIX shell, that makes the CSR anew, with the key that is there."""
    return f"openssl req -new -utf8 -sha256 -key {KEY_FILE} -out {CSR_FILE} -subj {_subj(values)}"


def openssl_new_key(values: Mapping[str, str], bits: int) -> str:
    """Return the command, of a POSIX shell, that makes a new key, asking for its passphrase, and a CSR with it."""
    return f"openssl req -new -utf8 -sha256 -newkey rsa:{bits} -keyout {KEY_FILE} -out {CSR_FILE} -subj {_subj(values)}"


def _subj(values: Mapping[str, str]) -> str:
    parts = (f"/{short}={quoting.subj_value(values[short])}" for short in ATTRIBUTES if values.get(short))
    return shlex.quote("".join(parts))
