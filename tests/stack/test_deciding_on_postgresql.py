"""Decisions at the very same moment, where two can write at once."""

import os
import subprocess
import sys

import pytest

from tests.walkthrough.instance import ROOT

AT_ONCE = ("tests/stack/at_once.py", "tests/stack/deleted_at_once.py")


@pytest.mark.stack
@pytest.mark.needs("initdb")
def test_two_at_once_on_postgresql(postgres_url: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *AT_ONCE],
        cwd=ROOT,
        env=os.environ | {"DATABASE_URL": postgres_url},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert " passed" in done.stdout
