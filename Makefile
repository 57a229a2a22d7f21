# Every target works by itself on a machine that has Python 3.11+ with venv, and make. `make help` lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=
JOBS ?= 2
export PIP_DISABLE_PIP_VERSION_CHECK := 1
MINUTES ?= 15
PIP := $(BIN)/python -m pip install --quiet

.DEFAULT_GOAL := help
.PHONY: help demo test lint bench prove defects lock clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' Makefile

demo: $(VENV)/demo.stamp ## Run the photo pipeline on sample photos and serve the review page (ARGS="--photos DIR", "--no-serve")
	@$(BIN)/penstock demo $(ARGS)

test: lint ## Check style, types and imports, then run every test
	@echo "penstock: running the tests"
	@$(BIN)/python -m pytest -q -n $(JOBS) $(ARGS)

lint: $(VENV)/dev.stamp ## Check style, types and imports only
	@echo "penstock: checking style, types and imports"
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@PENSTOCK_HOME=.mypy_cache/home $(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

bench: $(VENV)/dev.stamp ## Run the measurements in bench/, one after another
	@found=0; for file in bench/[a-z]*.py; do test -f "$$file" || continue; found=1; \
	  echo "penstock: $$file"; $(BIN)/python "$$file" || exit 1; done; \
	test $$found = 1 || echo "penstock: bench/ holds no measurement"

prove: $(VENV)/dev.stamp ## Crash, kill and cut the power for MINUTES=15, and look at what is left each time
	@$(BIN)/python -m tests.proof --minutes $(MINUTES) $(ARGS)

defects: $(VENV)/dev.stamp ## Put known defects into a copy of the program and see that its tests notice each
	@$(BIN)/python -m tests.defects $(ARGS)

lock: $(VENV)/python.stamp ## Resolve requirements/*.txt anew (ARGS=--upgrade takes newer versions)
	@$(PIP) uv
	@sh requirements/lock.sh $(BIN)/uv $(ARGS)

clean: ## Remove the virtual environment and caches (never penstock-data)
	@rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find src tests -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/python.stamp:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "penstock: $(PYTHON) is missing or older than 3.11; name a newer one: make PYTHON=python3.12 …" >&2; exit 1; }
	@echo "penstock: making $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV) || { \
	  echo "penstock: no virtual environment could be made; on Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	@touch $@

$(VENV)/demo.stamp: $(VENV)/python.stamp requirements/demo.txt requirements/brisque.txt pyproject.toml
	@echo "penstock: installing requirements/demo.txt into $(VENV) (the first time takes a minute or two)"
	@$(PIP) --require-hashes -r requirements/demo.txt
	@$(PIP) --require-hashes --no-deps -r requirements/brisque.txt
	@$(PIP) --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/dev.stamp: $(VENV)/python.stamp requirements/dev.txt requirements/brisque.txt requirements/axe.txt pyproject.toml
	@echo "penstock: installing requirements/dev.txt into $(VENV) (the first time takes a minute or two)"
	@$(PIP) --require-hashes -r requirements/dev.txt
	@$(PIP) --require-hashes --no-deps -r requirements/brisque.txt
	@$(PIP) --require-hashes --no-deps -r requirements/axe.txt
	@$(PIP) --no-deps --no-build-isolation -e .
	@touch $@ $(VENV)/demo.stamp
