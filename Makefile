# Everything starts here: `make` makes its own environment (.venv) from a Python >= 3.11 and needs nothing else.
# ARGS goes to the program behind a target:  make test ARGS="tests/embedded -k valkey"

.DEFAULT_GOAL := help
SHELL := /bin/sh
VENV := .venv
RUN := $(VENV)/bin/
STAMP := $(VENV)/.synced
ARGS ?=
# Most tests wait for servers more than they compute, so several run at once, each process with servers of its own.
# A file's tests stay in one process. JOBS=0 runs them all in this one, as a debugger wants it.
JOBS ?= 3
JOBS_KAFKA ?= 2
export PYTHON

.PHONY: help setup native demo test test-kafka test-slow soak check lint types layers sizes format clean simulate mutations

help:  ## Show the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  %-12s %s\n", $$1, $$2}'

$(STAMP): pyproject.toml uv.lock scripts/bootstrap.sh
	@sh scripts/bootstrap.sh

setup: $(STAMP)  ## Make .venv with the locked versions

native: $(STAMP)  ## Build the compiled steps of worker and checkpointer; needs a C compiler and Python's headers, and nothing needs it
	METERING_NATIVE=off $(RUN)python -m metering.native.build

demo: $(STAMP)  ## Show the main job in under two minutes; KEEP=1 leaves it running
	$(RUN)metering demo $(if $(filter-out 0,$(KEEP)),--keep) $(ARGS)

test: $(STAMP)  ## Unit, property and integration tests on the embedded servers
	$(RUN)python -m pytest -m "not kafka and not slow" -n $(JOBS) --dist loadfile $(ARGS)

test-kafka: $(STAMP)  ## The tests that need Apache Kafka (Java 17 and Maven)
	@$(RUN)python scripts/fetch_kafka.py
	$(RUN)python -m pytest -m "kafka and not slow" -n $(JOBS_KAFKA) --dist loadfile $(ARGS)

test-slow: $(STAMP)  ## The long modes of tests that also have a short one
	$(RUN)python -m pytest -m slow $(ARGS)

soak: $(STAMP)  ## Random faults over a running stream on three brokers; MINUTES=60 SEED=… ARGS="--per-second 100"
	@$(RUN)python scripts/fetch_kafka.py
	$(RUN)python -m tests.faults.soak --minutes $(or $(MINUTES),10) $(if $(SEED),--seed $(SEED)) $(ARGS)

simulate: $(STAMP)  ## Random schedules of faults on the real loop and scripts: SEEDS=2000, FROM=0
	$(RUN)python -m tests.simulation --seeds $(or $(SEEDS),2000) --from $(or $(FROM),0)

mutations: $(STAMP)  ## Take each check of the protocol out, one at a time: is it missed? NAME=… for one
	$(RUN)python -m tests.mutations $(NAME)

check: lint types layers sizes  ## Lint, format, types, import layers, file sizes (-k: go on after a failure)

lint: $(STAMP)
	$(RUN)ruff check
	$(RUN)ruff format --check

types: $(STAMP)
	$(RUN)mypy

layers: $(STAMP)
	$(RUN)lint-imports

sizes: $(STAMP)
	$(RUN)python scripts/check_file_size.py

format: $(STAMP)  ## Mend what ruff can mend by itself
	$(RUN)ruff check --fix
	$(RUN)ruff format

clean:  ## Remove .venv, caches and build output
	rm -rf metering/native/*.so metering/native/built.txt
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
