"""The secrets that go in are found nowhere: not in what the database is given, the queue, logs, mails, pages or files.

Everything that leaves a process is watched at its door, at the loudest level of logging, while a fleet API that is
broken or hostile throws back whatever it was sent, in every notation and in every part of an answer.
"""

import base64
import json
import logging
import ssl
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from onboarding.credentials import flows as credentials
from onboarding.credentials import issuing
from onboarding.credentials.embedded_ca import sandbox_ca
from onboarding.credentials.models import CertificateRequest, CredentialSet
from onboarding.notifications import mails
from onboarding.notifications.models import Mail
from onboarding.partners.models import User
from onboarding.pki import embedded_ca
from onboarding.pki.csr import build_csr
from onboarding.validation import flows as validation
from onboarding.validation.models import Run
from onboarding.vault.models import Secret
from onboarding.virtualkeys import flows as virtual_keys
from tests.brought import certificate_for, key_file
from tests.conftest import member, staff
from tests.corporate_ca import CA
from tests.fleet.servers import Server, http, over_tls, read_request, serving
from tests.journey import SUBJECT, approved, issued
from tests.leaks import Forms, forms, forms_of_key, leaks, leaks_in_files, leaks_in_texts, spellings

SignIn = Callable[[User], Client]
PASSWORD = 'tell:"nobody"/the+wörd&=% \\1'
CLIENT_SECRET = 'hide/this+secrét="?& \\2'
BROUGHT_PASSWORD = "brought: a wörd & a half"
CAR_DATA, CAR_DATA_SIGNATURE = "Zm9yIG9uZSBjYXIgb25seQ==", "c2lnbmVkIGZvciBvbmUgY2Fy"
VIRTUAL_KEY = "b3BlbnMgb25lIGNhciBmb3IgYW4gaG91cg=="
LENT, IMPORTED, BROUGHT = (
    "a phrase for the lent key é",
    "a phrase for the imported key",
    "a phrase for the folder's key",
)
OWN_KEY = rsa.generate_private_key(65537, 2048)
VAULT_KEY = rsa.generate_private_key(65537, 2048)


def encrypted(key: rsa.RSAPrivateKey, passphrase: str) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(passphrase.encode()))


OWN_FILE, VAULT_FILE = encrypted(OWN_KEY, LENT), encrypted(VAULT_KEY, IMPORTED)
BROUGHT_FILE = key_file(passphrase=BROUGHT.encode())
SECRETS: dict[str, Forms] = {
    "password": forms(PASSWORD),
    "client secret": forms(CLIENT_SECRET),
    "password that was brought": forms(BROUGHT_PASSWORD),
    "passphrase of the lent key": forms(LENT),
    "passphrase of the imported key": forms(IMPORTED),
    "passphrase of the key in the folder": forms(BROUGHT),
    "lent key": forms_of_key(OWN_FILE, LENT.encode()),
    "imported key": forms_of_key(VAULT_FILE, IMPORTED.encode()),
    "key in the folder": forms_of_key(BROUGHT_FILE, BROUGHT.encode()),
    "CarData": forms(CAR_DATA),
    "CarData's signature": forms(CAR_DATA_SIGNATURE),
    "virtual-key token": forms(VIRTUAL_KEY),
}


@dataclass
class Watch:
    """What was seen at each door, by name."""

    seen: list[tuple[str, bytes]] = field(default_factory=list)

    def note(self, door: str, content: object) -> None:
        for one in content if isinstance(content, list | tuple) else (content,):
            raw = bytes(one) if isinstance(one, bytes | bytearray | memoryview) else str(one).encode()
            self.seen.append((door, raw))

    def query(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        """Everything that the database is given: what is never sent cannot lie in its file, its journal or a backup."""
        for row in params if many else [params]:
            self.note("database", list(row.values() if isinstance(row, dict) else row or ()))
        self.note("database", sql)
        return execute(sql, params, many, context)

    def found(self) -> list[tuple[str, str]]:
        doors: dict[str, list[bytes]] = defaultdict(list)
        for door, content in self.seen:
            doors[door].append(content)
        return sorted(leaks_in_texts([(door, b"\n".join(all_)) for door, all_ in doors.items()], SECRETS))


class Loud(logging.Handler):
    """Notes all of a record: its text, its arguments, its extras, its traceback."""

    def __init__(self, watch: Watch) -> None:
        super().__init__(logging.DEBUG)
        self.watch = watch

    def emit(self, record: logging.LogRecord) -> None:
        self.watch.note("log", logging.Formatter().format(record))
        self.watch.note("log", repr(record.__dict__))


@pytest.fixture
def watch(db: None, nothing_queued: list[Any]) -> Iterator[Watch]:
    """Watch every door until the test ends."""
    watch, root = Watch(), logging.getLogger()
    loud, level = Loud(watch), root.level
    root.addHandler(loud)
    root.setLevel(logging.DEBUG)
    try:
        with connection.execute_wrapper(watch.query):
            yield watch
    finally:
        root.removeHandler(loud)
        root.setLevel(level)


@pytest.fixture
def echo(settings: Any, tmp_path: Path, watch: Watch, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[bytes]]:
    """A fleet API behind mutual TLS that gives the answers of a list, one after another; it hears everything."""
    ca, ca_key = sandbox_ca()
    key = rsa.generate_private_key(65537, 2048)
    certificate = embedded_ca.sign_server(key, ["localhost"], ca=ca, ca_key=ca_key, now=timezone.now(), days=2)
    file = tmp_path / "server.pem"
    file.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x"))
        + certificate.public_bytes(Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file, password="x")
    context.load_verify_locations(cadata=ca.public_bytes(Encoding.PEM).decode())
    context.verify_mode = ssl.CERT_OPTIONAL
    answers: list[bytes] = []
    heard: list[bytes] = []

    def talk(server: Server, tls: ssl.SSLSocket) -> None:
        heard.append(read_request(tls))
        tls.sendall(answers[0])

    with serving(over_tls(context, talk)) as server:
        monkeypatch.setattr("onboarding.fleet.diagnosis.seconds_to_wait", lambda *_a, **_o: None)  # no second attempt
        settings.SANDBOX_API_URL = settings.SANDBOX_TOKEN_URL = server.url
        yield answers
    basic = base64.b64encode(f"MZP128745:{PASSWORD}".encode())
    assert any(leaks(one, SECRETS) or basic in one for one in heard), "it was told no secret that it could throw back"


def hostile(secret: str, login: str) -> Iterator[bytes]:
    """Answers that throw a secret back: in each notation in an error's text, then in each other part."""
    sent = base64.b64encode(f"{login}:{secret}".encode()).decode()
    told = [*sorted(spellings(secret)), f"Authorization: Basic {sent}", sent]
    third = len(told) // 3 + 1
    for part in (told[:third], told[third : 2 * third], told[2 * third :]):
        yield http(401, {"code": 40100, "message": " ".join(part), "uuid": part[0], "error_description": part[-1]})
        yield http(
            403,
            ("<html><title>Denied</title><p>" + "</p><p>".join(part) + "</p></html>").encode(),
            Content_Type="text/html",
        )
        yield http(200, " ".join(part).encode(), Content_Type="text/plain")
    plain = [one for one in told if one.isascii() and one.isprintable()]
    names = ("X_Global_Transaction_ID", "Date", "Content_Language", "Server", "X_Request_ID")
    for start in range(0, len(plain), len(names)):
        values = dict(zip(names, plain[start:], strict=False))
        yield http(302, b"", Location=f"https://elsewhere.example/?password={plain[start]}", **values)
    yield http(429, {"message": sent}, Retry_After=sent, X_RateLimit_Limit_1=sent, X_RateLimit_Remaining_1=sent)
    yield http(
        200,
        {"total": secret, "_embedded": {"fleets": [{"id": secret, "name": secret}]}},
        Content_Type=f"application/{sent}",
    )
    yield f"HTTP/1.1 500 {sent}\r\nServer: {sent}\r\nContent-Length: 0\r\n\r\n".encode()
    yield f"{sent} is what you sent\r\n\r\n".encode()
    yield secret.encode()
    yield http(200, {"access_token": secret, "token_type": sent, "code": secret})


def run_on(held: CredentialSet, owner: User, answers: Iterator[bytes], echo: list[bytes], **lent: bytes) -> list[Run]:
    """One run against each answer, to its end."""
    for answer in answers:
        echo[:] = [answer]
        validation.execute(validation.request_run(held, actor=member(owner), **lent).pk)
    runs = list(held.runs.order_by("created_at"))
    assert {run.state for run in runs} <= set(Run.RESULTS)
    return runs


def look_at(client: Client, runs: list[Run], watch: Watch) -> None:
    """Open what shows a run, of every third."""
    for run in runs[::3]:
        for name, args in (("run", [run.pk]), ("run_bundle", [run.pk, "txt"]), ("run_bundle", [run.pk, "json"])):
            watch.note(name, client.get(reverse(name, args=args)).content)


def look_around(client: Client, held: CredentialSet, watch: Watch) -> None:
    """Open the other pages of an application."""
    track = [held.application_id, "sandbox"]
    for name in ("credentials", "certificate", "validate", "kit", "live", "checker", "key"):
        watch.note(name, client.get(reverse(name, args=track), follow=True).content)
    watch.note("kit", client.post(reverse("kit", args=track)).content)
    for name, args in (("application", [held.application_id]), ("home", [])):
        watch.note(name, client.get(reverse(name, args=args)).content)


def read_mails(watch: Watch) -> None:
    for mail in Mail.objects.all():
        watch.note("mail", mails.render(mail).message().as_bytes())
        watch.note("mail", mails.render(mail).body)
        watch.note("mail", json.dumps(mail.params))


def nothing_leaked(watch: Watch, tmp_path: Path, queued: list[Any]) -> None:
    watch.note("queue", [repr(message) for message in queued])
    read_mails(watch)
    assert watch.found() == []
    assert leaks_in_files(tmp_path, SECRETS) == []


def test_a_lent_key_and_a_password_that_the_server_throws_back_are_nowhere(
    owner: User, reviewer: User, issuer: User, auditor: User, signed_in: SignIn, watch: Watch, echo: list[bytes],
    tmp_path: Path, nothing_queued: list[Any],
) -> None:  # fmt: skip
    request = credentials.open_request(approved(owner, reviewer), "sandbox", actor=member(owner))
    credentials.describe_key(request, subject=SUBJECT, custody="own")
    assert credentials.submit_csr(request, build_csr(OWN_KEY, request.subject), actor=member(owner)).fit
    issuing.sign_with_embedded_ca(request, actor=staff(issuer))
    held = request.credential_sets.get()
    client = signed_in(owner)
    store = reverse("credentials", args=[held.application_id, "sandbox"])
    watch.note("credentials", client.post(store, {"password": PASSWORD, "client_id": ""}).content)
    page = reverse("validate", args=[held.application_id, "sandbox"])
    answers = hostile(PASSWORD, "MZP128745")
    echo[:] = [next(answers)]
    lent = {"key": SimpleUploadedFile("key.pem", OWN_FILE), "passphrase": LENT}
    assert client.post(page, lent).status_code == 302
    validation.execute(held.runs.get().pk)
    look_at(client, run_on(held, owner, answers, echo, key=OWN_FILE, passphrase=LENT.encode()), watch)
    look_around(client, held, watch)
    watch.note("health", signed_in(auditor).get("/desk/health/").content)
    wrong = {"key": SimpleUploadedFile("key.pem", OWN_FILE), "passphrase": PASSWORD}
    watch.note("refused key", client.post(page, wrong).content)
    shown = client.post(reverse("credentials_reveal", args=[held.application_id, "sandbox", "password"])).content
    assert leaks(shown, SECRETS) == ["password"]  # the one page that is asked to
    assert not Secret.objects.filter(kind=Secret.Kind.KEY_FOR_ONE_RUN).exclude(sealed=b"").exists()
    nothing_leaked(watch, tmp_path, nothing_queued)


def test_what_a_virtual_key_is_asked_with_and_the_token_are_nowhere_but_on_the_page_that_shows_it(
    owner: User, reviewer: User, issuer: User, signed_in: SignIn, watch: Watch, echo: list[bytes],
    tmp_path: Path, nothing_queued: list[Any],
) -> None:  # fmt: skip
    held = issued(owner, reviewer, issuer)
    Run.objects.create(credential_set=held, state="passed", started_at=timezone.now(), finished_at=timezone.now())
    client, track = signed_in(owner), [held.application_id, "sandbox"]
    store = reverse("credentials", args=track)
    watch.note("credentials", client.post(store, {"password": PASSWORD, "client_id": ""}).content)
    page = reverse("virtual_key", args=track)
    given = {"car_data": CAR_DATA, "car_data_signature": CAR_DATA_SIGNATURE, "amount": "1", "unit": "hours"}
    token = {"access_token": VIRTUAL_KEY, "expires_in": "3600", "token_type": "bearer"}
    thrown = f"{CAR_DATA} {CAR_DATA_SIGNATURE} {VIRTUAL_KEY}"
    answers = [
        http(400, {"code": 40000, "message": f"bad {CAR_DATA} {CAR_DATA_SIGNATURE}", "uuid": CAR_DATA}),
        http(500, {"httpCode": "500", "moreInformation": CAR_DATA, "httpMessage": CAR_DATA_SIGNATURE}),
        http(200, json.dumps({"token": token}).encode()[:-20]),
        http(200, f"access_token={thrown}".encode(), Content_Type="text/plain"),
        http(302, b"", Location=f"https://elsewhere.example/?car={CAR_DATA}"),
        http(200, {"token": token, "token_signature": "c2ln", "CarData": CAR_DATA}),
    ]
    for answer in answers:
        echo[:] = [answer]
        asked = client.post(page, given)
        assert asked.status_code == 302, asked.content.decode()
        request = held.token_requests.latest("created_at")
        virtual_keys.execute(request.pk)
        watch.note("request", client.get(asked.headers["Location"]).content)
    request.refresh_from_db()
    assert request.state == "granted"
    where = [*track, request.pk]
    watch.note("before", client.get(reverse("virtual_key_token", args=where)).content)
    assert leaks(client.post(reverse("virtual_key_token", args=where)).content, SECRETS) == ["virtual-key token"]
    for name in ("virtual_key_request", "virtual_key_calendar"):
        watch.note(name, client.get(reverse(name, args=where)).content)
    watch.note("history", client.get(page).content)
    look_around(client, held, watch)
    nothing_leaked(watch, tmp_path, nothing_queued)


def test_an_imported_key_and_a_client_secret_that_the_server_throws_back_are_nowhere(
    owner: User, reviewer: User, issuer: User, signed_in: SignIn, watch: Watch, echo: list[bytes],
    tmp_path: Path, nothing_queued: list[Any],
) -> None:  # fmt: skip
    request = credentials.open_request(approved(owner, reviewer, "end_user"), "sandbox", actor=member(owner))
    credentials.describe_key(request, subject=SUBJECT, custody="vault")
    client, track = signed_in(owner), [request.application_id, "sandbox"]
    for passphrase in ("not it", IMPORTED):
        given = {"key": SimpleUploadedFile("key.pem", VAULT_FILE), "passphrase": passphrase}
        watch.note("key import", client.post(reverse("key_import", args=track), given).content)
    request.refresh_from_db()
    issuing.sign_with_embedded_ca(request, actor=staff(issuer))
    held = request.credential_sets.get()
    stored = {"client_secret": CLIENT_SECRET, "client_id": ""}
    watch.note("credentials", client.post(reverse("credentials", args=track), stored).content)
    look_at(client, run_on(held, owner, hostile(CLIENT_SECRET, held.client_id), echo), watch)
    look_around(client, held, watch)
    copy = client.post(reverse("certificate_key", args=track), {"passphrase": "long enough for a copy"})
    assert b"ENCRYPTED PRIVATE KEY" in copy.content
    watch.note("copy of the key", copy.content)
    shown = client.post(reverse("credentials_reveal", args=[*track, "client_secret"])).content
    assert leaks(shown, SECRETS) == ["client secret"]
    nothing_leaked(watch, tmp_path, nothing_queued)


def test_what_is_brought_in_from_a_folder_is_nowhere(
    owner: User, signed_in: SignIn, watch: Watch, tmp_path: Path, settings: Any, nothing_queued: list[Any]
) -> None:
    settings.FLEET_ENVIRONMENTS = ["production"]
    folder = tmp_path.with_name(f"{tmp_path.name}-brought")
    folder.mkdir()
    (folder / "manifest.toml").write_text(
        '[[application]]\nname = "Depot"\nprogramme = "fleet_owner"\nbrands = ["peugeot"]\nmzp = "MZP128745"\n'
        'client_id = "client-1"\ncertificate = "client.pem"\nca = "ca.pem"\nkey = "key.pem"\n'
        'passphrase_file = "phrase"\npassword_file = "word"\n'
    )
    contents = {
        "client.pem": certificate_for(), "ca.pem": CA.pem, "key.pem": BROUGHT_FILE,
        "phrase": BROUGHT.encode(), "word": BROUGHT_PASSWORD.encode(),
    }  # fmt: skip
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    for phrase in ("not it", BROUGHT):
        (folder / "phrase").write_text(phrase)
        out = StringIO()
        with pytest.raises(SystemExit):
            call_command(
                "import_credentials", str(folder), organisation="Example Mobility", environment="production",
                stdout=out, stderr=out,
            )  # fmt: skip
        watch.note("import", out.getvalue())
    cycle = CertificateRequest.objects.get()
    client = signed_in(owner)
    for name in ("credentials", "certificate", "validate"):
        watch.note(name, client.get(reverse(name, args=[cycle.application_id, "production"]), follow=True).content)
    assert Secret.objects.filter(kind=Secret.Kind.PASSWORD).exclude(sealed=b"").exists()
    nothing_leaked(watch, tmp_path, nothing_queued)


def test_the_watch_sees_what_it_is_to_see(watch: Watch, tmp_path: Path) -> None:
    """A test of silence proves nothing unless a sound is heard."""
    logging.getLogger("anything").debug("it is %s", PASSWORD)
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s", [CLIENT_SECRET.encode().hex()])
    watch.note("page", base64.b64encode(b"user:" + BROUGHT_PASSWORD.encode()))
    (tmp_path / "left.pem").write_bytes(OWN_FILE)
    assert watch.found() == [
        ("database", "client secret"), ("log", "password"), ("page", "password that was brought"),
    ]  # fmt: skip
    assert leaks_in_files(tmp_path, SECRETS) == [("left.pem", "lent key")]
