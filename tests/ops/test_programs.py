"""What the tests themselves stand on: private servers, and skips that become failures where nothing may be skipped."""

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


@pytest.fixture
def probe(pytester: pytest.Pytester, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A test session of its own with two tests, one of which needs a program that does not exist."""
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.delenv("CI_NO_SKIP", raising=False)
    pytester.makeconftest(OUTER.format(path=str(request.config.rootpath)))
    pytester.makepyfile(PROBE)
    return pytester


def run(probe: pytest.Pytester) -> tuple[pytest.RunResult, str]:
    result = probe.runpytest_subprocess("-p", "no:django", "-p", "no:xdist", "-p", "no:cacheprovider", "-rsf")
    return result, result.stdout.str()


def test_a_test_is_skipped_by_the_name_of_what_is_missing(probe: pytest.Pytester) -> None:
    result, output = run(probe)
    result.assert_outcomes(passed=1, skipped=1)
    assert "no-such-program is not installed" in output


@pytest.mark.parametrize(("name", "value"), [("CI_NO_SKIP", "1"), ("CI", "true")])
def test_a_skip_is_a_failure_where_nothing_may_be_skipped(
    probe: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    result, output = run(probe)
    result.assert_outcomes(passed=1, failed=1)
    assert "no-such-program is not installed: nothing may be skipped in this run" in output


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
