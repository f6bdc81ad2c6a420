# Every target brings what it needs: on a fresh machine with Python and make, `make run` is enough.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:
MAKEFLAGS += --no-print-directory

PYTHON ?= $(shell command -v python3)
PORT ?= 8000
DATA_DIR ?= var
FILE ?=
NAME ?=
UPGRADE ?=
# The wings' branch coverage, in per cent, under which `make test` fails.
COVERAGE_FLOOR ?= 95

PY := .venv/bin/python
APP := $(PY) -m app
LOCKED := requirements requirements-dev requirements-node requirements-lock
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export PYTHONUNBUFFERED := 1

run migrate seed accounts backup restore: export DATA_DIR := $(DATA_DIR)
run: export PORT := $(PORT)

##@ Use it
.PHONY: run
run: setup ## Start everything on 127.0.0.1 (PORT=8000, data under DATA_DIR=var); Ctrl-C stops it
	@tools/system.sh font
	@exec $(APP) run

.PHONY: accounts
accounts: setup ## Print the demo's sign-ins and API tokens as JSON
	@exec $(APP) accounts

.PHONY: migrate
migrate: setup ## Bring the database to the newest schema
	@exec $(APP) migrate

.PHONY: seed
seed: setup ## Fill an empty database with the demo network, its goods and a year of trade
	@$(APP) migrate
	@exec $(APP) seed --demo

.PHONY: backup
backup: setup ## Write everything under DATA_DIR into one file (FILE=…, else a dated one)
	@mkdir -p "$(or $(patsubst %/,%,$(dir $(FILE))),$(DATA_DIR)/backups)"
	@exec $(APP) backup "$(or $(FILE),$(DATA_DIR)/backups/backup-$(shell date -u +%Y%m%dT%H%M%SZ).tar.gz)"

.PHONY: restore
restore: setup ## Bring back what `make backup` wrote (FILE=…)
	@$(if $(FILE),,echo 'Which file? make restore FILE=path/to/backup' >&2; exit 2)
	@exec $(APP) restore "$(FILE)"

##@ Work on it
.PHONY: test
test: system setup-dev lint ## Everything that must be right: lint, all tests on both databases, coverage
	@exec $(PY) -m pytest --numprocesses=auto --maxprocesses=4 --dist=loadfile --no-loadscope-reorder \
	  --durations=10 --cov --cov-report=term --cov-fail-under=$(COVERAGE_FLOOR)

.PHONY: lint
lint: setup-dev ## Style, types, who imports whom, words without a translation
	@$(PY) -m ruff check --quiet .
	@$(PY) -m ruff format --quiet --check .
	@$(PY) -m mypy
	@lint-imports --no-logo
	@$(PY) tools/check_translations.py

.PHONY: format
format: setup-dev ## Lay the code out and mend what ruff can mend by itself
	@$(PY) -m ruff check --quiet --fix-only .
	@$(PY) -m ruff format .

.PHONY: docs
docs: setup ## Write docs/generated/ anew from the code
	@exec $(APP) docs

.PHONY: bench
bench: setup-dev ## Measure at small sizes into benchmarks/RESULTS.md (NAME=… for one of them)
	@tools/system.sh bench
	@exec $(PY) -m benchmarks $(NAME)

.PHONY: bench-full
bench-full: setup-dev ## Measure one bench at its full size (NAME=…)
	@$(if $(NAME),,echo 'Which one? make bench-full NAME=…; `$(PY) -m benchmarks --list` names them' >&2; exit 2)
	@tools/system.sh bench
	@exec $(PY) -m benchmarks --full $(NAME)

##@ Set it up
.PHONY: setup
setup: ## What the running program needs: Python packages, front-end packages, translations
	@$(PYTHON) tools/packages.py run node
	@$(PY) tools/compile_translations.py >&2
	@$(if $(wildcard tools/build_static.py),$(PY) tools/build_static.py >&2)

.PHONY: setup-dev
setup-dev: setup ## And what tests, linters and benches need
	@$(PYTHON) tools/packages.py dev

.PHONY: system
system: ## What only Debian has: Chromium and a Chinese font (installs as root, else says how)
	@tools/system.sh

.PHONY: lock
lock: ## Write the lock files anew from the *.in files and package.json (UPGRADE=1 for newer versions)
	@$(PYTHON) tools/packages.py run node lock
	@for name in $(LOCKED); do \
	  uv pip compile --quiet --generate-hashes --no-emit-index-url --no-header --python-version 3.11 \
	    $(if $(UPGRADE),--upgrade) --output-file $$name.txt $$name.in; \
	done
	@if [ -f package.json ]; then $(if $(UPGRADE),npm update,npm install) --package-lock-only --ignore-scripts; fi

.PHONY: clean
clean: ## Remove everything that was built or installed here; never the data under DATA_DIR
	@rm -rf .venv node_modules build static/vendor static/build .coverage .coverage.*
	@rm -rf .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
	@find . -path ./$(DATA_DIR) -prune -o \( -name __pycache__ -o -name '*.mo' \) -exec rm -rf {} +

.PHONY: help
help: ## Say what there is
	@awk 'BEGIN { FS = ":.*## " } \
	  /^##@ / { printf "%s\n%s\n", (seen++ ? "" : "make TARGET [NAME=value …]\n"), substr($$0, 5) } \
	  /^[a-z][a-z-]*:.*## / { printf "  %-11s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))
