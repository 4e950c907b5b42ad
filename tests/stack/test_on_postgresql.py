"""What is asked on SQLite, asked on PostgreSQL: its triggers, JSON, cursors, search and percentiles are others."""

import os
import subprocess
import sys

import pytest

from tests.walkthrough.instance import ROOT

ASKED = {
    "tests/records/test_audit.py": "database or journey or address or edited or deleted or companies",
    "tests/processes/test_worklist.py": "filtered or neither or counting or export or countries",
    "tests/web/test_dashboard.py": "week or grouped or expire",
}
"""Of these files what is called so: where the two databases could differ."""


@pytest.mark.stack
@pytest.mark.needs("initdb")
def test_the_audit_the_queue_and_the_figures_are_the_same_on_postgresql(postgres_url: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *ASKED, "-k", " or ".join(ASKED.values())],
        cwd=ROOT,
        env=os.environ | {"DATABASE_URL": postgres_url},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert " passed" in done.stdout
