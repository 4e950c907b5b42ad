"""/healthz: each part is named, with a reason, and none can hold up the answer."""

import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import trustme
from celery import Celery
from django.db import OperationalError
from django.db.utils import ConnectionHandler
from django.test import RequestFactory
from pytest_django.fixtures import Settings

from onboarding.queue_transport import ALIAS, register
from onboarding.web import health, heartbeat
from onboarding.web.tasks import heartbeat as heartbeat_task
from tests.ports import free_port


@pytest.fixture(autouse=True)
def own_cache(settings: Settings) -> None:
    """Keep signs of life in this process."""
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    heartbeat.forget()


Ask = Callable[..., tuple[int, dict[str, object]]]


@pytest.fixture
def ask(monkeypatch: pytest.MonkeyPatch, rf: RequestFactory) -> Ask:
    """Return a function that asks /healthz about the parts it is given; status and body of the answer."""
    monkeypatch.setattr(health, "_open", {})

    def ask(**parts: Callable[[], None]) -> tuple[int, dict[str, object]]:
        monkeypatch.setattr(health, "checks", lambda: parts)
        answer = health.healthz(rf.get("/healthz"))
        return answer.status_code, json.loads(answer.content)

    return ask


def well() -> None:
    """Be a part that works."""


def test_when_every_part_is_well_it_answers_200_and_names_them(ask: Ask) -> None:
    assert ask(database=well, queue=well) == (
        200,
        {"status": "ok", "checks": {"web": "ok", "database": "ok", "queue": "ok"}},
    )


def test_a_failing_part_is_named_and_the_reason_holds_no_value(ask: Ask) -> None:
    def broken() -> None:
        raise ConnectionError("redis://:hunter2@redis.example.com")

    status, body = ask(database=well, queue=broken)
    assert status == 503
    assert body["status"] == "failing"
    assert body["checks"] == {"web": "ok", "database": "ok", "queue": "ConnectionError"}


def test_a_part_that_hangs_is_named_in_time_and_asked_only_once(monkeypatch: pytest.MonkeyPatch, ask: Ask) -> None:
    release = threading.Event()
    asked = []

    def hanging() -> None:
        asked.append(True)
        release.wait(30)

    monkeypatch.setattr(health, "LIMIT", 0.2)
    try:
        began = time.monotonic()
        status, body = ask(database=hanging, queue=well)
        assert time.monotonic() - began < 2
        assert status == 503
        assert body["checks"] == {"web": "ok", "database": "no answer within 0.2 s", "queue": "ok"}
        ask(database=hanging, queue=well)
        assert len(asked) == 1
    finally:
        release.set()


def test_a_part_that_recovers_is_well_again(ask: Ask) -> None:
    failures = [OSError("gone")]

    def flaky() -> None:
        if failures:
            raise failures.pop()

    assert ask(sandbox=flaky)[0] == 503
    assert ask(sandbox=flaky)[0] == 200


def test_a_database_that_answers_is_well(transactional_db: None) -> None:
    health.check_database()


def test_a_database_that_cannot_be_opened_is_named(db: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    nowhere = ConnectionHandler(
        {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": tmp_path / "missing" / "db.sqlite3"}}
    )
    monkeypatch.setattr(health, "connection", nowhere["default"])
    with pytest.raises(OperationalError):
        health.check_database()


def queue_in(folder: Path) -> Celery:
    register()
    app = Celery("health", broker=f"{ALIAS}://localhost", set_as_current=False)
    app.conf.broker_transport_options = {"queue_folder": str(folder)}
    return app


def test_a_queue_folder_that_can_be_written_is_well(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(health, "app", queue_in(tmp_path / "queue"))
    health.check_queue()


def test_a_queue_folder_that_cannot_be_made_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "queue").write_text("a file")
    monkeypatch.setattr(health, "app", queue_in(tmp_path / "queue"))
    with pytest.raises(OSError, match="queue"):
        health.check_queue()


@pytest.mark.needs("redis-server")
def test_a_redis_that_answers_is_well(monkeypatch: pytest.MonkeyPatch, redis_url: str) -> None:
    monkeypatch.setattr(health, "app", Celery("health", broker=redis_url, set_as_current=False))
    health.check_queue()


def test_a_redis_that_is_down_is_not_well_and_says_so_in_time(monkeypatch: pytest.MonkeyPatch, ask: Ask) -> None:
    down = Celery("health", broker=f"redis://127.0.0.1:{free_port()}/0", set_as_current=False)
    monkeypatch.setattr(health, "app", down)
    began = time.monotonic()
    status, body = ask(queue=health.check_queue)
    assert time.monotonic() - began < 2
    assert status == 503
    assert body["checks"] != {"web": "ok", "queue": "ok"}


def test_any_task_that_starts_is_a_sign_of_life() -> None:
    heartbeat_task.apply()
    health.check_worker()


def test_each_queue_needs_a_worker_that_is_alive() -> None:
    heartbeat.mark("celery")
    parts = health.checks()
    parts["worker"]()
    with pytest.raises(health.NotWellError, match="no sign of life"):
        parts["schedule"]()
    heartbeat.mark("schedule")
    parts["schedule"]()


def test_a_worker_that_was_never_seen_is_not_well() -> None:
    with pytest.raises(health.NotWellError, match="no sign of life"):
        health.check_worker()


def test_a_worker_that_was_not_seen_for_too_long_is_not_well(monkeypatch: pytest.MonkeyPatch) -> None:
    heartbeat.mark()
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + heartbeat.limit() + 5)
    with pytest.raises(health.NotWellError, match="last sign of life 45 s ago"):
        health.check_worker()


@pytest.fixture
def sandbox_ca() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def sandbox(settings: Settings, sandbox_ca: trustme.CA) -> Iterator[None]:
    """A TLS server that answers /healthz with 200, and everything else with 404."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/healthz" else 404)
            self.end_headers()

        def log_message(self, *_args: object) -> None:
            """Say nothing."""

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    sandbox_ca.issue_cert("localhost").configure_cert(context)
    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        settings.SANDBOX_TOKEN_URL = f"https://localhost:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield
        server.shutdown()
        thread.join()


@pytest.mark.usefixtures("sandbox")
def test_a_sandbox_under_the_embedded_ca_is_well(monkeypatch: pytest.MonkeyPatch, sandbox_ca: trustme.CA) -> None:
    monkeypatch.setattr(health, "sandbox_ca_pem", lambda: sandbox_ca.cert_pem.bytes().decode())
    health.check_sandbox()


@pytest.mark.usefixtures("sandbox")
def test_somebody_else_on_the_port_is_not_taken_for_the_sandbox(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "sandbox_ca_pem", lambda: trustme.CA().cert_pem.bytes().decode())
    with pytest.raises(ssl.SSLCertVerificationError):
        health.check_sandbox()


def test_without_a_sandbox_nobody_asks_for_it(settings: Settings) -> None:
    settings.SANDBOX = True
    assert "sandbox" in health.checks()
    settings.SANDBOX = False
    assert "sandbox" not in health.checks()
