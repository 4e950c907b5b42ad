# The commands of this project. `make` alone lists them.

BIN := .venv/bin
.DEFAULT_GOAL := help
.PHONY: help setup up test lint walkthrough checker messages lock bench-pki bench-validation bench-web bench-desk bench-audit alerts chaos clean

help: ## List the commands
	@sed -n 's/^\([a-z-]*\):.*## /  make \1 \t/p' $(MAKEFILE_LIST) | expand -t 27

setup: .venv/.installed ## Make .venv and install into it; starts nothing
	@:

.venv/.installed: requirements/dev.txt bin/setup $(wildcard locale/*/LC_MESSAGES/django.po)
	@PYTHON="$(PYTHON)" bin/setup

up: setup ## Run the demo until Ctrl-C: web, worker, beat, sandbox. PORT and SANDBOX_PORT choose the ports
	@DEMO=$${DEMO:-1} exec $(BIN)/python manage.py up

test: setup ## Run every test that can run here
	@$(BIN)/python -m pytest -n auto --dist loadgroup $(ARGS)

lint: setup ## Run ruff, mypy and import-linter
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

walkthrough: setup ## Walk the whole journey over HTTP on a private instance, and print each step
	@$(BIN)/python -m tests.walkthrough $(ARGS)

checker: setup ## Build the offline checker, var/fleet-check.pyz: one file that needs Python 3.10 and nothing installed
	@$(BIN)/python -m onboarding.checker.build var/fleet-check.pyz

messages: setup ## Bring new texts into locale/*/LC_MESSAGES/django.po, untranslated, and count what is missing
	@$(BIN)/python -m onboarding.translations
	@$(BIN)/pybabel --quiet compile --directory locale --domain django

lock: setup ## Write requirements/*.txt anew from pyproject.toml
	@$(BIN)/python -m venv var/uv && var/uv/bin/pip install --quiet --disable-pip-version-check uv
	var/uv/bin/uv pip compile $(LOCK_OPTIONS) -o requirements/runtime.txt pyproject.toml
	var/uv/bin/uv pip compile $(LOCK_OPTIONS) -o requirements/dev.txt --group dev pyproject.toml
LOCK_OPTIONS := --quiet --upgrade --universal --generate-hashes --no-emit-index-url --no-header \
	--python-version 3.11

bench-pki: setup ## Measure CSR checks and certificate intake against bare cryptography and openssl
	@$(BIN)/python -m bench.pki

bench-validation: setup ## Measure one validation, sweeps of thousands, and a click meanwhile. SETS_AT_8, SETS_AT_50
	@$(BIN)/python -m bench.validation; one=$$?; $(BIN)/python -m bench.sweep && exit $$one

bench-web: setup ## Measure the pages of the journey against a bare Django view, and the bytes of a first visit. APPLICATIONS=N
	@$(BIN)/python -m bench.web

bench-desk: setup ## Measure the desk with 100,000 requests against 1,000, explain its queries, and time a drop. N=, WAITING=, CERTIFICATES=
	@$(BIN)/python -m bench.desk

bench-audit: setup ## Measure how fast the audit is verified, on SQLite and on PostgreSQL. ENTRIES=N
	@$(BIN)/python -m bench.audit

alerts: setup ## Refuse 1,000 client certificates under TLS 1.3, and see that no refusal is reported without its alert
	@$(BIN)/python -m bench.alerts

chaos: setup ## Kill workers, restart Redis and PostgreSQL under 1,000 runs, and see that none is lost or doubled. RUNS=N
	@$(BIN)/python -m bench.chaos

clean: ## Remove .venv and what tools left behind; var/, which holds your data, stays
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
