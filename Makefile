# Everything a developer runs; `make run` and `make test` do their own set-up on a fresh machine.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: run test test-previous test-postgres-15 test-asterisk check format bench lock schema backup restore clean help

include infra/aws/aws.mk

help:           ## this list
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*##/\t/' | expand -t 18

run: $(VENV)/.run   ## install, start PostgreSQL, migrate, load demo data, serve on 127.0.0.1:8021
	$(BIN)/python local_server.py

test: $(VENV)/.dev  ## every test but those on a real Asterisk and on the AWS bundle
	$(BIN)/python -m pytest --ignore=tests/asterisk --ignore=tests/aws
	@tests/asterisk/available || true

test-postgres-15: $(VENV)/.dev  ## the tests that use the database, on Debian's PostgreSQL 15
	POSTGRES_BIN_TEST=/usr/lib/postgresql/15/bin $(BIN)/python -m pytest tests/adapters tests/usecases tests/functions

test-previous: $(VENV)/.dev  ## the previous release's tests on this release's schema
	infra/test-previous $(BIN)/python

test-asterisk: $(VENV)/.dev  ## real calls on Asterisk 16 and 22 in chroots (root, debootstrap, sip-tester)
	$(BIN)/python -m pytest tests/asterisk

check: $(VENV)/.dev ## lint, format, types, import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.dev ## rewrite the code in the house's format
	$(BIN)/ruff check --fix . && $(BIN)/ruff format .

bench: $(VENV)/.dev ## the figures of docs/performance.md
	$(BIN)/python -m tests.load

lock: $(VENV)/.dev  ## make the lock files anew from pyproject.toml
	$(BIN)/python -m pip install -q uv
	for extra in run:local,crm,build dev:local,crm,build,dev; do \
	  $(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	    --no-annotate --no-header $$(echo $${extra#*:} | sed 's/[^,]*/--extra &/g; s/,/ /g') \
	    pyproject.toml -o requirements/$${extra%%:*}.txt; \
	done
	for name in aws runtime; do \
	  $(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate \
	    --no-header $$([ $$name = aws ] || echo -c requirements/aws.txt) requirements/$$name.in -o requirements/$$name.txt; \
	done
	for layer in call:layers/deps_call/requirements.in "full:--extra crm pyproject.toml"; do \
	  $(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate \
	    --no-header -c requirements/run.txt $${layer#*:} -o layers/deps_$${layer%%:*}/requirements.txt; \
	done

schema: $(VENV)/.dev ## write infra/schema.sql from the migrations
	$(BIN)/python -m smart_redirect.local.schema

backup: $(VENV)/.run  ## database and key into FILE=… (DATABASE_URL, or the embedded server's data)
	$(BIN)/smart-redirect backup "$(FILE)"

restore: $(VENV)/.run  ## both back from FILE=… into an empty database
	$(BIN)/smart-redirect restore "$(FILE)"

clean:          ## remove the environment and caches; data stays
	rm -rf $(VENV) $(AWS_VENV) .aws-sam .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; set PYTHON=…"; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { \
	  echo "Python's venv package is missing."; \
	  [ "$$(id -u)" = 0 ] && apt-get update -q && apt-get install -qy python3-venv || \
	  { echo "Install it: sudo apt-get install python3-venv"; exit 1; }; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: $(BIN)/python requirements/run.txt pyproject.toml
	$(BIN)/python -m pip install -q --require-hashes -r requirements/run.txt
	$(BIN)/python -m pip install -q --no-build-isolation --no-deps -e .
	touch $@

$(VENV)/.dev: $(BIN)/python requirements/dev.txt pyproject.toml
	$(BIN)/python -m pip install -q --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install -q --no-build-isolation --no-deps -e .
	touch $@ $(VENV)/.run
