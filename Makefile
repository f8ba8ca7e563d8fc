# make run: set up, make the demo consortium, run the pipeline to gated releases, print what came out.
# make test: set up, all tests. make check: format, lint, types, SQL lint, unit tests. make up: the web UI. make dbt-docs: dbt's own page.
PYTHON ?= python3
BIN := .venv/bin
HOME_FOLDER ?= data/demo
.DEFAULT_GOAL := help
.PHONY: help setup run test test-system check up dbt-docs lock clean

help:
	@sed -n '1,2s/^# //p' Makefile

setup: .venv/.installed

.venv/.installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Samandel needs Python 3.11 or newer: make PYTHON=python3.11 …"; exit 2; }
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

run: setup
	@test -f $(HOME_FOLDER)/consortium.yaml || $(BIN)/samandel init $(HOME_FOLDER) --demo
	@$(BIN)/samandel run --home $(HOME_FOLDER) || { status=$$?; [ $$status -eq 1 ] || exit $$status; }
	@$(BIN)/samandel release list --home $(HOME_FOLDER)

test: setup
	$(BIN)/python -m pytest tests -m "not system" -n 2 --dist loadgroup

test-system: setup
	$(BIN)/python -m pytest tests/system -m system --require-system

check: setup
	$(BIN)/ruff format --check pipelines tests
	$(BIN)/ruff check pipelines tests
	$(BIN)/mypy
	$(BIN)/sqlfluff lint dbt_project/models dbt_project/tests dbt_project/macros
	$(BIN)/python -m pytest tests/unit -n 2

up: setup
	$(BIN)/samandel up --home $(HOME_FOLDER)

dbt-docs: setup
	@$(BIN)/python -m pipelines.warehouse.docs_page $$(test -f $(HOME_FOLDER)/warehouse/samandel.duckdb && echo $(HOME_FOLDER))

lock:
	$(BIN)/uv pip compile pyproject.toml --group dev --universal --python-version 3.11 --no-strip-extras --no-header --no-emit-index-url --no-annotate --quiet --output-file requirements.lock

clean:
	rm -rf .venv build *.egg-info dbt_project/target dbt_project/logs
