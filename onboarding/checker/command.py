"""The command: arguments, files and secrets in, an exit code out; `running.py` does what is between."""

import argparse
import getpass
import os
import sys
from collections.abc import Mapping, Sequence

from onboarding.checker import VERSION, language
from onboarding.checker.cannot_run import CannotRun
from onboarding.checker.programmes import Programme, programmes
from onboarding.checker.report import DEFAULT_NAME
from onboarding.findings import gettext_noop as _
from onboarding.fleet import vin
from onboarding.fleet.target import CredentialMaterial, Target

PASSED, FAILED, COULD_NOT_RUN = 0, 1, 2

_MAX_FILE_BYTES = 1024 * 1024
_MAX_SECRET_BYTES = 64 * 1024
_ENCRYPTED = (b"ENCRYPTED PRIVATE KEY", b"Proc-Type: 4,ENCRYPTED")

# Where each secret may come from: the option that names a file, the environment, and what the terminal asks.
_PASSPHRASE = ("passphrase_file", "KEY_PASSPHRASE", _("Passphrase of the private key"))
_SECRETS: Mapping[str, tuple[str, str, str]] = {
    "password": ("password_file", "FLEET_PASSWORD", _("Password of the partner login")),
    "client_secret": ("client_secret_file", "CLIENT_SECRET", _("Client secret")),
}
_PROXY_VARIABLE = "FLEET_PROXY"
# What goes with a credential, where the programme has it.
_ALSO_NEEDED = (("mzp", "login"), ("client_secret", "token_url"), ("client_secret", "realm"))


def parser(_: language.Translate = str) -> argparse.ArgumentParser:
    """Return the parser of the command line. No option takes a secret: they come from files, variables or prompts."""
    made = argparse.ArgumentParser(
        prog="fleet-check",
        description=_("Call the fleet API with your own files, and explain what happens. Your key stays where it is."),
        epilog=_(
            "Secrets are read from the files named, or from FLEET_PASSWORD, CLIENT_SECRET and KEY_PASSPHRASE, or "
            "asked for in a terminal. Exit code 0: passed; 1: failed; 2: could not run."
        ),
        allow_abbrev=False,
    )
    made.add_argument("--programme", required=True, choices=sorted(programmes()))
    made.add_argument("--url", required=True, help=_("the API's address, down to /connectedcar/v3 or v4"))
    made.add_argument(
        "--cert", required=True, metavar="FILE", help=_("your certificate (PEM), with intermediates if any")
    )
    made.add_argument("--key", required=True, metavar="FILE", help=_("its private key (PEM)"))
    made.add_argument("--passphrase-file", metavar="FILE", help=_("has the key's passphrase, if it is encrypted"))
    made.add_argument("--ca", required=True, metavar="FILE", help=_("the CA certificate that you were given (PEM)"))
    made.add_argument("--client-id", required=True, metavar="ID")
    made.add_argument("--login", default="", metavar="MZP", help=_("your partner login"))
    made.add_argument("--password-file", metavar="FILE", help=_("has the login's password"))
    made.add_argument("--client-secret-file", metavar="FILE", help=_("end users' programme: has the client secret"))
    made.add_argument("--token-url", metavar="URL", help=_("end users' programme: the token endpoint"))
    made.add_argument("--token-ca", metavar="FILE", help=_("its CA certificate, unless a public one signed it"))
    made.add_argument("--realm", help=_("end users' programme: such as clientsB2CPeugeot"))
    made.add_argument("--vin", help=_("also ask what this vehicle can do"))
    made.add_argument(
        "--proxy",
        metavar="URL",
        help=_("http://host:port; with a login, put it into {name}").format(name=_PROXY_VARIABLE),
    )
    made.add_argument("--deadline", type=float, default=30.0, metavar="SECONDS", help=_("for the whole run (30)"))
    made.add_argument("--language", metavar="LANGUAGE", help=_("en, fr; otherwise your system's"))
    made.add_argument("--json", action="store_true", help=_("print the result as JSON, and nothing else"))
    made.add_argument("--nonce", default="", help=_("from the page that asked for a report"))
    made.add_argument(
        "--report",
        metavar="FILE",
        help=_("write a signed report; with --nonce: {file}").format(file=DEFAULT_NAME),
    )
    made.add_argument("--version", action="version", version=f"fleet-check {VERSION}")
    return made


def _language(arguments: Sequence[str] | None) -> str:
    """Return the language to speak, before the arguments are read: their explanations are spoken too."""
    only = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    only.add_argument("--language", nargs="?")
    return language.chosen(only.parse_known_args(arguments)[0].language, os.environ)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    translate = language.translator(_language(arguments))
    options = parser(translate).parse_args(arguments)
    try:
        return _run(options, translate)
    except CannotRun as reason:
        said = str(reason)
    except KeyboardInterrupt:
        said = translate(_("interrupted"))
    sys.stderr.write(f"fleet-check: {said}\n")
    return COULD_NOT_RUN


def _run(options: argparse.Namespace, translate: language.Translate) -> int:
    programme = programmes()[options.programme]
    _check_arguments(options, programme, translate)
    material, target = _material(options, programme, translate), _target(options, translate)
    # Only now: it takes Python the better part of a second, and a slip in the arguments is said at once.
    from onboarding.checker.running import run

    passed = run(options, material, target, translate)
    return PASSED if passed else FAILED


def _check_arguments(options: argparse.Namespace, programme: Programme, translate: language.Translate) -> None:
    missing = [
        f"--{name.replace('_', '-')}"
        for credential, name in _ALSO_NEEDED
        if credential in programme.credentials and not getattr(options, name)
    ]
    if missing:
        said = translate(_("{programme} also needs {options}"))
        raise CannotRun(said.format(programme=programme.id, options=", ".join(missing)))
    if not 1 <= options.deadline <= 600:  # not a number is neither
        raise CannotRun(translate(_("--deadline takes 1 to 600 seconds")))
    if any("@" in address for address in (options.url, options.token_url, options.proxy) if address):
        said = translate(_("an address takes no login here; that of a proxy goes into the variable {name}"))
        raise CannotRun(said.format(name=_PROXY_VARIABLE))


def _material(options: argparse.Namespace, programme: Programme, translate: language.Translate) -> CredentialMaterial:
    certificate, key, ca = (_read(getattr(options, name), translate) for name in ("cert", "key", "ca"))
    is_encrypted = any(mark in key for mark in _ENCRYPTED)
    secrets = {name: _secret(options, *_SECRETS[name], translate) for name in _SECRETS if name in programme.credentials}
    passphrase = _secret(options, *_PASSPHRASE, translate, or_none=not is_encrypted)
    return CredentialMaterial(
        programme=programme,
        client_id=options.client_id,
        certificate_pem=certificate,
        key_pem=key,
        key_passphrase=passphrase.encode(),
        ca_pem=ca,
        client_secret=secrets.get("client_secret"),
        mzp=options.login or None,
        password=secrets.get("password"),
    )


def _target(options: argparse.Namespace, translate: language.Translate) -> Target:
    return Target(
        api_url=options.url,
        token_url=options.token_url,
        token_ca_pem=_read(options.token_ca, translate) if options.token_ca else None,
        realm=options.realm,
        proxy=options.proxy or os.environ.get(_PROXY_VARIABLE) or None,
        vin=_vin(options.vin, translate) if options.vin else None,
    )


def _vin(typed: str, translate: language.Translate) -> str:
    try:
        return vin.read(typed)
    except vin.BadVin:
        said = translate(_("--vin takes {length} digits and letters, without I, O and Q"))
        raise CannotRun(said.format(length=vin.LENGTH)) from None


def _secret(
    options: argparse.Namespace,
    option: str,
    variable: str,
    prompt: str,
    translate: language.Translate,
    *,
    or_none: bool = False,
) -> str:
    """Return a secret from its file, its variable, or the terminal. or_none: it may be that there is none."""
    path = getattr(options, option)
    if path:
        text = _text(_read(path, translate, _MAX_SECRET_BYTES), path, translate)
        text = text.removesuffix("\n").removesuffix("\r")  # what an editor puts after the last line
    else:
        text = os.environ.get(variable, "")
    if not text and not or_none and not path and sys.stdin is not None and sys.stdin.isatty():
        text = getpass.getpass(f"{translate(prompt)}: ")
    if not text and not or_none:
        said = translate(_("{what} is missing: give --{option}, or set {variable}"))
        raise CannotRun(said.format(what=translate(prompt), option=option.replace("_", "-"), variable=variable))
    return text


def _text(data: bytes, path: str, translate: language.Translate) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise CannotRun(translate(_("{file} is not text in UTF-8")).format(file=path)) from None


def _read(path: str, translate: language.Translate, limit: int = _MAX_FILE_BYTES) -> bytes:
    try:
        with open(path, "rb") as file:
            data = file.read(limit + 1)
    except OSError as error:
        said = translate(_("cannot read {file}: {reason}"))
        raise CannotRun(said.format(file=path, reason=error.strerror or type(error).__name__)) from None
    if len(data) > limit:
        said = translate(_("{file} is larger than {limit} KiB"))
        raise CannotRun(said.format(file=path, limit=limit // 1024))
    return data
