# `make bench` is all a user needs; `make help` lists the rest.
.DEFAULT_GOAL := help
.PHONY: help bench baseline serve test lint types layers unit test-docker bench-standin benchmarks setup lean lock clean faults fuzz mutation audit

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
LEAN_VENV := .venv-lean
WITH_DOCKER = $(BIN)/python scripts/with_docker.py
QUICK ?=
ENGINE ?=
ARGS ?=
PYTEST_ARGS ?= -n auto
# pip compiles what it installs, but not a folder that is installed in place: where PYTHONDONTWRITEBYTECODE is set, as in
# many containers, every run would compile the engine anew (0.2 s).
COMPILE = $(BIN)/python -m compileall -q harness || true

HARNESS_ARGS := $(if $(filter-out 0,$(QUICK)),--quick) $(if $(ENGINE),--engine $(ENGINE)) $(ARGS)

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo "  QUICK=1 takes the small scenario, ENGINE=launcher another engine, ARGS='--pairs 8' any option."

bench: $(VENV)/.base ## Measure baseline and candidate, prove parity, give the verdict
	$(BIN)/harness bench $(HARNESS_ARGS)

baseline: $(VENV)/.base ## Store the baseline that later runs are held against
	$(BIN)/harness baseline $(HARNESS_ARGS)

serve: $(VENV)/.dev ## Serve the page over the latest session at http://127.0.0.1:8765
	$(BIN)/harness serve $(ARGS)

test: lint types layers unit ## Lint, types, dependency direction and the whole test suite

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.dev
	$(BIN)/mypy --strict harness

layers: $(VENV)/.dev
	$(BIN)/lint-imports

unit: $(VENV)/.dev
	$(BIN)/pytest $(PYTEST_ARGS)

test-docker: $(VENV)/.dev $(LEAN_VENV)/.done ## The lean command and a real Docker engine, with a stand-in for Lean's image
	@$(WITH_DOCKER) $(BIN)/pytest tests/docker -m docker; code=$$?; if [ $$code -eq 75 ]; then \
	  echo "!! test-docker: NOT RUN, there is no Docker engine here and none could be started (reason above) !!"; \
	  exit 0; fi; exit $$code

bench-standin: $(VENV)/.dev $(LEAN_VENV)/.done ## `make bench ENGINE=lean` in Docker with the stand-in image
	@test -f lean.json || $(BIN)/harness init
	$(WITH_DOCKER) $(MAKE) --no-print-directory bench ENGINE=lean

lean: $(LEAN_VENV)/.done ## Install the lean command in an environment of its own

benchmarks: $(VENV)/.dev ## Measure the harness itself (minutes)
	@set -e; for script in benchmarks/bench_*.py benchmarks/sim_*.py; do echo "== $$script"; $(BIN)/python $$script; done

faults: $(VENV)/.dev ## Disturb every file operation and hold the promise of docs/reliability.md (a quarter of an hour on an idle core)
	$(BIN)/python scripts/faults.py

fuzz: $(VENV)/.dev ## A million inputs to every reader; coverage-guided where atheris installs
	@$(BIN)/python -c 'import atheris' 2>/dev/null || $(BIN)/python -m pip install --quiet --disable-pip-version-check atheris || true
	$(BIN)/python scripts/fuzz.py

mutation: $(VENV)/.dev ## Mutation score of parity, statistics, verdict and results (hours; ARGS='--sample 300' minutes)
	@$(BIN)/python -c 'import importlib.util as u; raise SystemExit(not u.find_spec("mutmut"))' || $(BIN)/python -m pip install --quiet --disable-pip-version-check 'mutmut>=3.8,<4'
	$(BIN)/python scripts/mutation.py $(ARGS)

audit: $(VENV)/.dev ## Known mistakes in the code (bandit) and known holes in the locked packages (pip-audit)
	@$(BIN)/python -c 'import importlib.util as u; raise SystemExit(not (u.find_spec("bandit") and u.find_spec("pip_audit")))' || $(BIN)/python -m pip install --quiet --disable-pip-version-check bandit pip-audit
	$(BIN)/python scripts/audit.py $(ARGS)

setup: $(VENV)/.dev ## Install everything that development needs

lock: $(VENV)/.dev ## Pin the versions that are installed now
	$(BIN)/python requirements/freeze.py

clean: ## Remove the environment, caches and synthetic data; sessions and baselines stay
	rm -rf $(VENV) .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis data
	find . -name __pycache__ -type d -not -path './$(VENV)/*' -prune -exec rm -rf {} +

$(VENV)/bin/python:
	@command -v $(PYTHON) >/dev/null || { echo "make: $(PYTHON) not found: install Python 3.11 or newer, or give PYTHON=/path/to/python3" >&2; exit 2; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "make: $(PYTHON) is older than 3.11: give PYTHON=/path/to/python3.11" >&2; exit 2; }
	$(PYTHON) -m venv $(VENV) || { echo "make: cannot make a virtual environment; on Debian: apt install python3-venv" >&2; rm -rf $(VENV); exit 2; }

# Locked versions first; where one of them is not to be had (another platform), what pyproject.toml allows.
$(VENV)/.base: pyproject.toml requirements/base.lock | $(VENV)/bin/python
	$(BIN)/python -m pip install --disable-pip-version-check -c requirements/base.lock -e . \
	  || { echo "make: the locked versions cannot be installed here, trying those that pyproject.toml allows" >&2; \
	       $(BIN)/python -m pip install --disable-pip-version-check -e .; }
	@$(COMPILE)
	@touch $@

$(VENV)/.dev: pyproject.toml requirements/dev.lock | $(VENV)/bin/python
	$(BIN)/python -m pip install --disable-pip-version-check -c requirements/dev.lock -e '.[dev,report,sweep,server,fast,jit,docker]' \
	  || { echo "make: the locked versions cannot be installed here, trying those that pyproject.toml allows" >&2; \
	       $(BIN)/python -m pip install --disable-pip-version-check -e '.[dev,report,sweep,server,fast,jit,docker]'; }
	@$(COMPILE)
	@touch $(VENV)/.base $@

$(LEAN_VENV)/.done: requirements/lean.txt requirements/lean.lock
	test -x $(LEAN_VENV)/bin/python || $(PYTHON) -m venv $(LEAN_VENV)
	$(LEAN_VENV)/bin/python -m pip install --disable-pip-version-check -c requirements/lean.lock -r requirements/lean.txt \
	  || { echo "make: the locked versions cannot be installed here, trying the latest that fit" >&2; \
	       $(LEAN_VENV)/bin/python -m pip install --disable-pip-version-check -r requirements/lean.txt; }
	@touch $@
