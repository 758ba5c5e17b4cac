# Pelanggan: `make run`, `make test`. Needs Python 3.11 or newer; everything else is fetched into .venv.
PYTHON ?= python3
PY := .venv/bin/python

export PIP_DISABLE_PIP_VERSION_CHECK := 1

# Installs a requirements file unless exactly that has been done: $(call install,<file>,<all files it reads>)
install = sum=$$(cat $(2) | cksum); \
	if [ "$$(cat .venv/.$(1) 2>/dev/null)" != "$$sum" ]; then \
		mkdir -p .venv/tmp && TMPDIR=$(CURDIR)/.venv/tmp $(PY) -m pip install --quiet --requirement $(1) \
		&& echo "$$sum" > .venv/.$(1); \
	fi

.PHONY: run test lint format messages bench bench-clean drill screenshots clean runtime development
.DEFAULT_GOAL := run

run: runtime
	@exec $(PY) -m hub.supervise

test: development
	@exec $(PY) -m tests.checks $(ARGS)

lint: development
	@exec $(PY) -m tests.checks --static

format: development
	@.venv/bin/ruff check --fix . && .venv/bin/ruff format .

messages: runtime
	@$(PY) manage.py translations extract

bench: development
	@exec $(PY) -m hub.bench $(ROW)

bench-clean: development
	@exec $(PY) -m hub.bench clean

drill: development
	@exec $(PY) -m tests.drill $(ARGS)

screenshots: development
	@exec $(PY) -m tests.screenshots

clean:
	@rm -rf var .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

runtime: .venv/made
	@$(call install,requirements.txt,requirements.txt constraints.txt)

development: runtime
	@$(call install,requirements-dev.txt,requirements.txt requirements-dev.txt constraints.txt)

# The mark comes last: an environment whose making was interrupted is made again.
.venv/made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12")'
	@$(PYTHON) -m venv .venv && touch .venv/made
