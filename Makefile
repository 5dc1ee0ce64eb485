# Two commands matter: `make demo` and `make test`. Everything else is for those who build kaowu.
#
# The environment is made from requirements.lock (versions and hashes, no addresses), with uv where it is on PATH and
# with venv + pip otherwise. Package mirrors are taken from the usual places: pip's configuration and PIP_INDEX_URL,
# uv's UV_DEFAULT_INDEX; uv also accepts PIP_INDEX_URL here. Choose another interpreter with `make demo PYTHON=…`.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help demo test check bench lock clean

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PYTHON ?=
TESTS ?=

# uv neither writes a lock file of its own nor fetches an interpreter from elsewhere behind our back.
export UV_FROZEN := 1
export UV_PYTHON_DOWNLOADS ?= never
ifdef PIP_INDEX_URL
export UV_DEFAULT_INDEX ?= $(PIP_INDEX_URL)
endif

help:
	@echo 'make demo    the demo world: panel, bot simulator and jobs in one process, until Ctrl-C'
	@echo 'make test    the whole test suite (TESTS=tests/core for a part)'
	@echo 'make check   format, lint, types, import directions, migrations, lock file'
	@echo 'make bench   benchmarks'
	@echo 'make lock    resolve requirements.lock afresh (needs uv)'
	@echo 'make clean   remove the environment and all caches; data in var/ stays'

demo: $(READY)
	@exec $(BIN)/kaowu demo

# A worker per core, files kept together: what a file's tests share is built once.
test: $(READY)
	@$(BIN)/python -m pytest -n auto --dist loadfile $(TESTS)

check: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@data=$$(mktemp -d) && trap 'rm -rf "$$data"' EXIT && export KAOWU_DATA_DIR="$$data" && unset KAOWU_DATABASE_URL; \
	echo 'kaowu db upgrade && kaowu db check (on a database made for it)'; \
	$(BIN)/kaowu db upgrade && $(BIN)/kaowu db check
	@if grep -n '://' requirements.lock; then echo 'requirements.lock names an address; run make lock'; exit 1; fi

bench: $(READY)
	$(BIN)/python -m tests.benchmarks

# Two resolutions joined: what kaowu imports, and a wheel that only carries a font (fonts.in says why).
UV_COMPILE = uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header
lock:
	@command -v uv >/dev/null || { echo 'make lock needs uv (pip install uv)'; exit 1; }
	@work=$$(mktemp -d) && trap 'rm -rf "$$work"' EXIT && \
	$(UV_COMPILE) --extra dev pyproject.toml -o "$$work/kaowu.txt" && \
	$(UV_COMPILE) --no-deps fonts.in -o "$$work/fonts.txt" && \
	cat "$$work/kaowu.txt" "$$work/fonts.txt" | grep -v '^--' > "$$work/joined.txt" && \
	if grep -n '://' "$$work/joined.txt"; then echo 'an address got into the lock file'; exit 1; fi && \
	cp "$$work/joined.txt" requirements.lock && echo 'requirements.lock written'

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Made again only when what it is made of changes. An environment that works is kept and brought up to date, one that
# does not (older Python, moved folder) is thrown away. --no-deps: the lock is complete, and the font carrier's own
# dependencies are left out on purpose. Where uv gives up (it does not read pip.conf), pip has a try.
$(READY): pyproject.toml requirements.lock
	@fits='import sys; sys.exit(sys.version_info < (3, 11))'; \
	if ! $(BIN)/python -c "$$fits" >/dev/null 2>&1; then \
	  rm -rf $(VENV); python=''; \
	  for candidate in "$(PYTHON)" python3 python3.13 python3.12 python3.11 python3.14 python; do \
	    if [ -n "$$candidate" ] && "$$candidate" -c "$$fits" >/dev/null 2>&1; then python=$$candidate; break; fi; \
	  done; \
	  if [ -n "$$python" ]; then echo "environment: $(VENV) ($$("$$python" --version))"; fi; \
	  if command -v uv >/dev/null 2>&1; then uv venv --quiet --python "$${python:->=3.11}" $(VENV) || rm -rf $(VENV); fi; \
	  if [ ! -x $(BIN)/python ]; then \
	    if [ -z "$$python" ]; then \
	      echo 'kaowu needs Python 3.11 or newer and found none. Install one, or say where it is: make demo PYTHON=/path/to/python3'; \
	      exit 1; \
	    fi; \
	    "$$python" -m venv $(VENV) || { rm -rf $(VENV); \
	      echo "$$python cannot make environments; on Debian and Ubuntu: apt install python3-venv"; exit 1; }; \
	  fi; \
	fi
	@echo 'packages: from requirements.lock'; \
	with_uv() { command -v uv >/dev/null 2>&1 && \
	  uv pip install --quiet --python $(BIN)/python --require-hashes --no-deps -r requirements.lock && \
	  uv pip install --quiet --python $(BIN)/python --no-deps -e .; }; \
	with_pip() { { $(BIN)/python -m pip --version >/dev/null 2>&1 || $(BIN)/python -m ensurepip >/dev/null; } && \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements.lock && \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .; }; \
	with_uv || with_pip
	@touch $@
