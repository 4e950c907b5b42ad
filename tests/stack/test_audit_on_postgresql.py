"""What is asked of the audit on SQLite, asked on PostgreSQL: its triggers, its JSON, its cursors are others.

And what only PostgreSQL can be asked, since it lets two write at once.
"""

import os
import subprocess
import sys

import pytest

from tests.walkthrough.instance import ROOT

ASKED = "database or journey or address or edited or deleted or companies or moment"
"""Where the two databases could differ; what was found is then explained without either."""


FILES = ("tests/records/test_audit.py", "tests/memberships/test_deleted_meanwhile.py")


@pytest.mark.stack
@pytest.mark.needs("initdb")
def test_the_audit_is_refused_and_verified_on_postgresql_too(postgres_url: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *FILES, "-k", ASKED],
        cwd=ROOT,
        env=os.environ | {"DATABASE_URL": postgres_url},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert " passed" in done.stdout
