# Every way to run this checkout; `make` alone lists them. Each target sets up .venv first, which is quick when nothing changed.

.DEFAULT_GOAL := help
.PHONY: help setup demo test postgresql long torture faults sabotage fuzz mutants lint format types contracts pins clean

# Choose another interpreter for a new .venv with: make setup PYTHON=/path/to/python3
PYTHON ?=
ARGS ?=
BIN := .venv/bin
unexport PYTHONPATH PYTHONHOME
unexport PYTHONDONTWRITEBYTECODE # three processes collect the tests: what one has compiled the others need not
PYTEST := $(BIN)/python -m pytest -n 3 --dist worksteal -m 'not long and not torture'
# The tests of what decides and proves: they alone are measured, for measuring makes every line slower.
DECIDING := $(addprefix tests/,schemas keys properties vectors broker/audit broker/routing)

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## make .venv with the pinned packages (needs only Python 3.11 or later)
	@PYTHON='$(PYTHON)' deploy/bootstrap

demo: setup ## play one alert from end to end; KEEP=1 leaves it running
	@$(BIN)/python -m examples.demo $(if $(KEEP),--keep) $(ARGS)

test: setup ## run the tests; ARGS='tests/keys -k seal' chooses, COVERAGE=1 also judges the branches covered
ifdef COVERAGE
	@failed=0; \
	$(PYTEST) $(ARGS) $(DECIDING) --cov --cov-report= --cov-fail-under=0 || failed=1; \
	$(BIN)/python deploy/check_coverage.py || failed=1; \
	$(PYTEST) $(ARGS) $(DECIDING:%=--ignore=%) || failed=1; \
	exit $$failed
else
	@$(PYTEST) $(ARGS)
endif

postgresql: setup ## run everything that has a broker in it with its database on PostgreSQL
	@$(PYTEST) --database postgresql tests/broker tests/attacks tests/integration $(ARGS)

long: setup build/interchange/installed.txt build/pdf/installed.txt ## run the tests that play whole stories: the demonstration, the pages, lost databases, killed brokers
	@$(BIN)/python -m pytest -n 3 --dist worksteal -m 'long and not torture' -o faulthandler_timeout=600 $(ARGS)

torture: setup ## let two parties and a broker live through 10,000 moves, and look after each; ARGS='--steps 2000 --seed 7'
	@$(BIN)/python -m pytest -q -m torture
	@$(BIN)/python -W error -m tests.torture $(ARGS)

faults: setup ## break the broker on purpose: 1,000 power cuts, 200 kills, 10,000 cut answers, full disks; ARGS='--cuts 100 --kills 0'
	@$(BIN)/python -m tests.faults $(ARGS)

fuzz: setup build/fuzz/installed.txt ## give strangers' bytes to every reader (atheris) and a broker (schemathesis); ARGS='--seconds 600'
	@$(BIN)/python -m tests.fuzz.parsers $(ARGS) 2> build/fuzz/atheris.log || { cat build/fuzz/atheris.log; exit 1; }
	@$(BIN)/python -m tests.fuzz $(ARGS)

mutants: setup ## change the code that decides, spot by spot: do the tests notice? ARGS=schemas/codec.py chooses
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-input --only-binary :all: --require-hashes --requirement requirements/mutants.txt
	@$(BIN)/python -m deploy.mutants $(ARGS)

bench: setup $(if $(filter taxii,$(WHAT)),build/taxii/installed.txt) ## measure what an accept costs beside its floor; ARGS=--quick; WHAT=brokers, commits, delivery, taxii, … measures that instead
	@$(BIN)/python -m bench$(if $(WHAT),.$(WHAT)) $(ARGS)

sabotage: setup ## take out each control that stops a hostile broker, and see its attack succeed; ARGS='receipt' chooses
	@$(BIN)/python -m tests.sabotage $(ARGS)

lint: setup ## ruff: rules and formatting
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check

format: setup ## let ruff repair and format
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

types: setup ## mypy --strict
	@$(BIN)/mypy

contracts: setup ## who may import whom
	@$(BIN)/lint-imports

pins: setup ## write requirements/*.txt anew, with hashes; ARGS=--upgrade takes newer versions
	@PYTHON='$(BIN)/python' deploy/pins $(ARGS)

clean: ## remove everything that the targets made
	@rm -rf bench/results.json .venv .setup.lock build dist htmlcov .coverage .coverage.* .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Tools for one purpose, in a folder of their own: what they drag in reaches nobody else.
TOOLS := $(BIN)/python -m pip install -qq --disable-pip-version-check --no-input --require-hashes --no-deps

build/%/installed.txt: requirements/%.txt | setup
	@rm -rf $(@D)
	@$(TOOLS) --only-binary :all: --target $(@D) --requirement $<
	@$(if $(wildcard requirements/$*-sources.txt),PYTHONPATH=$(@D) $(TOOLS) --no-build-isolation --target $(@D) --requirement requirements/$*-sources.txt)
	@cp $< $@
