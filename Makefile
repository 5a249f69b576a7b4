# Every target does its own set-up: the virtual environment, then the packages of a lock file, each once, and again
# when the lock changes. PYTHON=... chooses the interpreter, ARGS=... is handed on to the program that a target runs.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
SHELL := /bin/sh

VENV := .venv
BIN := $(VENV)/bin
INTERPRETER := $(BIN)/python
RUNTIME := $(VENV)/.installed
DEV := $(VENV)/.installed-dev
BENCH := $(VENV)/.installed-bench
PIP := $(INTERPRETER) -m pip --disable-pip-version-check --no-input
PYTHON ?=
ARGS ?=
# A file is one process's, whose tests share the broker that they kill.
TOGETHER := --numprocesses 2 --dist loadfile

# Prints 1 where the interpreter suits: the locks' packages have wheels for these versions.
SUITS := import sys, venv, ensurepip; print(int((3, 11) <= sys.version_info[:2] <= (3, 14)))

.PHONY: help install demo demo-monitoring dashboard test test-long test-bench lint bench pictures kafka lock clean

help: ## print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' Makefile

install: $(RUNTIME) ## install streamgmm into .venv; the command is .venv/bin/streamgmm
	@echo "installed: $(BIN)/streamgmm"

demo: $(RUNTIME) ## real players of a game stream through the service; Ctrl-C ends it (ARGS="--seconds 40")
	@$(BIN)/streamgmm demo $(ARGS)

demo-monitoring: $(RUNTIME) ## the demo with a Prometheus beside it (Debian's package), its alert rules loaded
	@$(INTERPRETER) config/prometheus/demo.py $(ARGS)

dashboard: $(RUNTIME) ## write Grafana's dashboard anew from the metrics
	@$(INTERPRETER) config/grafana/make_dashboard.py

test: $(DEV) ## every test but the long ones, those on a real Kafka included (ARGS="-k name")
	$(INTERPRETER) -m pytest -m "not long" $(TOGETHER) $(ARGS)

test-long: $(DEV) ## the long tests: many crashes, many mutations, properties on many examples
	$(INTERPRETER) -m pytest -m "long and not measuring" $(TOGETHER) $(ARGS)
	HYPOTHESIS_PROFILE=many $(INTERPRETER) -m pytest -m "not long" $(TOGETHER) tests/records tests/mixture tests/engine tests/drift

test-bench: $(BENCH) ## that every benchmark runs to its end, quickly, one after the other
	$(INTERPRETER) -m pytest -m measuring $(ARGS)

lint: $(DEV) ## formatting, lint, types
	$(INTERPRETER) -m ruff format --check .
	$(INTERPRETER) -m ruff check .
	$(INTERPRETER) -m mypy

bench: $(BENCH) ## every benchmark, one after the other (ARGS="--quick")
	@for file in benchmarks/[a-z]*.py; do \
		echo "== $$file"; $(INTERPRETER) "$$file" $(ARGS) || exit 1; \
	done

pictures: $(DEV) ## the README's pictures, into docs/pictures (ARGS="soft stream" draws these alone)
	@$(INTERPRETER) -m docs.gallery $(ARGS)

kafka: $(DEV) ## a real Kafka in the foreground; prints its address; Ctrl-C ends it
	@$(INTERPRETER) -m tests.kafka.server $(ARGS)

lock: $(INTERPRETER) ## write the lock files anew from pyproject.toml
	@$(PIP) install -q "pip-tools>=7.4"
	$(call compile,requirements.lock,--extra build pyproject.toml)
	$(call compile,requirements-dev.lock,--extra build --extra dev -c requirements.lock pyproject.toml)
	$(call compile,requirements-bench.lock,--extra build --extra dev --extra bench -c requirements-dev.lock pyproject.toml)
	$(call compile,benchmarks/peers/quix.lock,benchmarks/peers/quix.in)

clean: ## remove .venv and everything that was built or cached here
	rm -rf $(VENV) .cache .hypothesis .mypy_cache .pytest_cache .ruff_cache dist
	find streamgmm tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

$(RUNTIME): $(INTERPRETER) requirements.lock pyproject.toml
	$(call install,requirements.lock,about half a minute)

$(DEV): $(INTERPRETER) requirements-dev.lock pyproject.toml
	$(call install,requirements-dev.lock,about a minute)
	@touch $(RUNTIME)

$(BENCH): $(INTERPRETER) requirements-bench.lock pyproject.toml
	$(call install,requirements-bench.lock,about a minute)
	@touch $(DEV) $(RUNTIME)

# Order of choice: PYTHON, python3, then the versioned names. A half-made environment is removed.
$(INTERPRETER):
	@for python in "$(PYTHON)" python3 python3.14 python3.13 python3.12 python3.11; do \
		[ "$$("$$python" -c '$(SUITS)' 2>/dev/null)" = 1 ] || continue; \
		echo "creating $(VENV) with $$("$$python" --version)"; \
		"$$python" -m venv --clear $(VENV) || { rm -rf $(VENV); exit 1; }; \
		exit 0; \
	done; \
	echo "streamgmm needs Python 3.11 to 3.14 with its venv and ensurepip modules, and found:" >&2; \
	echo "  python3: $$(python3 --version 2>&1 | head -n 1)" >&2; \
	echo "Install one (Debian, Ubuntu: apt install python3 python3-venv), or name one: make PYTHON=/path/to/python3.12" >&2; \
	exit 1

# $(call install,lock file,how long it takes)
define install
@echo "installing $(1) ($(2), once)"
@$(PIP) install -q --progress-bar off --require-hashes -r $(1)
@$(PIP) install -q --progress-bar off --no-deps --no-build-isolation --no-index -e .
@touch $@
endef

# $(call compile,lock file,options and what it is made from)
define compile
$(INTERPRETER) -m piptools compile -q --generate-hashes --no-emit-index-url --no-emit-find-links --no-emit-trusted-host \
	--strip-extras --no-header --allow-unsafe -o $(1) $(2)
endef
