# The developer's menu: `make help`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
JOBS := $(shell $(PYTHON) -c 'import os; print(min(2, os.cpu_count()))')
# one process more than there are cores: tests wait, too
TESTERS := $(shell $(PYTHON) -c 'import os; print(min(4, os.cpu_count() + 1))')
unexport PYTHONDONTWRITEBYTECODE  # with it, every process of the tests compiles all sources again
export NO_MKDOCS_2_WARNING := 1  # mkdocs-material's announcement, which is no warning of the build

.DEFAULT_GOAL := help
.PHONY: help venv demo test test-cluster kills check bench docs format clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/\1|\2/' | awk -F'|' '{printf "  make %-12s %s\n", $$1, $$2}'

venv: $(STAMP)  ## create .venv and install toonlab with everything that developing needs

$(STAMP): pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	touch $(STAMP)

demo: venv  ## train and compare every method, a few minutes on two CPU cores
	$(BIN)/toonlab compare experiments/demo.yaml --jobs $(JOBS)

test: venv  ## run the tests
	$(BIN)/python -m pytest -n $(TESTERS) --dist loadfile --no-loadscope-reorder

test-cluster: venv  ## run the tests of studies on Dask workers, about fifteen minutes
	$(BIN)/python -m pytest -vv --no-header -m cluster tests/cluster

kills: venv  ## kill commands while they write and report in docs/kills.md, a quarter of an hour (TOONLAB_KILLS=100)
	$(BIN)/python -m pytest -v --no-header -s -m kills tests/robustness

check: venv  ## ruff, mypy --strict, import-linter, codespell, the docs
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy toolkit plugins
	$(BIN)/lint-imports
	$(BIN)/codespell --dictionary - --dictionary docs/codespell.txt README.md CHANGELOG.md docs toolkit plugins baselines experiments
	$(BIN)/mkdocs build --strict --quiet

bench: venv  ## run the benchmarks; results go to benchmarks/results
	@for script in benchmarks/[!_]*.py; do $(BIN)/python $$script || exit 1; done

docs: venv  ## serve the documentation
	$(BIN)/mkdocs serve

format: venv  ## format and mend what ruff can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:  ## delete caches and builds, not runs
	rm -rf dist build site .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
