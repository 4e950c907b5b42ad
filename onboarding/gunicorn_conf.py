"""How gunicorn serves the portal; read by `gunicorn -c python:onboarding.gunicorn_conf`."""

import os
from pathlib import Path

bind = f"127.0.0.1:{os.environ.get('PORT', '8000')}"
worker_class = "gthread"
workers = 2
threads = 8
timeout = 60
graceful_timeout = 8  # less than a supervisor's patience of ten seconds
control_socket_disable = True  # it would be made below the home folder
if Path("/dev/shm").is_dir():  # noqa: S108 — where a heartbeat file costs no disk write
    worker_tmp_dir = "/dev/shm"  # noqa: S108
