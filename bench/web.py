"""The pages of the journey beside a bare Django view that renders one template: both by gunicorn, in one run.

The portal is what production runs: gunicorn with its own settings, PostgreSQL, Redis, compiled static files. The
partner has APPLICATIONS (100) beside the one that is looked at. Each page is asked for by the same few clients as the
bare view, in turn with it, so that a busy machine troubles both alike; the clients' own work is in both.

Then the bytes that a first visit and the next page transfer, everything included that the page names. Exit code 1 if
a goal is missed.
"""

import http.client
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import urljoin, urlsplit

from bench import services
from onboarding.supervisor import end_with_parent, tail
from tests.ports import free_port

ROOT = Path(__file__).resolve().parents[1]
APPLICATIONS = int(os.environ.get("APPLICATIONS", "100"))
CLIENTS, REQUESTS, ROUNDS = 4, 40, 3
"""Of each page: so many at once, so many in a round, so many rounds."""
START_LIMIT = 60.0
FIRST_VISIT = 60 * 1024
"""Bytes, compressed, with htmx and CSS."""
Cookies = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Page:
    """One page of the journey, and who looks at it."""

    name: str
    path: str
    cookies: Cookies


@contextmanager
def gunicorn(application: str, port: int, folder: Path, environment: Mapping[str, str]) -> Iterator[None]:
    """Serve as production does, until the block ends."""
    command = [sys.executable, "-m", "gunicorn", "-c", "python:onboarding.gunicorn_conf", application]
    log = folder / f"{port}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**environment, "PORT": str(port)},
            stdout=output,
            stderr=output,
            preexec_fn=partial(end_with_parent, os.getpid()),
        )
    try:
        deadline = time.monotonic() + START_LIMIT
        while True:
            try:
                http.client.HTTPConnection("127.0.0.1", port, timeout=5).connect()
                break
            except OSError:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError("\n".join(tail(log, 20))) from None
                time.sleep(0.1)
        yield
    finally:
        process.terminate()
        process.wait(20)


def get(connection: http.client.HTTPConnection, path: str, cookies: Cookies) -> tuple[http.client.HTTPResponse, bytes]:
    """Ask for one page, compressed; return the answer and its body as transferred.

    Raises RuntimeError unless it is 200.
    """
    headers = {"Accept-Encoding": "gzip", "Host": f"127.0.0.1:{connection.port}"}
    if cookies:
        headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in cookies.items())
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    body = answer.read()
    if answer.status != 200:
        raise RuntimeError(f"{path} answered {answer.status} {answer.headers.get('Location', '')}")
    return answer, body


def load(port: int, path: str, cookies: Cookies) -> tuple[float, list[float]]:
    """Ask REQUESTS times by CLIENTS clients; return the requests per second, and what each took, in seconds."""

    def client(number: int) -> list[float]:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        times = []
        for _ in range(REQUESTS // CLIENTS):
            began = time.perf_counter()
            get(connection, path, cookies)
            times.append(time.perf_counter() - began)
        connection.close()
        return times

    began = time.perf_counter()
    with ThreadPoolExecutor(CLIENTS) as pool:
        taken = [time_ for times in pool.map(client, range(CLIENTS)) for time_ in times]
    return len(taken) / (time.perf_counter() - began), taken


def p95(times: Sequence[float]) -> float:
    """Return what 95 of 100 stay below."""
    return statistics.quantiles(times, n=20)[-1]


def queries(page: Page, port: int) -> int:
    """Return how often a page asks the database, once it is warm: counted in this process, on the same database."""
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    client = Client(headers={"host": f"127.0.0.1:{port}"})
    client.cookies.load(dict(page.cookies))
    client.get(page.path)
    with CaptureQueriesContext(connection) as asked:
        status = client.get(page.path).status_code
    if status != 200:
        raise RuntimeError(f"{page.path} answered {status}")
    return len(asked)


def compare(pages: Sequence[Page], port: int, bare_port: int) -> None:
    """Print, for each page, its figures and what the bare view's are a multiple of."""
    print(f"{'page':<22}{'a second':>10}{'p95':>11}{'bare : page':>14}{'p95 page : bare':>18}{'queries':>10}")
    for page in pages:
        load(port, page.path, page.cookies)  # warm
        rates, taken, ratios, p95_ratios = [], [], [], []
        for _ in range(ROUNDS):
            bare_rate, bare_times = load(bare_port, "/", {})
            rate, times = load(port, page.path, page.cookies)
            rates.append(rate)
            taken += times
            ratios.append(bare_rate / rate)
            p95_ratios.append(p95(times) / p95(bare_times))
        print(
            f"{page.name:<22}{statistics.median(rates):>10.0f}{p95(taken) * 1e3:>8.1f} ms"
            f"{statistics.median(ratios):>14.1f}{statistics.median(p95_ratios):>18.1f}{queries(page, port):>10}",
            flush=True,
        )


RESOURCE = re.compile(rb"""<(?:link|script|img)\b[^>]*?(?:href|src)="([^"]+)"[^>]*>""")


def transferred(port: int, page: Page, held: set[str]) -> int:
    """Return the bytes that a page and what it names transfer, save what is held already.

    Raises RuntimeError if it names something of somebody else's.
    """
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    answer, body = get(connection, page.path, page.cookies)
    total = len(body)
    html = _plain(answer, body)
    for tag in RESOURCE.finditer(html):
        if b'rel="canonical"' in tag[0]:
            continue
        address = tag[1].decode()
        if urlsplit(address).netloc:
            raise RuntimeError(f"{page.path} asks for {address}")
        if (path := urljoin(page.path, address)) not in held:
            held.add(path)
            total += len(get(connection, path, {})[1])
    connection.close()
    return total


def _plain(answer: http.client.HTTPResponse, body: bytes) -> bytes:
    if answer.headers.get("Content-Encoding") != "gzip":
        return body
    import gzip

    return gzip.decompress(body)


def bench_bytes(port: int, pages: Sequence[Page]) -> bool:
    """Print what a first visit and each further page transfer; return whether the first is small enough."""
    held: set[str] = set()
    sizes = [transferred(port, page, held) for page in pages]
    print("\nbytes transferred, each page after the one before it")
    for page, size in zip(pages, sizes, strict=True):
        print(f"{page.name:<22}{size / 1024:>10.1f} KB")
    met, first, goal = sizes[0] <= FIRST_VISIT, sizes[0] / 1024, FIRST_VISIT // 1024
    print(f"the first visit{first:>17.1f} KB   goal at most {goal} KB   {'met' if met else 'MISSED'}")
    return met


def prepare(environment: Mapping[str, str]) -> list[Page]:
    """Make the database, a partner with many applications, and the sessions of those who look; return the pages."""
    os.environ |= environment
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    from bench.journey import pages

    return pages(APPLICATIONS)


def main() -> int:
    """Run all, and return the exit code."""
    if lacking := services.missing():
        print("Not on this machine: " + ", ".join(lacking), file=sys.stderr)
        return 2
    with ExitStack() as stack:
        var = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-web-")))
        database = stack.enter_context(services.running(services.PostgreSQL, "postgres"))
        broker = stack.enter_context(services.running(services.Redis, "redis"))
        port, bare_port = free_port(), free_port()
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "onboarding.settings",
            "DEMO": "0",
            "SANDBOX": "1",
            "VAR_DIR": str(var),
            "DATABASE_URL": database.url,
            "REDIS_URL": broker.url,
            "PUBLIC_URL": f"http://127.0.0.1:{port}",
            "KEY_CUSTODIES": "browser,own,vault",
            "STAFF_SECOND_FACTOR": "0",
        }
        pages = prepare(environment)
        stack.enter_context(gunicorn("onboarding.wsgi", port, var, environment))
        stack.enter_context(gunicorn("bench.bare", bare_port, var, {**os.environ, "PYTHONPATH": str(ROOT)}))
        compare(pages, port, bare_port)
        met = [bench_lists(port), bench_bytes(port, pages)]
        return 0 if all(met) else 1


def bench_lists(port: int) -> bool:
    """Hold the list of a company with many applications against that of one with few; return whether goals are met."""
    from bench import lists

    (_, few), (owner, many) = lists.pages(lists.FEW), lists.pages(lists.MANY)
    met = [lists.compare(port, few, many), lists.scans(owner)]
    return all(met)


if __name__ == "__main__":
    sys.exit(main())
