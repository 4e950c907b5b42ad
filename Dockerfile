# One image for web, worker, beat, sandbox and migrate; docker-compose.yml says which command each runs.

FROM python:3.12-slim AS build
COPY requirements/runtime.txt /tmp/
RUN python -m venv /opt/venv \
    && /opt/venv/bin/pip install --no-cache-dir --disable-pip-version-check \
        --require-hashes --only-binary :all: -r /tmp/runtime.txt
COPY locale /tmp/locale
RUN /opt/venv/bin/pybabel --quiet compile --directory /tmp/locale --domain django

FROM python:3.12-slim
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 VAR_DIR=/var/lib/onboarding
RUN useradd --system --uid 10001 --home-dir /var/lib/onboarding --create-home onboarding
WORKDIR /app
COPY --from=build /opt/venv /opt/venv
COPY manage.py LICENSE ./
COPY onboarding onboarding
COPY templates templates
COPY static static
COPY --from=build /tmp/locale locale
# The volume of the audit's checkpoints takes over its owner.
RUN install --directory --owner=onboarding /var/lib/onboarding/audit
USER onboarding
# The keys are for this one command: no secret may be part of an image.
RUN SECRET_KEY=none AUDIT_KEY=none VAULT_KEYS=none: python manage.py collectstatic --no-input --verbosity 0
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s CMD ["python", "-c", \
    "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
CMD ["gunicorn", "-c", "python:onboarding.gunicorn_conf", "--bind", "0.0.0.0:8000", "onboarding.wsgi"]
