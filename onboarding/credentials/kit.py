"""The integration kit of a credential set: one ZIP with certificates, examples that run, and a README.

Nothing here is given a secret, so nothing can put one in: the examples read secrets from environment variables.
The private key comes in only as PKCS#8 that the caller has encrypted. The same values make the same bytes.
"""

import io
import json
import re
import shlex
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from urllib.parse import urlencode

from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from onboarding.credentials.environments import environment
from onboarding.credentials.models import CredentialSet
from onboarding.programmes import SANDBOX, Brand

LEAF_FILE = "client-certificate.pem"
CHAIN_FILE = "chain.pem"
CA_FILE = "ca-certificate.pem"
KEY_FILE = "private-key.pem"
NO_KEY_FILE = "PUT-YOUR-KEY-HERE.txt"

POSTMAN_NOTE = gettext_noop(
    "Import collection and environment, select the environment, and fill in its secret variables as current values. "
    "Certificates are not part of a collection: under Settings, Certificates, switch CA certificates on and choose "
    "ca-certificate.pem; then add a client certificate for the host and port of api_url, with chain.pem as CRT file, "
    "private-key.pem as KEY file, and the key's passphrase."
)

_LONG_AGO = (1980, 1, 1, 0, 0, 0)  # the earliest that a ZIP can say
_PLAIN, _PROGRAM, _PRIVATE = 0o100644, 0o100755, 0o100600
_POSTMAN_VARIABLE = re.compile(r"\{\{(\w+)\}\}")
_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----\n?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class KitValues:
    """What a kit is made of, none of it secret.

    application, environment: names to show. custody: who keeps the key, as in the certificate request.
    needs: what the programme's credential set consists of. refresh_url: where a driver's access token is renewed;
    empty where there are no such tokens. certificate_pem: the leaf, then intermediates if any.
    token_url, redirect_uri: where a driver's code is exchanged, and the address that it came to; for CONSENT alone.
    """

    application: str
    programme: str
    environment: str
    is_sandbox: bool
    custody: str
    needs: tuple[str, ...]
    api_url: str
    refresh_url: str
    client_id: str
    login: str
    realm: str
    certificate_pem: str
    ca_pem: str
    token_url: str = ""
    redirect_uri: str = ""


@dataclass(frozen=True, slots=True)
class _Example:
    """One example. template: under templates/kit/PROGRAMME/; quote: makes a value a literal of its language."""

    template: str
    quote: Callable[[str], str]
    text: str
    preamble: str = ""
    for_tokens: bool = False
    mode: int = _PLAIN


@dataclass(frozen=True, slots=True)
class _Variable:
    """An environment variable. of: the part of the credential set that it goes with; empty: every set."""

    text: str
    of: str = ""


def _literal(value: str) -> str:
    """Return a string literal of Java, JavaScript and JSON: ASCII only, so that no default charset matters."""
    return json.dumps(value)


def python_literal(value: str) -> str:
    """Return a string literal of Python, which does not join the surrogates that `_literal` may write."""
    return json.dumps(value, ensure_ascii=False)


_SHELL = "#!/bin/sh\n"

EXAMPLES: Mapping[str, _Example] = {
    "run.sh": _Example("curl.txt", shlex.quote, gettext_noop("the call with curl."), _SHELL, mode=_PROGRAM),
    "refresh-token.sh": _Example(
        "refresh-token.txt",
        shlex.quote,
        gettext_noop("a new access token, with curl."),
        _SHELL,
        for_tokens=True,
        mode=_PROGRAM,
    ),
    "fleet_call.py": _Example("python.txt", python_literal, gettext_noop("the call with Python and requests.")),
    "FleetCall.java": _Example("java.txt", _literal, gettext_noop("the call with Java, without dependencies.")),
    "fleet-call.mjs": _Example("node.txt", _literal, gettext_noop("the call with Node, without packages.")),
    "postman-collection.json": _Example("postman.txt", _literal, gettext_noop("the call for Postman.")),
}
"""The examples, by the name of their file."""

CONSENT: Mapping[str, _Example] = {
    "exchange-code.sh": _Example("exchange-code.txt", shlex.quote, "", _SHELL),
    "enrol.py": _Example("enrol.txt", python_literal, ""),
}
"""Further examples, of a driver's consent: not in the kit, since they are of one brand and one callback address."""

VARIABLES: Mapping[str, _Variable] = {
    "FLEET_PASSWORD": _Variable(gettext_noop("the password of your partner login."), "password"),
    "CLIENT_SECRET": _Variable(gettext_noop("your client secret."), "client_secret"),
    "ACCESS_TOKEN": _Variable(gettext_noop("the access token of a driver who has consented."), "client_secret"),
    "REFRESH_TOKEN": _Variable(gettext_noop("the refresh token that came with it."), "client_secret"),
    "KEY_PASSPHRASE": _Variable(gettext_noop("the passphrase of the private key, if it is encrypted.")),
}
"""Where secrets are read from."""

FILES: Mapping[str, str] = {
    LEAF_FILE: gettext_noop("your certificate."),
    CHAIN_FILE: gettext_noop("your certificate, and the intermediate certificates if there are any; calls present it."),
    CA_FILE: gettext_noop("the CA certificate that the API's server is checked against; calls trust no other."),
    KEY_FILE: gettext_noop("your private key, encrypted."),
    NO_KEY_FILE: gettext_noop("where your private key goes."),
    "postman-environment.json": gettext_noop("the values for Postman; its secret variables are empty."),
    ".env.example": gettext_noop("a template for the environment variables."),
}
"""What the other files are."""


def values_of(credential_set: CredentialSet, brand: Brand | None = None, redirect_uri: str = "") -> KitValues:
    """Return what the kit of a credential set is made of. Raises KeyError if its environment is not available.

    brand: whose drivers are asked about; None: the application's first. redirect_uri: where their consent comes to.
    """
    application, request = credential_set.application, credential_set.certificate_request
    where = environment(application.profile, credential_set.environment)
    brand = brand or application.brand
    token_url = where.token_url.format(domain=brand.domain)
    return KitValues(
        application=str(application),
        programme=application.programme,
        environment=_(where.label),
        is_sandbox=where.id == SANDBOX,
        custody=request.custody,
        needs=application.profile.credentials,
        api_url=where.api_url,
        refresh_url=f"{token_url}?{urlencode({'realm': brand.realm})}" if token_url else "",
        client_id=credential_set.client_id,
        login=request.partner_login.mzp,
        realm=brand.realm,
        certificate_pem=request.certificate_pem,
        ca_pem=request.ca_pem,
        token_url=token_url,
        redirect_uri=redirect_uri,
    )


def example(name: str, values: KitValues, *, certificate_file: str = CHAIN_FILE) -> str:
    """Return one of EXAMPLES or CONSENT, with the values as literals of its language.

    certificate_file: the name of the file that holds the client certificate with its intermediates.
    """
    chosen = {**EXAMPLES, **CONSENT}[name]
    texts = {
        "api_url": values.api_url,
        "refresh_url": values.refresh_url,
        "token_url": values.token_url,
        "redirect_uri": values.redirect_uri,
        "client_id": values.client_id,
        "login": values.login,
        "realm": values.realm,
        "certificate_file": certificate_file,
        "postman_note": _(POSTMAN_NOTE),
    }
    context = {key: chosen.quote(text) for key, text in texts.items()} | {"is_sandbox": values.is_sandbox}
    return _render(f"{values.programme}/{chosen.template}", context)


def build(values: KitValues, *, encrypted_key: bytes | None = None) -> bytes:
    """Return the ZIP.

    encrypted_key: the private key as encrypted PKCS#8 PEM; None: a note on where to put it takes its place.
    Raises ValueError if the key is not encrypted.
    """
    if encrypted_key is not None and not encrypted_key.startswith(b"-----BEGIN ENCRYPTED PRIVATE KEY-----"):
        raise ValueError("only an encrypted key goes into a kit")
    variables = [
        {"name": name, "text": _(variable.text)}
        for name, variable in VARIABLES.items()
        if not variable.of or variable.of in values.needs
    ]
    shown = asdict(values) | {
        "variables": variables,
        "has_key": encrypted_key is not None,
        "postman_note": _(POSTMAN_NOTE),
    }
    chosen = {name: one for name, one in EXAMPLES.items() if values.refresh_url or not one.for_tokens}
    files = {name: (one.preamble + example(name, values)).encode() for name, one in chosen.items()} | {
        LEAF_FILE: _first(values.certificate_pem).encode(),
        CHAIN_FILE: values.certificate_pem.encode(),
        CA_FILE: values.ca_pem.encode(),
        "postman-environment.json": _postman_environment(values, example("postman-collection.json", values)).encode(),
        ".env.example": _render("env.txt", shown).encode(),
    }
    if encrypted_key is not None:
        files[KEY_FILE] = encrypted_key
    else:
        files[NO_KEY_FILE] = _render("put-your-key-here.txt", shown).encode()
    told = dict(FILES) | {name: one.text for name, one in EXAMPLES.items()}
    shown["files"] = [{"name": name, "text": _(told[name])} for name in told if name in files]
    files["README.md"] = _render("readme.txt", shown).encode()
    modes = {name: one.mode for name, one in chosen.items()} | {KEY_FILE: _PRIVATE}
    return _zip(files, modes)


def _render(template: str, context: Mapping[str, object]) -> str:
    return render_to_string(f"kit/{template}", dict(context)).strip() + "\n"


def _first(pem: str) -> str:
    """Return the first certificate of several. Raises ValueError if there is none."""
    if (found := _CERTIFICATE.search(pem)) is None:
        raise ValueError("no certificate")
    return found[0]


def _postman_environment(values: KitValues, collection: str) -> str:
    """Return an environment with the variables that the collection uses; those that are secret are empty."""
    known = asdict(values)
    rows = [
        {"key": name, "value": "", "type": "secret", "enabled": True}
        if name in VARIABLES
        else {"key": name, "value": known[name], "type": "default", "enabled": True}
        for name in sorted(set(_POSTMAN_VARIABLE.findall(collection)))
    ]
    content = {
        "name": f"{values.application}: {values.environment}",
        "values": rows,
        "_postman_variable_scope": "environment",
    }
    return json.dumps(content, ensure_ascii=False, indent=2) + "\n"


def _zip(files: Mapping[str, bytes], modes: Mapping[str, int]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, _LONG_AGO)
            entry.create_system = 3  # Unix, wherever this runs: then the permissions count
            entry.external_attr = modes.get(name, _PLAIN) << 16
            archive.writestr(entry, files[name], zipfile.ZIP_DEFLATED)
    return buffer.getvalue()
