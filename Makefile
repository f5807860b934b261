# Every verb does all of its own set-up: only Python 3.11 or later, make and the package registries are needed.
VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo $$p && break; done)
# Where the system's certificates differ from the ones uv brings along (company networks), the second try uses them.
SYNC = sync() { UV_PROJECT_ENVIRONMENT=$(VENV) $(BIN)/uv sync --quiet --locked --inexact --python $(BIN)/python "$$@"; }; \
	sync --extra $(1) 2>$(VENV)/.uv.log || UV_NATIVE_TLS=1 UV_SYSTEM_CERTS=1 sync --extra $(1)
# COVERAGE=1 records which lines the tests run; `make coverage` then checks the floors.
PYTEST = $(BIN)/python -m pytest -q --dist worksteal $(if $(COVERAGE),--cov --cov-append --cov-report=)
# Levels 0 to 2, the fair queue, and the emulator's rules: every branch is tested.
PURE_MODULES := errors.py text.py config.py masking.py models/* protocol/* uploads/plan.py uploads/ledger.py uploads/progress.py \
    uploads/received.py uploads/content.py uploads/target.py uploads/adaptive.py uploads/adaptation.py \
    rate_limit/fair_queue.py rate_limit/token_bucket.py rate_limit/headers.py rate_limit/pace.py rate_limit/window.py rate_limit/shared_window.py
RULES_MODULES := rules/* analytics/*.py quirks/catalogue.py quirks/quirk_set.py quirks/*_rules.py state/items.py state/records.py state/video.py state/webhook.py
comma := ,
joined = $(subst $() ,$(comma),$(addprefix $(1),$(2)))
PURE := $(call joined,apivideo_async/,$(PURE_MODULES))
RULES := $(call joined,apivideo_async/emulator/,$(RULES_MODULES))
FILE ?=
ARGS ?=
AZURITE := 3.37.0
export QUICK
# The tests start hundreds of processes. Without compiled modules, each of them would compile the whole package again.
unexport PYTHONDONTWRITEBYTECODE
export PYTHONPYCACHEPREFIX := $(CURDIR)/$(VENV)/pycache

.PHONY: help demo test slow lowest coverage lint stubs conformance types bench docs pictures package clean browser postgres pgbouncer proxies azurite promtool

help:  ## this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## */\1\t/' | expand -t 10

$(BIN)/uv:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or later is needed: install it, or make PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check 'uv>=0.5'

$(VENV)/.demo: $(BIN)/uv pyproject.toml uv.lock
	@$(call SYNC,demo)
	@touch $@

$(VENV)/.dev: $(BIN)/uv pyproject.toml uv.lock
	@$(call SYNC,dev)
	@touch $@ $(VENV)/.demo

demo: $(VENV)/.demo  ## upload a real video to a local api.video (FILE=movie.mp4 for one of yours, ARGS=--keep to watch it)
	@$(BIN)/apivideo demo $(ARGS) $(if $(FILE),"$(FILE)")

# Half of the time of these tests is waiting, so more processes than cores are quicker.
test: $(VENV)/.dev postgres pgbouncer proxies promtool  ## the tests that take minutes at most
	$(PYTEST) -n 4 -m "not slow"

slow: $(VENV)/.dev browser postgres pgbouncer proxies promtool azurite lowest  ## the other tests: every fault everywhere, gigabytes, killed processes, a browser, other clients
	$(PYTEST) -n 4 -m "slow or hypothesis" --hypothesis-profile=thorough

# The lowest versions that pyproject.toml allows, in an environment of its own with the newest test tools.
LOWEST := $(VENV)/lowest
EXTRAS := cli demo distributed emulator metrics objects otel speedups watch
TOOLS := hypothesis litestar moto[server] psutil pytest pytest-asyncio pytest-cov pytest-timeout pytest-xdist starlette trustme werkzeug
UV_LOWEST = uv() { $(BIN)/uv --quiet "$$@" 2>$(VENV)/.uv.log || UV_NATIVE_TLS=1 UV_SYSTEM_CERTS=1 $(BIN)/uv --quiet "$$@"; }

$(LOWEST)/.done: $(BIN)/uv pyproject.toml
	@rm -rf $(LOWEST) && mkdir -p $(LOWEST)
	@$(UV_LOWEST); uv venv --clear --python $(BIN)/python $(LOWEST) && \
	  uv pip compile --no-deps --resolution lowest-direct --python $(BIN)/python $(EXTRAS:%=--extra %) pyproject.toml \
	    --output-file $(LOWEST)/versions.txt && \
	  uv pip install --python $(LOWEST)/bin/python --constraint $(LOWEST)/versions.txt \
	    --editable '.[$(subst $() ,$(comma),$(EXTRAS))]' $(TOOLS)
	@touch $@

lowest: $(LOWEST)/.done postgres proxies  ## a representative part of the tests on the lowest versions of all dependencies
	$(LOWEST)/bin/python -m pytest -q -n logical --maxprocesses 4 -m "not slow and not hypothesis" \
	  tests/client tests/emulator/test_operations.py tests/emulator/test_uploads.py tests/ingest tests/distributed/test_queue.py \
	  tests/cli/test_sections.py tests/unit/test_models.py tests/unit/test_error_transfer.py

coverage: $(VENV)/.dev  ## the coverage floors, after `make test COVERAGE=1`
	@$(BIN)/coverage combine -q --append 2>/dev/null || true
	@$(BIN)/coverage report --fail-under=100 --include='$(PURE)'
	@$(BIN)/coverage report --fail-under=100 --include='$(RULES)'
	@$(BIN)/coverage report --fail-under=95

# The browser test needs Chromium; where it cannot be installed, that one test is skipped and says so.
browser:
	@command -v chromium chromium-browser google-chrome >/dev/null 2>&1 || { \
	  command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ] && \
	  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium; } >/dev/null 2>&1; } || true

# Where PostgreSQL cannot be installed, the tests that need it are skipped, benchmarks are not measured, and say so.
postgres:
	@ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || { \
	  command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ] && \
	  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq postgresql; } >/dev/null 2>&1; } || true

# Where pgbouncer cannot be installed, the test with it is skipped and says so.
pgbouncer:
	@command -v pgbouncer /usr/sbin/pgbouncer >/dev/null 2>&1 || { \
	  command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ] && \
	  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq pgbouncer; } >/dev/null 2>&1; } || true

# Where tinyproxy cannot be installed, the tests with a real proxy are skipped and say so.
proxies:
	@command -v tinyproxy >/dev/null 2>&1 || { \
	  command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ] && \
	  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq tinyproxy; } >/dev/null 2>&1; } || true

# promtool checks the metrics; where Debian's package prometheus cannot be installed, its test is skipped and says so.
promtool:
	@command -v promtool >/dev/null 2>&1 || { \
	  command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ] && \
	  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends prometheus; } >/dev/null 2>&1; } || true

# Azurite serves Azure Blob Storage; where npm is missing or fails, the tests of az:// are skipped and say so.
azurite:
	@test -x $(VENV)/node/node_modules/.bin/azurite-blob || { mkdir -p $(VENV)/node && \
	  npm install --silent --no-audit --no-fund --prefix $(VENV)/node azurite@$(AZURITE) >$(VENV)/.npm.log 2>&1; } || \
	  echo "azurite is not installed (see $(VENV)/.npm.log): the tests of az:// will be skipped" >&2

lint: $(VENV)/.dev  ## style
	$(BIN)/ruff format --check .
	$(BIN)/ruff check --output-format concise .

stubs:  ## the types of with_raw_response, after a change of the resources
	$(PYTHON) tests/typing/raw_types.py

conformance: $(VENV)/.dev  ## docs/conformance.md, after a change of the assumptions or of the quirks
	$(BIN)/python -m tests.unit.conformance_page

types: $(VENV)/.dev  ## mypy strict on the package, the examples and the typing test; every public name has a type
	$(BIN)/mypy
	$(BIN)/mypy examples
	$(BIN)/mypy tests/typing
	$(BIN)/mypy docs/_site/commands.py docs/_site/docstrings.py docs/_site/hooks.py docs/_site/repository.py
	PATH="$(CURDIR)/$(BIN):$$PATH" basedpyright --verifytypes apivideo_async --ignoreexternal >$(VENV)/.types.log || \
	  { cat $(VENV)/.types.log; exit 1; }

$(VENV)/.bench: $(BIN)/uv pyproject.toml uv.lock
	@$(call SYNC,bench)
	@touch $@

bench: $(VENV)/.bench postgres  ## measure every goal beside curl and the official clients (QUICK=1: only see that it works)
	$(BIN)/python benchmarks/all.py

$(VENV)/.docs: $(BIN)/uv pyproject.toml uv.lock
	@$(call SYNC,docs)
	@touch $@

# The variable turns off an advertisement of the theme. Nothing is fetched from the network.
docs: $(VENV)/.docs  ## the documentation, in site/index.html; broken links and anchors are errors
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build >$(VENV)/.docs.log 2>&1 || { cat $(VENV)/.docs.log >&2; exit 1; }
	@echo "site/index.html"

pictures: $(VENV)/.dev browser  ## the pictures of README and docs, after a change of a page or of the command line
	$(BIN)/python docs/_site/pictures.py

# The tests run on the installed wheel: they are copied to a folder from which the sources cannot be imported.
PACKAGE := $(VENV)/package
PACKAGE_TESTS := $(wildcard tests/*.py) tests/unit/test_version.py tests/client/conftest.py \
    tests/client/test_uploads.py tests/client/test_pytest_plugin.py tests/emulator/conftest.py tests/emulator/test_dashboard.py \
    tests/ingest/test_report.py tests/cli/__init__.py tests/cli/conftest.py tests/cli/test_sections.py tests/cli/test_upload.py

package: $(VENV)/.dev  ## sdist and wheel, checked; the wheel is installed with pip and with uv, and tested
	@rm -rf dist $(PACKAGE) && mkdir -p $(PACKAGE)/tests $(PACKAGE)/home
	@$(UV_LOWEST); uv build --python $(BIN)/python --out-dir dist
	$(BIN)/twine check --strict dist/*
	$(BIN)/check-wheel-contents dist/*.whl
	@$(BIN)/python -m venv $(PACKAGE)/venv
	@$(PACKAGE)/venv/bin/python -m pip install --quiet --disable-pip-version-check \
	  "$$(ls $(CURDIR)/dist/*.whl)[cli,demo,distributed,emulator,objects,watch]" hypothesis psutil pytest pytest-asyncio pytest-timeout pytest-xdist trustme
	@$(UV_LOWEST); UV_TOOL_DIR=$(CURDIR)/$(PACKAGE)/tools UV_TOOL_BIN_DIR=$(CURDIR)/$(PACKAGE)/bin \
	  uv tool install --python $(BIN)/python "apivideo-async[demo] @ file://$$(ls $(CURDIR)/dist/*.whl)"
	cd $(PACKAGE)/home && HOME=$$PWD ../bin/apivideo demo --size 8 >demo.log 2>&1 || { cat demo.log; exit 1; }
	@tar -c $(PACKAGE_TESTS) | tar -x -C $(PACKAGE)
	cd $(PACKAGE) && venv/bin/python -m pytest -q -n logical --maxprocesses 4 -c $(CURDIR)/pyproject.toml --rootdir=. -m "not slow" tests

clean:
	rm -rf site dist $(VENV) .coverage .coverage.* .mypy_cache .ruff_cache .pytest_cache .hypothesis
