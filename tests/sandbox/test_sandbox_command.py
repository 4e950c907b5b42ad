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

from onboarding.rehearsals import BY_NAME, BY_TEST_ONLY, PORTS
from onboarding.sandbox.management.commands.sandbox import certificate_hosts
from tests.ports import free_ports


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


def test_the_list_of_failures_says_how_to_meet_each(capsys):
    call_command("sandbox", list_faults=True, port=8443, fault_ports=8445)
    printed = [re.split(r" {2,}", line) for line in capsys.readouterr().out.splitlines()]
    how = {name: (rung, where) for name, rung, where, _title in printed}
    assert list(how) == [*BY_NAME, *BY_TEST_ONLY]
    assert how["rate_limited_date"] == ("answer", "client ID with ~rate_limited_date")
    assert how["server_expired"] == ("server_tls", f"port {BY_NAME['server_expired'].port(8445)}")
    assert how[PORTS[0].name][1] == "proxy at port 8445"
    assert how["unreachable"] == ("tcp_connect", "https://127.255.255.255:8443")
    assert how["resolver_timeout"] == ("name_resolution", "by a test only")
    call_command("sandbox", list_faults=True, port=8443, fault_ports=0)
    assert re.search(r"^server_expired .* no port: see --fault-ports", capsys.readouterr().out, re.MULTILINE)


@pytest.mark.parametrize("fault", ["no_such", "unreachable", "proxy_forbids"])
def test_what_a_server_cannot_play_for_all_callers_is_refused(fault):
    with pytest.raises(CommandError, match=f"invalid choice: '{fault}'"):
        call_command("sandbox", f"--fault={fault}")


def test_the_certificate_is_for_loopback_and_for_the_hosts_that_the_settings_name(settings):
    settings.SANDBOX_API_URL = "https://sandbox.example:8443"
    settings.SANDBOX_TOKEN_URL = "https://localhost:8444"
    assert certificate_hosts() == ["localhost", "127.0.0.1", "::1", "sandbox.example"]


def test_it_waits_for_the_database_says_when_it_is_ready_and_ends_on_sigterm(tmp_path):
    environment = {
        name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL", "DEMO")
    } | {"VAR_DIR": str(tmp_path), "PYTHONUNBUFFERED": "1"}
    manage = [sys.executable, str(Path(settings.BASE_DIR) / "manage.py")]
    fault_ports = free_ports(len(PORTS))
    command = [*manage, "sandbox", "--port", "0", "--token-port", "0", "--fault-ports", str(fault_ports[0])]
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
                r"Sandbox ready on 127\.0\.0\.1: API on port (\d+), token endpoint on port (\d+), "
                rf"failures on ports {fault_ports[0]} to {fault_ports[-1]}\n",
                ready,
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
