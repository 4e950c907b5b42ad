"""`manage.py sandbox`, as it is started beside the portal."""

import os
import re
import signal
import socket
import sqlite3
import ssl
import subprocess
import sys
import urllib.request
from contextlib import closing
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from onboarding.sandbox.management.commands.sandbox import certificate_hosts


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("taken", ["port", "token_port"])
def test_a_port_in_use_is_named_in_one_line(taken):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(CommandError) as caught:
            call_command("sandbox", **({"bind": "127.0.0.1", "port": 0, "token_port": 0} | {taken: port}))
    assert str(port) in str(caught.value)
    assert "SANDBOX_PORT" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_certificate_is_for_loopback_and_for_the_hosts_that_the_settings_name(settings):
    settings.SANDBOX_API_URL = "https://sandbox.example:8443"
    settings.SANDBOX_TOKEN_URL = "https://localhost:8444"
    assert certificate_hosts() == ["localhost", "127.0.0.1", "::1", "sandbox.example"]


def test_it_waits_for_the_database_says_when_it_is_ready_and_ends_on_sigterm(tmp_path):
    environment = {
        name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL", "DEMO")
    } | {"VAR_DIR": str(tmp_path), "PYTHONUNBUFFERED": "1"}
    manage = [sys.executable, str(Path(settings.BASE_DIR) / "manage.py")]
    command = [*manage, "sandbox", "--port", "0", "--token-port", "0"]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stderr is not None
            assert process.stderr.readline() == "Waiting for the database to be reachable and migrated\n"
            subprocess.run([*manage, "migrate", "--verbosity", "0", "--skip-checks"], env=environment, check=True)
            ready = process.stdout.readline()
            ports = re.fullmatch(
                r"Sandbox ready on 127\.0\.0\.1: API on port (\d+), token endpoint on port (\d+)\n", ready
            )
            assert ports, ready
            with closing(sqlite3.connect(tmp_path / "db.sqlite3")) as database:
                ((ca_pem,),) = database.execute("SELECT certificate_pem FROM credentials_authority")
            context = ssl.create_default_context(cadata=ca_pem)
            url = f"https://localhost:{ports[2]}/healthz"
            with urllib.request.urlopen(url, timeout=10, context=context) as response:
                assert response.read() == b'{"sandbox": "ok"}'
            process.send_signal(signal.SIGTERM)
            assert process.wait(10) == 0
            assert "Traceback" not in process.stderr.read()
        finally:
            process.kill()
