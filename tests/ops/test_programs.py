"""What the tests themselves stand on: private servers, and skips that become failures where nothing may be skipped."""

import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
import redis

PROBE = """
import pytest

@pytest.mark.needs("no-such-program")
def test_with_a_missing_program():
    pass

@pytest.mark.needs("sh")
def test_with_a_program_that_is_there():
    pass
"""
OUTER = """
import sys
sys.path.insert(0, {path!r})
from tests.programs import *

def pytest_configure(config):
    config.addinivalue_line("markers", "needs(program)")
"""


def run(folder: Path, root: Path, probe: str, **environment: str) -> tuple[int, str]:
    """Run a test session of its own; its exit code and what it printed."""
    (folder / "conftest.py").write_text(OUTER.format(path=str(root)))
    (folder / "test_probe.py").write_text(probe)
    inherited = {name: value for name, value in os.environ.items() if name not in ("CI", "CI_NO_SKIP")}
    result = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-rs", "test_probe.py"],
        cwd=folder,
        env=inherited | environment | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},  # bare, it starts in half the time
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    return result.returncode, result.stdout


def test_a_test_is_skipped_by_the_name_of_what_is_missing(tmp_path: Path, pytestconfig: pytest.Config) -> None:
    code, output = run(tmp_path, pytestconfig.rootpath, PROBE)
    assert code == 0
    assert "1 passed, 1 skipped" in output
    assert "no-such-program is not installed" in output


@pytest.mark.parametrize("variable", [{"CI_NO_SKIP": "1"}, {"CI": "true"}])
def test_a_skip_is_a_failure_where_nothing_may_be_skipped(
    tmp_path: Path, pytestconfig: pytest.Config, variable: dict[str, str]
) -> None:
    code, output = run(tmp_path, pytestconfig.rootpath, PROBE, **variable)
    assert code != 0
    assert "1 passed, 1 error" in output
    assert "no-such-program is not installed: nothing may be skipped in this run" in output


def test_a_whole_file_that_is_skipped_is_a_failure_too(tmp_path: Path, pytestconfig: pytest.Config) -> None:
    whole = "import pytest\npytest.skip('not today', allow_module_level=True)\n"
    code, output = run(tmp_path, pytestconfig.rootpath, whole, CI_NO_SKIP="1")
    assert code != 0
    assert "not today: nothing may be skipped in this run" in output


@pytest.mark.needs("initdb", "postgres")
def test_a_private_postgresql_answers_and_lets_its_user_make_databases(postgres_url: str) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE probe")
        assert connection.execute("SELECT count(*) FROM pg_database WHERE datname = 'probe'").fetchone() == (1,)
        connection.execute("DROP DATABASE probe")


@pytest.mark.needs("redis-server")
def test_a_private_redis_answers(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        assert client.set("key", "value")
        assert client.get("key") == b"value"
