# Tongdan 同单. Bare `make` lists what can be made; every target sets up what it needs.

BIN := .venv/bin
RUN := .venv/ready-to-run
DEV := .venv/ready-to-develop
CONSOLE := web/dist/index.html
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--no-annotate --custom-compile-command 'make lock'
LOCK := $(COMPILE) pyproject.toml --group setup \
	--no-emit-package pandas --no-emit-package pyarrow --no-emit-package numpy --no-emit-package python-dateutil

.DEFAULT_GOAL := help
.PHONY: help demo console types test check python-check console-check bench screenshots fmt lock clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' Makefile

demo: $(RUN) $(CONSOLE) ## Set up, run a day of orders and faults through the order centre, say what happened, keep serving
	@$(BIN)/tongdan demo

console: $(RUN) $(CONSOLE) ## Set up, build the console into web/dist

types: $(DEV) ## Write web/src/api/schema.d.ts anew from the API of a real service
	@$(BIN)/python tools/web.py types

test: $(DEV) $(CONSOLE) ## Set up, run every test, also those that start processes
	$(BIN)/pytest -n auto --dist worksteal -m "not server"
	$(BIN)/pytest -m server --ignore tests/e2e
	@$(BIN)/pytest tests/e2e

check: $(DEV) ## Format, lint, types, import contracts, the tests that need neither a server nor a whole day; the longest ten of all
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target python-check console-check
	$(BIN)/pytest -n auto --dist worksteal -m "not server and not world"
	@$(BIN)/python tools/longest.py

python-check: $(DEV)
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check --quiet .
	$(BIN)/lint-imports --no-logo
	$(BIN)/mypy

console-check: $(DEV)
	$(BIN)/python tools/web.py check

bench: $(DEV) ## Measure intake, a burst, whole lives, verify, growth beside references (an hour); figures: build/bench/*.json
	@$(BIN)/python -m bench

screenshots: $(DEV) $(CONSOLE) ## Take docs/images/*.png anew, of every page of the console, in front of a demo (Chromium)
	@$(BIN)/python -m tools.screenshots

fmt: $(DEV) ## Format and mend what ruff can mend
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: $(DEV) ## Resolve the dependencies anew into requirements*.lock
	$(BIN)/pip install --quiet 'uv>=0.5'
	$(LOCK) --upgrade --extra world --output-file requirements.lock
	$(LOCK) --upgrade --all-extras --constraint requirements.lock --output-file requirements-dev.lock
	$(COMPILE) --upgrade --group node --output-file requirements-node.lock

clean: ## Remove what make has made; your data/ stays
	rm -rf .venv build dist web/dist web/node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(RUN): requirements.lock pyproject.toml tools/setup.sh
	@sh tools/setup.sh requirements.lock
	@touch $@

$(DEV): requirements-dev.lock pyproject.toml tools/setup.sh
	@sh tools/setup.sh requirements-dev.lock
	@touch $@ $(RUN)

$(CONSOLE): $(shell find web/src web/public web/*.json web/*.html web/*.ts) | $(RUN)
	@$(BIN)/python tools/web.py build
