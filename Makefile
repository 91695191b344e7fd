# chanflow: the newcomer's door. `make` alone says what there is.
# It needs Python 3.11 or newer, make and a Rust toolchain; everything else is fetched into this folder.

PYTHON ?= python3
UV_VERSION := 0.13.9
RUST_NEEDED := $(shell sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)

UV := .tools/uv/bin/uv
VENV := .venv
BIN := $(VENV)/bin
SEED ?= 42
# Three on two cores: one works while another waits for the servers that its tests started.
WORKERS ?= 3
# Tests come in another order each time, but for CI, whose red means the change it looks at.
ORDER := $(if $(CI),--randomly-seed=$(SEED))

export UV_PYTHON := $(PYTHON)
export UV_PYTHON_DOWNLOADS := never
export CHANFLOW_HOME ?= $(CURDIR)/.chanflow

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-fast conformance sdk sdk-types crash check bench fuzz fuzz-flow mutants properties schemathesis audit model up web docs certificates build lock clean toolchain

help: ## say what there is
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' Makefile | awk -F'|' '{ printf "%-18s %s\n", $$1, $$2 }'

toolchain:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "chanflow needs Python 3.11 or newer and found $$($(PYTHON) --version 2>&1): install one, or say make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
	  echo "this Python has no venv module: apt install python3-venv, then run make again" >&2; exit 1; }
	@command -v cargo >/dev/null || { \
	  echo "chanflow compiles its core and found no cargo: install the Rust toolchain (rustup), then run make again" >&2; exit 1; }
	@found=$$(cargo --version | cut -d' ' -f2); \
	  [ "$$(printf '%s\n' "$(RUST_NEEDED)" "$$found" | sort -V | head -n 1)" = "$(RUST_NEEDED)" ] || { \
	  echo "chanflow needs Rust $(RUST_NEEDED) or newer and found $$found: run rustup update, then make again" >&2; exit 1; }

$(UV): | toolchain
	@echo "fetching uv $(UV_VERSION)"
	@$(PYTHON) -m venv .tools/uv
	@.tools/uv/bin/pip --quiet --disable-pip-version-check install "uv==$(UV_VERSION)"

RUST_SOURCES := $(shell find crates -name '*.rs' -o -name Cargo.toml -o -name '*.pyi')

$(VENV)/.stamp: uv.lock pyproject.toml crates/python/pyproject.toml Cargo.toml Cargo.lock $(RUST_SOURCES) | toolchain $(UV)
	@echo "installing (the first time compiles the core: a minute or two)"
	@$(UV) sync --frozen --quiet
	@$(BIN)/python -m compileall -q src
	@touch $@

setup: $(VENV)/.stamp ## install everything into this folder

demo: setup ## one simulated trading day, start to report (SEED=42)
	@$(BIN)/chanflow demo --seed $(SEED)

up: setup ## the desk on the synthetic market in real time, with REST and MCP on port 8000
	@$(BIN)/chanflow up

test: setup ## every test but the killing ones
	@cargo test --quiet --locked
	@$(BIN)/python -m pytest -n $(WORKERS) $(ORDER) -m "not crash or not slow"

crash: setup ## a sample of the kill matrix: the order path killed at each of its points (all of it: docs/kill-matrix.md)
	@$(BIN)/python -m pytest -n 2 $(ORDER) -m "crash and slow"

conformance: setup ## the MCP protocol's own test suite, both revisions, and its inspector against the MCP door
	@$(UV) sync --frozen --quiet --inexact --group conformance
	@$(BIN)/python -W ignore tests/conformance/run.py

test-fast: setup ## the tests to run all day
	@$(BIN)/python -m pytest -n $(WORKERS) -m "not slow and not server and not browser and not crash"

check: setup ## lint, types, import contract, determinism, licences, locks
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/python scripts/check_determinism.py
	@$(BIN)/python scripts/check_licences.py
	@$(BIN)/python scripts/check_locks.py
	@cargo fmt --check
	@cargo fmt --check --package chanflow-native
	@cargo clippy --quiet --locked --workspace --all-targets -- -D warnings

bench: setup ## measure speed; figures go to benchmarks/README.md (ONLY="gateway push": those alone)
	@$(BIN)/python benchmarks/page.py $(ONLY)

fuzz: setup ## hostile input against the Chan engine and its plain reference, for a minute (SECONDS=60)
	@$(BIN)/python scripts/fuzz_chan.py --seconds $(or $(SECONDS),60)

fuzz-flow: setup ## broken streams against the order-flow engine and its plain reference (CASES=10000)
	@$(BIN)/python scripts/fuzz_flow.py --cases $(or $(CASES),10000)

mutants: setup ## spoil the risk room one way at a time and see whether its tests notice (ONLY=ladder.py, WRITE=1)
	@$(BIN)/python scripts/mutation_risk.py --only "$(ONLY)" $(if $(WRITE),--write)

properties: setup ## the invariants of the risk room, 10,000 cases of each, and 100,000 scrambled drafts
	@$(BIN)/python -m pytest --hypothesis-profile=deep -p no:randomly tests/property/risk/test_gate_invariants.py tests/property/risk/test_risk_states.py tests/unit/runtime/test_asked_analyst.py

schemathesis: setup ## calls made of the API description, good and bad, against a served desk (EXAMPLES=100 of each)
	@CHANFLOW_SCHEMA_EXAMPLES=$(or $(EXAMPLES),100) $(BIN)/python -m pytest --timeout=3600 tests/integration/doors/test_openapi_hostile.py

# bandit: what it says of SQL, YAML and URLs is judged line by line by ruff, which has the same rules.
audit: setup ## bandit, a scan for secrets, and known faults of what we install (fetches its tools)
	@$(UV) run --quiet --no-project --with 'bandit>=1.9,<2' bandit -q -r src -ll -s B310,B506,B608
	@git ls-files src scripts docs crates sdk | grep -v -e lock -e '/data/' | xargs $(UV) run --quiet --no-project --with 'detect-secrets>=1.5,<2' \
	  detect-secrets-hook --disable-plugin KeywordDetector --disable-plugin BasicAuthDetector --disable-plugin HexHighEntropyString
	@$(UV) export --quiet --frozen --no-hashes --no-emit-workspace > .tools/installed.txt
	@curl --silent --fail --max-time 10 --output /dev/null https://api.osv.dev/ || { \
	  echo "SKIPPED: pip-audit, as the list of known faults cannot be reached" >&2; exit 0; } && \
	  $(UV) run --quiet --no-project --with 'pip-audit>=2.9,<3' pip-audit --requirement .tools/installed.txt --no-deps --disable-pip --vulnerability-service osv

model: setup ## walk every transition of ladder, loss wall, halt and mode
	@$(BIN)/python scripts/model_check_risk.py

web: ## build the dashboard
	@echo "there is no dashboard yet: the desk is read at the command line, over REST and over MCP"

sdk: setup ## the TypeScript client: its types against a running desk, its tests (needs Node 20.10 or newer)
	@if node -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 20 || (a == 20 && b >= 10) ? 0 : 1)' 2>/dev/null; then \
	  cd sdk/typescript && npm ci --silent --no-audit --no-fund && npx --no-install tsc --noEmit && npx --no-install vitest run; \
	else \
	  echo "SKIPPED: the TypeScript client was not tested, as there is no Node 20.10 or newer here" >&2; fi

sdk-types: setup ## write what both clients are made of, after a change of the catalogue
	@$(BIN)/python scripts/write_client.py
	@if command -v node >/dev/null && [ -d sdk/typescript/node_modules ]; then \
	  $(BIN)/python scripts/write_client.py --openapi | (cd sdk/typescript && npm run --silent types); \
	else \
	  echo "SKIPPED: sdk/typescript/src/openapi.ts, as there is no node or no npm ci was run in sdk/typescript" >&2; fi

certificates: setup ## measure Chan points on the recorded bars and write docs/certificate.md (two minutes)
	@$(BIN)/python scripts/write_certificates.py

docs: setup ## check that the pages link to what exists
	@$(BIN)/python scripts/check_docs.py

build: setup ## wheels of both distributions, in dist/
	@$(UV) build --quiet --all-packages --out-dir dist

lock: toolchain $(UV) ## resolve dependencies anew
	@$(UV) lock
	@cargo update --workspace

clean: ## remove what make made
	rm -rf .venv .tools target dist build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
SHELL := /bin/bash
