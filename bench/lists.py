"""The list of applications of a company that has few and of one that has many, side by side; needs Django to be set up.

Each page is asked for in turn of both, so that a busy machine troubles both alike. Then each query behind the pages of
the large one is explained by the database: none may read a large table from end to end.
"""

import statistics
from collections.abc import Iterator, Sequence
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils.http import urlencode

from bench.journey import session
from bench.portfolio import portfolio
from bench.web import ROUNDS, Page, load, p95
from onboarding.partners.models import User
from onboarding.web.journey.standing import listing

FEW, MANY = 100, 10_000
GOAL, SEARCH_GOAL = 1.5, 2.5
"""A page of many takes at most so many times what a page of few does. A search has to read all the names."""
SEARCHED = "searched"
LARGE = 1000
"""Rows; to go through so many of a table in no order is to read all of it."""


def pages(applications: int) -> tuple[User, list[Page]]:
    """Make a company with so many applications; return its owner, and the pages of its list."""
    owner = portfolio(f"With {applications}", applications)
    organisations = list(owner.organisations.all())
    amid = listing(organisations).after
    for _ in range(applications // 100):
        amid = listing(organisations, after=amid).after
    asked = {
        "first page": {},
        "a page amid": {"after": amid},
        "your turn": {"show": "turn"},
        "ended": {"show": "ended"},
        SEARCHED: {"search": "Depot 9"},
    }
    cookies = session(owner)
    return owner, [Page(name, "/?" + urlencode(query), cookies) for name, query in asked.items()]


def compare(port: int, few: Sequence[Page], many: Sequence[Page]) -> bool:
    """Print what each page costs of both, and their ratio; return whether all ratios meet the goal."""
    print(f"\n{'list of applications':<22}{f'p95 of {FEW}':>15}{f'p95 of {MANY}':>15}{'time, many : few':>19}")
    met = True
    for one, other in zip(few, many, strict=True):
        times: tuple[list[float], list[float]] = ([], [])
        load(port, one.path, one.cookies), load(port, other.path, other.cookies)  # warm
        of_rounds = []
        for _ in range(ROUNDS):
            rates = []
            for page, taken in zip((one, other), times, strict=True):
                rate, its_times = load(port, page.path, page.cookies)
                rates.append(rate)
                taken += its_times
            of_rounds.append(rates[0] / rates[1])
        ratio, goal = statistics.median(of_rounds), SEARCH_GOAL if one.name == SEARCHED else GOAL
        met = met and ratio <= goal
        shown = [f"{p95(taken) * 1e3:.1f} ms" for taken in times]
        verdict = "" if ratio <= goal else f"   goal at most {goal}   MISSED"
        print(f"{one.name:<22}{shown[0]:>15}{shown[1]:>15}{ratio:>19.2f}{verdict}", flush=True)
    return met


def scans(owner: User) -> bool:
    """Print which large tables the list's queries read from end to end; return whether there is none."""
    organisations = list(owner.organisations.all())
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    listing(organisations)
    with CaptureQueriesContext(connection) as asked:
        found = listing(organisations)
        listing(organisations, after=found.after, standing="turn")
    large: set[str] = set()
    with connection.cursor() as cursor:
        for query in asked.captured_queries:
            cursor.execute("EXPLAIN (ANALYZE, FORMAT JSON) " + query["sql"])
            large |= set(_read_through(cursor.fetchone()[0][0]["Plan"]))
    told = (
        f"read from end to end: {', '.join(sorted(large))}   MISSED"
        if large
        else "no large table is read from end to end"
    )
    print(f"{len(asked)} queries of two of its pages: {told}")
    return not large


def _read_through(plan: dict[str, Any]) -> Iterator[str]:
    """Yield the tables that a plan went through in no order."""
    rows = plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)
    if plan["Node Type"] == "Seq Scan" and rows * plan["Actual Loops"] >= LARGE:
        yield plan["Relation Name"]
    for part in plan.get("Plans", ()):
        yield from _read_through(part)
