"""The desk with few and with very many requests, side by side on one PostgreSQL; then a drop of certificates.

`make bench-desk`. N (100,000) requests in one database, of which WAITING (5,000) wait, and FEW in another. First each
query behind the pages of the large one is explained by the database: none may read a large table from end to end. Then
each page is asked for in turn of both, so that a busy machine troubles both alike. Exit code 1 if a goal is missed.
"""

import os
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from django.test import Client

FEW, MANY = 1_000, int(os.environ.get("N", "100000"))
WAITING = int(os.environ.get("WAITING", "5000"))
FEW_WAITING = FEW // 2
"""So many that a page of the queue is full there, too."""
ROUNDS, REQUESTS = 4, 8
"""Of each page: so many rounds, so many requests in a round."""
GOAL, FIGURES_GOAL = 1.5, 3.0
"""A page of many takes at most so many times what a page of few does: its median, of a whole round trip."""
EXPORT_MEMORY = 32
"""MiB more, however many rows."""
LARGE = 10_000
"""Rows; a larger table may not be read from end to end."""
SMALL_NAME, LARGE_NAME = "few", "many"


@dataclass(frozen=True, slots=True)
class Page:
    """One page, as each of both databases has it."""

    name: str
    paths: dict[str, str]
    goal: float = GOAL


class Desk:
    """Somebody of the staff, with a browser, who looks at one database or the other."""

    def __init__(self) -> None:
        self._clients: dict[str, Client] = {}
        self._name = ""

    def at(self, name: str) -> "Client":
        """Look at that database from here on."""
        from django.conf import settings
        from django.core.cache import cache
        from django.db import connection
        from django.test import Client

        from onboarding.partners.models import User

        if name != self._name:
            connection.close()
            connection.settings_dict["NAME"] = self._name = name
            cache.key_prefix = name
        if name not in self._clients:
            self._clients[name] = Client(headers={"host": "127.0.0.1"})
            person = User.objects.get(email="desk0@maker.example")
            self._clients[name].force_login(person, settings.AUTHENTICATION_BACKENDS[0])
        return self._clients[name]

    def ask(self, page: Page, name: str) -> float:
        """Return the seconds that a page takes. Raises RuntimeError unless it is there."""
        client = self.at(name)
        began = time.perf_counter()
        answer = client.get(page.paths[name])
        if answer.streaming:
            for _part in answer.streaming_content:
                pass
        took = time.perf_counter() - began
        if answer.status_code != 200:
            raise RuntimeError(f"{page.paths[name]} answered {answer.status_code} {answer.headers.get('Location', '')}")
        return took


def prepare(desk: Desk) -> None:
    """Make both databases."""
    from django.core.management import call_command
    from django.db import connection

    from bench import backlog

    with connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {SMALL_NAME}")
    connection.close()
    connection.settings_dict["NAME"] = SMALL_NAME
    call_command("migrate", verbosity=0)
    people = backlog.colleagues()
    connection.close()
    connection.settings_dict["NAME"] = "postgres"
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {LARGE_NAME} TEMPLATE {SMALL_NAME}")
    for name, requests, waiting in ((SMALL_NAME, FEW, FEW_WAITING), (LARGE_NAME, MANY, WAITING)):
        desk.at(name)
        began = time.perf_counter()
        backlog.seed(requests, waiting, people)
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")
            cursor.execute("SELECT count(*), count(*) FILTER (WHERE closed_at IS NULL) FROM worklist_item")
            cards, waits = cursor.fetchone()
        took = time.perf_counter() - began
        print(f"{requests:>9,} requests, {cards:,} cards, {waits:,} waiting: seeded in {took:.0f} s", flush=True)


def pages(desk: Desk) -> list[Page]:
    """Return what is measured."""
    from django.urls import reverse

    from bench.backlog import RARE
    from onboarding.partners.models import Organisation, User
    from onboarding.registrations.models import Registration
    from onboarding.worklist import figures, queue
    from onboarding.worklist.models import Item, Stage

    at, table, certificates = reverse("desk"), reverse("desk_export"), reverse("desk_certificates")
    figures_at, audit, logins = reverse("desk_figures"), reverse("desk_audit"), reverse("desk_logins")
    names = (SMALL_NAME, LARGE_NAME)
    paths: dict[str, dict[str, str]] = {}

    def add(page: str, path: str) -> None:
        paths.setdefault(page, {})[name] = path

    for name in names:
        client = desk.at(name)
        reader = User.objects.get(email="desk0@maker.example")
        reviews = Item.objects.filter(closed_at=None, stage=Stage.REVIEW, country=RARE).order_by("due_on", "pk")
        silent = Registration.objects.filter(messages=None).values("pk")
        ordinary, company = (
            reviews.filter(subject_id__in=silent)[5],
            Organisation.objects.filter(country="DE").order_by("pk")[0],
        )
        long = Registration.objects.order_by("application__reference").get(application__reference__endswith="000000")
        done = Item.objects.exclude(closed_at=None).order_by("pk")[0]
        add("queue", at)
        add("queue, a page amid", f"{at}?from={_amid(queue.Query(reader))}")
        add("queue, longest first", f"{at}?sort=longest")
        add("by stage", f"{at}?stage=review")
        add("by programme", f"{at}?programme=fleet_owner")
        add("by assignee", f"{at}?assignee=nobody")
        add("by company", f"{at}?organisation={company.pk}")
        add("by age", f"{at}?age=overdue")
        add("by country", f"{at}?country={RARE}")
        add("by all of these", f"{at}?stage=review&programme=fleet_owner&country={RARE}&assignee=me&age=7")
        add("mine", f"{at}?show=mine")
        add("search, a common word", f"{at}?words=dep")
        add("search, a number", f"{at}?words={ordinary.reference}")
        add("search, found nowhere", f"{at}?words=zzz")
        add("done", f"{at}?show=done")
        add("done, a page amid", f"{at}?show=done&from={_amid(queue.Query(reader, show=queue.Show.DONE))}")
        add("done, by country", f"{at}?show=done&country={RARE}")
        add("done, by all of these", f"{at}?show=done&stage=csr&programme=fleet_owner&country={RARE}&assignee=me")
        add("done, a common word", f"{at}?show=done&words=dep")
        add("done, a number", f"{at}?show=done&words={done.reference}")
        add("CSV, filtered", f"{table}?country={RARE}")
        add("review", reverse("desk_registration", args=[ordinary.subject_id]))
        add("review, a long history", reverse("desk_registration", args=[long.pk]))
        add("to answer", reverse("desk_messages"))
        add("certificates", certificates)
        add("certificates, decided", f"{certificates}?show=decided")
        add("partner logins", f"{logins}?show=decided")
        add("drops", reverse("desk_drops"))
        add("people", reverse("desk_people"))
        add("health", reverse("desk_health"))
        add("audit", audit)
        add("audit, of one event", f"{audit}?event=registration:decline")
        add("audit, of one application", f"{audit}?application={long.application.reference}")
        add("figures", figures_at)
        figures.renew()
        for page in ("certificates, decided", "partner logins", "audit"):
            add(f"{page}, further", _further(client, paths[page][name]))
    goals = {"figures": FIGURES_GOAL, "health": FIGURES_GOAL}  # what fails now, counted by its cause: it grows too
    return [Page(page, by_name, goals.get(page, GOAL)) for page, by_name in paths.items()]


def _further(client: "Client", path: str) -> str:
    """Return the address of a page some pages on."""
    for _page in range(5):
        found = re.search(r'rel="next" href="([^"]+)"', client.get(path).content.decode())
        path = path.partition("?")[0] + unescape(found[1]) if found else path
    return path


def _amid(query: Any) -> str:
    """Return the cursor of a page some thousand rows on, or half-way."""
    from onboarding.worklist import queue

    rows = queue.items(query).order_by(*query.order)
    place = min(rows.count() // 2, 2000) // queue.PAGE_SIZE
    cursor = ""
    for _page in range(place):
        cursor = queue.page(query, cursor).following or cursor
    return cursor


def compare(desk: Desk, asked: Sequence[Page]) -> bool:
    """Print what each page takes with few and with many; return whether all goals are met."""
    print(f"\n{'page':<28}{f'{FEW:,}: p50':>13}{'p95':>10}{f'{MANY:,}: p50':>16}{'p95':>10}{'many : few':>13}")
    met = True
    for page in asked:
        times: dict[str, list[float]] = {SMALL_NAME: [], LARGE_NAME: []}
        for _ in range(ROUNDS):
            for name, taken in times.items():
                desk.ask(page, name)  # warm, and connects
                taken += [desk.ask(page, name) for _ in range(REQUESTS)]
        few, many = times.values()
        ratio = statistics.median(many) / statistics.median(few)
        met = met and ratio <= page.goal
        shown = [f"{seconds * 1e3:.1f}" for one in (few, many) for seconds in (statistics.median(one), _p95(one))]
        verdict = "" if ratio <= page.goal else f"   goal at most {page.goal}   MISSED"
        print(
            f"{page.name:<28}{shown[0]:>10} ms{shown[1]:>7} ms{shown[2]:>13} ms{shown[3]:>7} ms{ratio:>13.2f}{verdict}",
            flush=True,
        )
    return met


def plans(desk: Desk, asked: Sequence[Page]) -> bool:
    """Print how the database answers each page's queries; return whether it reads no large table from end to end."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    desk.at(LARGE_NAME)
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname FROM pg_class WHERE relkind = 'r' AND reltuples > %s", [LARGE])
        large = {name for (name,) in cursor.fetchall()}
    print(f"\nplans of the queries that concern tables of over {LARGE:,} rows: {', '.join(sorted(large))}")
    read: set[str] = set()
    told: set[str] = set()
    for page in asked:
        with CaptureQueriesContext(connection) as queries:
            desk.ask(page, LARGE_NAME)
        statements = [
            one["sql"] for one in queries.captured_queries if one["sql"].startswith(("SELECT", "(SELECT", "WITH"))
        ]
        print(f"{page.name}: {len(queries)} queries")
        for statement in statements:
            with connection.cursor() as cursor:
                cursor.execute("EXPLAIN (ANALYZE, FORMAT JSON) " + statement)
                explained = cursor.fetchone()[0][0]
            nodes = list(_nodes(explained["Plan"]))
            tables = {node["Relation Name"] for node in nodes if "Relation Name" in node}
            scanned = {node["Relation Name"] for node in nodes if node["Node Type"] == "Seq Scan"} & large
            read |= {f"{table} ({page.name})" for table in scanned}
            way = " < ".join(map(_told, nodes))
            if tables & large and (way not in told or scanned):
                told.add(way)
                print(f"  {explained['Execution Time']:>7.1f} ms  {way}{'   MISSED' if scanned else ''}")
    print("read from end to end: " + (", ".join(sorted(read)) + "   MISSED" if read else "no large table"), flush=True)
    return not read


def export(desk: Desk) -> bool:
    """Print what a row of the CSV of all that is done takes; return whether many cost no more each, and no memory."""
    from django.urls import reverse

    page = Page("CSV", dict.fromkeys((SMALL_NAME, LARGE_NAME), f"{reverse('desk_export')}?show=done"))
    each: dict[str, float] = {}
    print()
    for name in page.paths:
        client = desk.at(name)
        before, began, rows = peak(), time.perf_counter(), -1
        for _line in client.get(page.paths[name]).streaming_content:
            rows += 1
        took = time.perf_counter() - began
        each[name], more = took / rows, peak() - before
        print(f"CSV of {rows:,} rows: {took:.1f} s, {each[name] * 1e6:.0f} µs a row, {more:+.0f} MiB", flush=True)
    ratio = each[LARGE_NAME] / each[SMALL_NAME]
    met = ratio <= GOAL and more <= EXPORT_MEMORY
    verdict = "" if met else f"   goal at most {GOAL}, {EXPORT_MEMORY} MiB   MISSED"
    print(f"a row of many : a row of few {ratio:.2f}{verdict}", flush=True)
    return met


def peak() -> float:
    """Return the most memory that this process ever had, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", ()):
        yield from _nodes(part)


def _told(node: dict[str, Any]) -> str:
    by = node.get("Index Name") or node.get("Relation Name", "")
    rows = int(node["Actual Rows"] * node["Actual Loops"])
    return f"{node['Node Type']}{f' {by}' if by else ''} ({rows:,})"


def _p95(times: Sequence[float]) -> float:
    return statistics.quantiles(times, n=20)[-1]


def main() -> int:
    """Run all, and return the exit code."""
    from bench import services
    from tests.programs import find

    if find("initdb") is None:
        print("Not on this machine: PostgreSQL", file=sys.stderr)
        return 2
    with (
        tempfile.TemporaryDirectory(prefix="bench-desk-") as folder,
        services.running(services.PostgreSQL, "postgres") as database,
    ):
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "onboarding.settings",
            "DEMO": "0",
            "SANDBOX": "0",
            "VAR_DIR": str(Path(folder)),
            "DATABASE_URL": database.url,
            "REDIS_URL": "",
            "PUBLIC_URL": "http://127.0.0.1",
            "STAFF_SECOND_FACTOR": "0",
        }
        import django
        from django.core.management import call_command

        django.setup()
        call_command("collectstatic", interactive=False, verbosity=0)
        desk = Desk()
        prepare(desk)
        asked = pages(desk)
        met = [plans(desk, asked), compare(desk, asked), export(desk)]
        own = os.environ | {"DATABASE_URL": database.url.removesuffix("postgres") + LARGE_NAME}
        met.append(subprocess.run([sys.executable, "-m", "bench.drop"], env=own, check=False).returncode == 0)
        return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main())
