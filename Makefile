# What a person can type here. `make` alone lists it.

PYTHON ?= python3
PORT ?= 8000
PY := .venv/bin/python
PIP := $(PY) -m pip --disable-pip-version-check --no-input install --quiet --only-binary :all: --require-hashes

.DEFAULT_GOAL := help
.PHONY: help install run test soak bench lock format

help:
	@echo 'make run      install, and start everything with a simulated WeChat on http://127.0.0.1:$(PORT) (PORT=... moves it)'
	@echo 'make test     install, and run every check that this machine offers (SLOWEST=20 lists the slowest tests)'
	@echo 'make soak     the longer proofs (about an hour)'
	@echo 'make bench    measure the webhook beside its peers'
	@echo 'make install  only make .venv with what the platform needs to run'
	@echo 'make format   lay the code out'
	@echo 'make lock     choose the newest packages that fit, and write the locks anew'

install: .venv/run.lock

run: install
	@PORT=$(PORT) exec $(PY) app.py demo

# Each check runs even when one before it failed; pytest comes last, so that its list of what was left out stands at the end.
# Two tests at a time on two cores; those that judge seconds of real servers come after them, with nothing beside them.
test: .venv/test.lock
	@failed=; \
	for check in 'ruff check' 'ruff format --check' 'mypy'; do \
		echo "== $$check"; $(PY) -m $$check || failed="$$failed [$$check]"; \
	done; \
	echo '== pytest'; \
	$(PY) -m pytest -n 2 --dist worksteal -m 'not soak and not alone' $(SLOWEST:%=--durations=%) || failed="$$failed [pytest]"; \
	$(PY) -m pytest -m 'alone and not soak' $(SLOWEST:%=--durations=%) || failed="$$failed [pytest, alone]"; \
	if [ -n "$$failed" ]; then echo "failed:$$failed"; exit 1; fi

soak: .venv/test.lock
	$(PY) -m pytest -m soak

bench: .venv/run.lock
	$(PY) -m benchmarks

format: .venv/test.lock
	$(PY) -m ruff check --fix
	$(PY) -m ruff format

# The stamp is a copy of the lock: pip runs only when what the lock says has changed.
.venv/run.lock: deploy/run.lock | .venv/bin/pip
	@cmp -s $< $@ || { echo 'Installing the packages of $< into .venv (once, about ten seconds) ...'; $(PIP) -r $<; }
	@cp $< $@

.venv/test.lock: tests/test.lock .venv/run.lock
	@cmp -s $< $@ || { echo 'Installing the packages of $< into .venv (once, about ten seconds) ...'; $(PIP) -r $<; }
	@cp $< $@

.venv/bin/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo 'Python 3.11 or newer is needed: make PYTHON=/path/to/python3 ...'; exit 1; }
	@$(PYTHON) -m venv --clear .venv

# Without host names and for every platform, so that the same file serves everywhere (redis needs async-timeout on 3.11.2 only).
COMPILE = var/lock/bin/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
	--only-binary :all: --no-emit-index-url --no-header pyproject.toml

lock:
	$(PYTHON) -m venv var/lock
	var/lock/bin/python -m pip --disable-pip-version-check --no-input install --quiet uv
	$(COMPILE) -o deploy/run.lock
	$(COMPILE) --extra test -c deploy/run.lock -o tests/test.lock
