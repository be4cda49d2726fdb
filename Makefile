# The fixed targets: setup, web, demo, down, test, conformance, check, bench, soak, dist, clean. All can be run again at any time.
#
# PYTHON=… chooses another interpreter (3.11 or newer), PYTEST=… gives pytest arguments, CLANG=… names a compiler.

export PYTHON ?= python3
VENV := .venv
DOCTOR := $(PYTHON) src/opengwlb/cli/doctor.py
INSTALLED := $(VENV)/.installed
PYTEST ?=

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help setup doctor packages bpf web demo down test conformance check bench soak dist clean

help:
	@echo "make setup   install what is missing: Debian packages, .venv, eBPF programs, the console's pages"
	@echo "make demo    build two customers and a partner's firewalls, send traffic, show the packets"
	@echo "make down    take the demo's lab away again, its data too"
	@echo "make test    run every test          make check   lint, types and layers"
	@echo "make conformance   let other people's clients and tests judge the API; installs them into build/conformance"
	@echo "make bench   measure                 make clean   remove .venv, build and caches"
	@echo "make dist    build what people install: a wheel and a Debian package, into dist/"
	@echo "make soak    hunt with ten million hostile frames; every planted fault against every check; an hour of odd, not dead, targets"

# The doctor stops before anything is touched when this machine cannot run it.
doctor:
	@$(DOCTOR) --quiet

packages: doctor
	@scripts/packages.sh

$(INSTALLED): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --upgrade "pip>=25.1"
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --editable . --group dev
	@touch $@

bpf: packages
	@$(MAKE) --no-print-directory -C bpf

web: $(INSTALLED)
	@scripts/web.sh

setup: packages $(INSTALLED) bpf web

demo: doctor
	@scripts/touches.sh
	@$(MAKE) --no-print-directory setup
	@$(VENV)/bin/gwlb demo

down:
	@if [ -x $(VENV)/bin/gwlb ]; then $(VENV)/bin/gwlb down --data; else echo "Nothing to take away: there is no $(VENV)."; fi

test: setup
	@scripts/packages.sh --with-tests
	@scripts/guest_kernel.sh build/guest-kernel
	@scripts/tests.sh $(PYTEST)

# Ten minutes: AWS CLI 1 and 2, awslocal, JavaScript SDK, Ansible, moto's tests.
conformance: setup
	@scripts/conformance.sh
	@CONFORMANCE=1 $(VENV)/bin/python -m pytest -q tests/conformance $(PYTEST)

# Needs no root and no compiled programs, only the Python packages and Node.js with the console's.
check: $(INSTALLED)
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports
	scripts/web.sh --check

bench: setup
	@scripts/packages.sh --with-tests
	$(VENV)/bin/python -m bench

# Takes minutes and then an hour; goes on where it was stopped, and says in build/soak*.json how far it came. SOAK=… and INNOCENTS=… give
# other arguments, `INNOCENTS="--seed 2 --seconds 600"` for instance.
SOAK ?= --frames 10000000
INNOCENTS ?=
soak: setup
	CERTIFY=all nice -n 19 $(VENV)/bin/python -m pytest -q tests/certify
	nice -n 19 $(VENV)/bin/python -m tests.fuzz --state build/soak.json $(SOAK)
	$(VENV)/bin/python -m tests.stories.innocents --state build/soak-innocents.json $(INNOCENTS)

dist: setup
	@packaging/build wheel
	@packaging/build deb

clean:
	rm -rf $(VENV) build dist web/node_modules web/src/generated src/opengwlb/console/static .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find src tests -name __pycache__ -prune -exec rm -rf {} +
