"""Which tests one process takes together, and what begins first, so that all processes end together.

Of xdist's own groups nothing is left under pytest 9.2: it keeps a test's id elsewhere than xdist 3.8 writes the group,
so that each process would start the whole product, and a browser, for itself.
"""

import pytest
from xdist.scheduler import LoadScopeScheduling

FIRST = (
    "tests/browser/test_journey.py",
    "tests/browser",  # the others, and tests/browser_key: one running product serves them all
    "tests/stack/",
    "tests/ops/test_up.py",
)
"""How the ids of tests begin that run one after another in one process; what takes longest stands first."""


def together(nodeid: str) -> str:
    """Return the name of what a test runs with: a beginning of the table, or else its file."""
    return next((beginning for beginning in FIRST if nodeid.startswith(beginning)), nodeid.split("::")[0])


class LongestFirst(LoadScopeScheduling):
    """Hands out what the table names, then whole files, those with most tests first."""

    def _split_scope(self, nodeid: str) -> str:
        return together(nodeid)

    def _assign_work_unit(self, node: object) -> None:
        first = min(self.workqueue, key=lambda name: (_rank(name), -len(self.workqueue[name])))
        self.workqueue.move_to_end(first, last=False)
        super()._assign_work_unit(node)


def _rank(name: str) -> int:
    return FIRST.index(name) if name in FIRST else len(FIRST)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> LongestFirst | None:
    """Take the place of xdist's `--dist loadgroup`."""
    return LongestFirst(config, log) if config.getoption("dist") == "loadgroup" else None
