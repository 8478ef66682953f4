# Kittiwake. `make help` lists the targets. Everything builds the virtual environments it needs by itself.

PYTHON ?= python3
VENV   ?= .venv
PEERS  ?= .venv-peers
SEQ    ?= startup
# More arguments: make test TESTS=tests/system ARGS="-x -k gds"; make run ARGS="--port 8190"
TESTS  ?= tests
ARGS   ?=
# Tests run on so many workers; those in real time share one of them (tests/conftest.py). 0 runs all in one process.
JOBS   ?= 2
MINUTES ?= 30
SOAK    ?= deployments
FUZZ_EXAMPLES ?= 20000
FUZZ_COUNT    ?= 1000000
CFDP_SEEDS    ?= 1000
SEEDS         ?= 1000
SIMULATED     ?= reference station building proves hive

BIN     := $(VENV)/bin
DEV     := $(VENV)/.installed
PEERED  := $(PEERS)/.installed
export KITTIWAKE_PEERS ?= $(abspath $(PEERS))
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test check format bench soak fuzz campaign sim-campaign sequence docs clean venv peers browser

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 22

run: $(DEV) ## start the reference deployment and the ground station with its dashboard
	$(BIN)/kittiwake up topologies/reference.yaml --procedures procedures $(ARGS)

test: check $(PEERED) browser ## check, then test everything, with the peers and a browser
	$(BIN)/python -m pytest -n $(JOBS) --dist loadgroup --no-loadscope-reorder $(TESTS) $(ARGS)

check: $(DEV) ## lint, format, types, layers
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(DEV) ## put imports and code into the house's form
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: $(DEV) $(PEERED) ## measure the budgets
	$(BIN)/python -m bench

soak: $(DEV) browser ## ten deployments on one ground for MINUTES=30 (SOAK=channels: 1,000 at 10 Hz): flat memory, no loss
	$(BIN)/python -m tests.soak $(SOAK) --minutes $(MINUTES)

fuzz: $(DEV) ## the property tests with 20000 examples each, the decoders with a million seeded inputs
	HYPOTHESIS_PROFILE=fuzz KITTIWAKE_FUZZ_EXAMPLES=$(FUZZ_EXAMPLES) KITTIWAKE_FUZZ_COUNT=$(FUZZ_COUNT) $(BIN)/python -m pytest --timeout=0 --ignore=tests/system $(TESTS) $(ARGS)

campaign: $(DEV) $(PEERED) ## CFDP over links that lose 0 to 40 %, double and reorder, with 1000 seeds for each
	KITTIWAKE_CFDP_SEEDS=$(CFDP_SEEDS) $(BIN)/python -m pytest -q tests/framework/cfdp tests/components/transfer_service $(ARGS)

sim-campaign: $(DEV) ## simulated missions of 15 min with faults: SEEDS=1000 for each of SIMULATED="reference station ..."
	@status=0; for topology in $(SIMULATED); do \
		$(BIN)/kittiwake sim topologies/$$topology.yaml --seeds $(SEEDS) $(ARGS) || status=1; \
	done; exit $$status

sequence: $(DEV) ## compile sequences/$(SEQ).seq for the reference deployment (SEQ=startup)
	@$(BIN)/kittiwake seq compile sequences/$(SEQ).seq --topology topologies/reference.yaml -o build/$(SEQ).bin
	@echo "Bring it to a running deployment: $(BIN)/kittiwake ground upload build/$(SEQ).bin /$(SEQ).bin"

docs: $(DEV) ## write the reference pages from the declarations
	$(BIN)/python -m docs

clean: ## remove what was built, the virtual environments too
	rm -rf $(VENV) $(PEERS) build dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis .coverage htmlcov
	find framework components ground tests bench docs -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

venv: $(DEV) ## build the virtual environment for development
peers: $(PEERED) ## build the virtual environment of the peers (fprime-gds and its like)

# The dashboard's tests click through it in Chromium, those of completion ask zsh and fish, those of MQTT start
# Mosquitto (which Debian also runs as a service of loopback, where there is systemd); without them they are skipped.
browser: ## install Chromium, its driver, zsh, fish and Mosquitto for the tests, where apt-get can
	@PATH="$$PATH:/usr/sbin"; for program in chromium chromedriver zsh fish mosquitto; do command -v $$program >/dev/null || missing=yes; done; \
	if [ -z "$$missing" ]; then exit 0; fi; \
	if [ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then \
		echo "Tests of the dashboard, of completion and of MQTT will be skipped. Install chromium, chromium-driver, zsh, fish and mosquitto for them."; \
	else \
		apt-get update -qq && \
		DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium chromium-driver zsh fish mosquitto >/dev/null || \
		echo "Chromium, zsh, fish or Mosquitto could not be installed: their tests will be skipped."; \
	fi

# pip 23 cannot resolve the peers and knows no dependency groups, hence the first upgrade. The stamp comes last.
$(DEV): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Kittiwake needs Python 3.11 or newer: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet --editable ".[dev]"
	@touch $@

$(PEERED): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Kittiwake needs Python 3.11 or newer: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(PEERS)
	$(PEERS)/bin/python -m pip install --quiet --upgrade "pip>=25.1"
	$(PEERS)/bin/python -m pip install --quiet --group peers
	@touch $@
