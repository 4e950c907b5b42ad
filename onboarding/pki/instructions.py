"""Commands that make a key and a CSR, filled in and quoted, ready to copy. The passphrase is never in them."""

import re
import shlex
from collections.abc import Mapping

from onboarding.findings import gettext_noop
from onboarding.pki.names import ATTRIBUTES

KEY_FILE = "private-key.pem"
CSR_FILE = "request.csr"
CONFIG_FILE = "request.cnf"
CERTIFICATE_FILE = "client-certificate.pem"
CA_FILE = "ca-certificate.pem"
KEYSTORE_FILE = "keystore.p12"
KEY_ALIAS = "fleet"

Commands = list[tuple[str, str]]
"""Pairs of what a command is for (to be translated) and the command."""

_CONFIG_SPECIAL = re.compile(r"""([\\$#"'`])""")
_DN_SPECIAL = re.compile(r'([\\,+"<>;=#])')
_SUBJ_SPECIAL = re.compile(r"([\\/+])")


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
        f"{attribute.config} = {_escape(_CONFIG_SPECIAL, values[short])}"
        for short, attribute in ATTRIBUTES.items()
        if values.get(short)
    ]
    return "\n".join(lines) + "\n"


def openssl_commands() -> Commands:
    """Return the commands that use `openssl_config()`, saved as `CONFIG_FILE`."""
    return [
        (
            gettext_noop("Make the private key and the CSR. You are asked for a new passphrase for the key."),
            f"openssl req -new -keyout {KEY_FILE} -out {CSR_FILE} -config {CONFIG_FILE}",
        ),
        (
            gettext_noop("Look at the CSR before you send it."),
            f"openssl req -in {CSR_FILE} -noout -subject -verify -nameopt utf8",
        ),
    ]


def keytool_commands(values: Mapping[str, str], bits: int = 2048) -> Commands:
    """Return the commands for Java's keytool. It asks for the keystore's password itself."""
    dname = ",".join(
        # The last attribute comes first: RFC 4514 writes names backwards, and so does keytool.
        f"{short}={_escape(_DN_SPECIAL, values[short])}"
        for short in reversed(list(ATTRIBUTES))
        if values.get(short)
    )
    return [
        (
            gettext_noop("Make the private key, in a keystore. You are asked for a new password for it."),
            f"keytool -genkeypair -alias {KEY_ALIAS} -keyalg RSA -keysize {bits} -sigalg SHA256withRSA "
            f"-dname {shlex.quote(dname)} -storetype PKCS12 -keystore {KEYSTORE_FILE}",
        ),
        (
            gettext_noop("Make the CSR."),
            f"keytool -certreq -alias {KEY_ALIAS} -keystore {KEYSTORE_FILE} -file {CSR_FILE}",
        ),
        (gettext_noop("Look at the CSR before you send it."), f"keytool -printcertreq -file {CSR_FILE}"),
    ]


def keystore_commands() -> Commands:
    """Return the commands for a key that its owner keeps, once the certificate is there: compare, and join."""
    return [
        (
            gettext_noop("Print the SHA-256 digest of the key's public half. You are asked for the key's passphrase."),
            f"openssl pkey -in {KEY_FILE} -pubout -outform DER | openssl dgst -sha256",
        ),
        (
            gettext_noop("Put key and certificates into one PKCS#12 file, for Java, Windows or Postman."),
            f"openssl pkcs12 -export -inkey {KEY_FILE} -in {CERTIFICATE_FILE} -certfile {CA_FILE} "
            f"-name {KEY_ALIAS} -out {KEYSTORE_FILE}",
        ),
    ]


def openssl_remake(values: Mapping[str, str]) -> str:
    """Return the command that makes the CSR anew, with the key that is there."""
    return f"openssl req -new -utf8 -sha256 -key {KEY_FILE} -out {CSR_FILE} -subj {_subj(values)}"


def openssl_new_key(values: Mapping[str, str], bits: int) -> str:
    """Return the command that makes a new key, asking for its passphrase, and a CSR with it."""
    return f"openssl req -new -utf8 -sha256 -newkey rsa:{bits} -keyout {KEY_FILE} -out {CSR_FILE} -subj {_subj(values)}"


def _subj(values: Mapping[str, str]) -> str:
    parts = (f"/{short}={_escape(_SUBJ_SPECIAL, values[short])}" for short in ATTRIBUTES if values.get(short))
    return shlex.quote("".join(parts))


def _escape(special: re.Pattern[str], value: str) -> str:
    # On one line: a line end would start a new line of the file, or a new command.
    return special.sub(r"\\\1", " ".join(value.split()))
