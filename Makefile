# `make train` and `make test` are all that a fresh Linux machine with Python >= 3.11 needs.

SHELL := /bin/bash
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

# The first interpreter that is new enough; override with `make PYTHON=...`.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo "$$p" && break; done)

# `make train ARGS="--netlist chip.pb.txt --budget 600s"`, `make test ARGS="-k cost"`
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help install train test test-slow check format bench notebooks docs clean

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

install: $(STAMP) ## Create the virtual environment and install everything into it

$(BIN)/python:
	@if [ -z "$(PYTHON)" ]; then echo "Python >= 3.11 is needed and was not found" >&2; exit 1; fi
	$(PYTHON) -m venv $(VENV)

# torch goes first and alone, so that the pinned build is chosen before anything else can ask for another one.
$(STAMP): pyproject.toml constraints.txt | $(BIN)/python
	@echo "installing into $(VENV): a few minutes, up to 2 GB"
	$(BIN)/python -m pip install -qq --constraint constraints.txt torch
	$(BIN)/python -m pip install -qq --constraint constraints.txt --editable ".[dev]"
	@touch $@

train: $(STAMP) ## Train the default policy on the default netlist (about 5 minutes on two cores)
	$(BIN)/python train.py $(ARGS)

test: $(STAMP) ## Run the tests
	$(BIN)/python -m pytest -n 2 --dist loadfile $(ARGS)

test-slow: $(STAMP) ## Run the tests that take minutes
	$(BIN)/python -m pytest -m slow $(ARGS)

check: $(STAMP) ## Check formatting, lint, types and the direction of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

format: $(STAMP) ## Format the code and repair what the linter can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(STAMP) ## Measure the speeds that the README quotes
	$(BIN)/python -m pytest tests/bench -m bench -s $(ARGS)

notebooks: $(STAMP) ## Run the example notebooks and store what they show
	$(BIN)/python notebooks/refresh.py

docs: $(STAMP) ## Build the documentation into site/
	$(BIN)/python -m pip install -qq --constraint constraints.txt --editable ".[docs]"
	$(BIN)/python docs/write_tables.py
	$(BIN)/python docs/write_constants.py
	$(BIN)/python docs/write_transfer.py
	$(BIN)/mkdocs build --strict

clean: ## Remove the virtual environment and all caches; runs/ stays
	rm -rf $(VENV) site build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .benchmarks .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
