# {{name}}. `make help` lists the targets. The virtual environment is built when it is first needed.

PYTHON    ?= python3
VENV      ?= .venv
# Where Kittiwake comes from, as pip has it behind the package's name: `==VERSION`, or `@ URL`.
KITTIWAKE ?= {{source}}
TOPOLOGY  ?= topologies/{{module}}.yaml
ARGS      ?=

BIN := $(VENV)/bin
DEV := $(VENV)/.installed
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run ground test check format build sequence venv clean

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

run: $(DEV) ## start the deployment; its events appear here
	$(BIN)/kittiwake run $(TOPOLOGY) $(ARGS)

ground: $(DEV) ## start the deployment and the ground station with its dashboard
	$(BIN)/kittiwake up $(TOPOLOGY) $(ARGS)

test: check ## check, then test everything
	$(BIN)/python -m pytest $(ARGS)

check: $(DEV) ## lint, format, types, topologies, sequences
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/kittiwake check topologies/*.yaml
	$(BIN)/kittiwake seq check sequences/*.seq --topology $(TOPOLOGY)

format: $(DEV) ## put imports and code into form
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

build: $(DEV) ## compile the deployment to build/: the image for the device, the dictionary for the ground
	$(BIN)/kittiwake build $(TOPOLOGY)

sequence: $(DEV) ## compile sequences/startup.seq to build/startup.bin
	$(BIN)/kittiwake seq compile sequences/startup.seq --topology $(TOPOLOGY) -o build/startup.bin

venv: $(DEV) ## build the virtual environment

clean: ## remove what was built, the virtual environment too
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamp comes last, so that a broken installation is begun anew.
$(DEV): pyproject.toml Makefile
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet "kittiwake[ground,testing] $(KITTIWAKE)" --editable ".[dev]"
	@touch $@
