"""The whole journey on what production runs on: PostgreSQL and Redis."""

import os
import subprocess
import sys

import psycopg
import pytest

from tests.walkthrough.instance import ROOT


@pytest.mark.stack
@pytest.mark.needs("initdb", "redis-server")
def test_the_walkthrough_passes_on_postgresql_and_redis(postgres_url: str, redis_url: str) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE walkthrough")
    environment = os.environ | {
        "DATABASE_URL": postgres_url.rsplit("/", 1)[0] + "/walkthrough",
        "REDIS_URL": redis_url,
    }
    done = subprocess.run(
        [sys.executable, "-m", "tests.walkthrough"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "steps as expected" in done.stdout
