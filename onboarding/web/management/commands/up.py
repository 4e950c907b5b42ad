"""`manage.py up`: the whole product on one machine, until Ctrl-C."""

import fcntl
import json
import os
import socket
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand

from onboarding.celery import INTERACTIVE, SCHEDULE
from onboarding.credentials.embedded_ca import sandbox_ca
from onboarding.partners.modes import mode
from onboarding.rehearsals import PORTS
from onboarding.supervisor import Death, Part, Supervisor, tail
from onboarding.web import first_account, heartbeat
from onboarding.web.demo import KEPT_LOGINS, Login, ensure_demo_accounts

START_LIMIT = 60.0
"""Seconds that all parts have until all answer."""

LOOK_EVERY, SILENT_FOR = 5.0, 10.0
"""Seconds between two looks at the workers, and that one may be without a sign of life once that is seen."""

SANDBOX = Part("sandbox", (sys.executable, "manage.py", "sandbox"), outlives_others=True)
GUNICORN = (sys.executable, "-m", "gunicorn", "-c", "python:onboarding.gunicorn_conf")
WEB = Part("web", (*GUNICORN, "onboarding.wsgi"))
CELERY = (sys.executable, "-m", "celery", "-A", "onboarding")
# Workers have nothing to tell one another, and through files it would be slow.
ALONE = ("--without-gossip", "--without-mingle", "--without-heartbeat")
WORKER = Part("worker", (*CELERY, "worker", "-Q", INTERACTIVE, "-n", "worker@%h", "--concurrency", "2", *ALONE))
REGULAR = Part("schedule", (*CELERY, "worker", "-Q", SCHEDULE, "-n", "schedule@%h", "--concurrency", "1", *ALONE))
BEAT = Part("beat", (*CELERY, "beat"))

WORKERS = {INTERACTIVE: WORKER, SCHEDULE: REGULAR}

ANSWERED_BY = {
    "web": (WEB,),
    "database": (WEB,),
    "queue": (WEB,),
    "worker": (WORKER, BEAT),
    "schedule": (REGULAR, BEAT),
    "sandbox": (SANDBOX,),
}
"""Whose log explains a check of /healthz that fails."""


class StartError(Exception):
    """The product cannot start; the message is one line that says what to do."""


class Command(BaseCommand):
    """Migrates, starts web, worker, beat and sandbox, and stops them together."""

    help = "Run web, worker, beat and sandbox on this machine until Ctrl-C."

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Run. Exits with 1 if something is in the way, with a part's own code if it ends by itself."""
        os.umask(0o077)  # what is written below VAR_DIR is for nobody else
        try:
            with only_one(settings.VAR_DIR / "up.lock"):
                check_ports()
                self._run()
        except StartError as error:
            self.stderr.write(str(error))
            sys.exit(1)
        except PermissionError as error:
            self.stderr.write(f"{error.filename}: {error.strerror}. Choose another folder with VAR_DIR.")
            sys.exit(1)

    def _run(self) -> None:
        parts = (*((SANDBOX,) if settings.SANDBOX else ()), WEB, WORKER, REGULAR, BEAT)
        supervisor = Supervisor(parts, settings.VAR_DIR / "log", settings.BASE_DIR, os.environ)
        with supervisor.stopping():
            logins = self._prepare()
            supervisor.start()
            began = time.monotonic()
            last: Mapping[str, str] = {}

            def ready_or_late() -> bool:
                nonlocal last
                last = ask_health()
                return is_well(last) or time.monotonic() - began > START_LIMIT

            death = supervisor.watch(until=ready_or_late)
            if death is None and not supervisor.asked_to_stop:
                if not is_well(last):
                    self.explain_late(supervisor, last)
                    sys.exit(1)
                self._welcome(logins)
                death = supervisor.watch(until=SilentWorkers(supervisor, self.stderr.write))
            self.stdout.write("Stopping …")
        if death is not None:
            self._explain_death(supervisor, death)
            sys.exit(death.code or 1)

    def _prepare(self) -> Sequence[Login]:
        """Bring database and static files up to date; return the logins of the demo."""
        call_command("migrate", interactive=False, verbosity=0)
        call_command("collectstatic", interactive=False, verbosity=0)
        if settings.SANDBOX:
            sandbox_ca()
        heartbeat.forget()  # the last run's worker is no sign of this one
        return ensure_demo_accounts(settings.VAR_DIR / KEPT_LOGINS) if settings.DEMO else ()

    def _welcome(self, logins: Sequence[Login]) -> None:
        self.stdout.write(f"\n{settings.PORTAL_NAME} is at {settings.PUBLIC_URL}\n")
        if logins:
            self.stdout.write("Sign in as one of:")
            self.stdout.write("\n".join(map(str, logins)))
        elif first_account.is_wanted():
            self.stdout.write("Make the first account here; the link works once, within 24 hours:")
            self.stdout.write(first_account.link())
        elif mode().has_desk:
            self.stdout.write("For the first account: .venv/bin/python manage.py first_admin YOUR-EMAIL")
        self.stdout.write(f"Logs are in {settings.VAR_DIR / 'log'}. Ctrl-C stops everything.\n")
        self.stdout.flush()  # who reads it through a pipe wants it now, too

    def explain_late(self, supervisor: Supervisor, last: Mapping[str, str]) -> None:
        """Name what did not answer in time, and show the end of the log that explains it."""
        self.stderr.write(f"Not everything answered within {START_LIMIT:.0f} s:")
        for name, result in last.items():
            if result != "ok":
                self.stderr.write(f"- {name}: {result}")
                for part in ANSWERED_BY[name]:
                    self._show_log(supervisor, part)

    def _explain_death(self, supervisor: Supervisor, death: Death) -> None:
        self.stderr.write(f"{death.part.name} ended by itself (code {death.code}), so everything was stopped.")
        self._show_log(supervisor, death.part)

    def _show_log(self, supervisor: Supervisor, part: Part) -> None:
        log = supervisor.log(part)
        self.stderr.write(f"The end of {log}:")
        for line in tail(log):
            self.stderr.write(f"  {line}")


class SilentWorkers:
    """Starts a worker anew that runs and takes no work.

    Without a broker, the processes of a worker share one lock, and an idle one holds it: if that one is killed (by a
    system that is out of memory, say), nobody ever gets it back. The worker does not end by this, and does not notice.
    """

    def __init__(
        self, supervisor: Supervisor, say: Callable[[str], object], clock: Callable[[], float] = time.monotonic
    ) -> None:
        """clock: in seconds. One that stands still while the machine sleeps, so that nobody is silent for that."""
        self._supervisor, self._say, self._clock = supervisor, say, clock
        self._next_look = clock()
        self._silent_since: dict[str, float] = {}

    def __call__(self) -> bool:
        """Look at the workers, if it is time to. Always False: the supervisor's watch goes on."""
        now = self._clock()
        if now >= self._next_look:
            self._next_look = now + LOOK_EVERY
            for queue, part in WORKERS.items():
                self._look(queue, part, now)
        return False

    def _look(self, queue: str, part: Part, now: float) -> None:
        try:
            silent = not heartbeat.is_fresh(queue)
        except Exception:  # the cache is down: that says nothing about workers
            silent = False
        if not silent:
            self._silent_since.pop(queue, None)
        elif now - self._silent_since.setdefault(queue, now) >= SILENT_FOR:
            self._say(f"{part.name} runs, but takes no work: it is started anew.")
            del self._silent_since[queue]
            heartbeat.mark(queue)  # it has as long as any other until it counts as silent
            self._supervisor.restart(part)


def check_ports() -> None:
    """Raise StartError, naming the variable, if a port that is needed is taken."""
    needed = {settings.PORT: ("PORT", settings.PORT + 1)}
    if settings.SANDBOX:
        choice = ("SANDBOX_PORT", settings.SANDBOX_PORT + 2)
        needed |= {settings.SANDBOX_PORT: choice, settings.SANDBOX_PORT + 1: choice}
        if first := settings.SANDBOX_FAULT_PORTS:
            needed |= dict.fromkeys(range(first, first + len(PORTS)), ("SANDBOX_FAULT_PORTS", first + len(PORTS)))
    for port, (variable, other) in needed.items():
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError as error:
                raise StartError(
                    f"Port {port} is not free ({error.strerror}). Stop what uses it, or choose another with "
                    f"{variable}, such as: {variable}={other} make up"
                ) from error


@contextmanager
def only_one(path: Path) -> Iterator[None]:
    """Hold the lock file for the block. Raises StartError, naming the process, if another one holds it."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            raise StartError(
                f"It already runs on {path.parent}, as process {file.read().strip()}. "
                "Stop that one with Ctrl-C, or give this one another folder with VAR_DIR."
            ) from error
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def ask_health() -> Mapping[str, str]:
    """Return what /healthz says of each part; of web alone while it does not answer."""
    caller = HTTPConnection("127.0.0.1", settings.PORT, timeout=5)
    try:
        caller.request("GET", "/healthz", headers={"Host": urlsplit(settings.PUBLIC_URL).netloc})
        answer = caller.getresponse()
        checks: dict[str, str] = json.load(answer)["checks"]
        return checks
    except (OSError, HTTPException, ValueError) as error:
        return {"web": f"no answer yet ({type(error).__name__})"}
    finally:
        caller.close()


def is_well(checks: Mapping[str, str]) -> bool:
    """Tell whether every part is."""
    return bool(checks) and all(result == "ok" for result in checks.values())
