# The course in two commands: `make book` builds the site, `make test` checks everything.
# Both create the environment in .venv when it is missing or requirements.txt has changed.

PYTHON ?= python3
# Optional, for Linux without a GPU: take PyTorch's small CPU build from PyTorch's own index with
#   make book TORCH_INDEX=https://download.pytorch.org/whl/cpu
TORCH_INDEX ?=

BIN := .venv/bin
READY := .venv/.ready
SITE := build/site/_build/html
PAGES := $(wildcard book/* book/_data/* book/_static/* book/_ext/* exercises/*.ipynb) _config.yml _toc.yml \
         $(wildcard hrm_course/*.py hrm_course/*/*.py)
# Three processes keep two cores busy: some tests wait for a browser or a kernel.
PYTEST = set -o pipefail; SITE_DIR=$(CURDIR)/$(SITE) $(BIN)/pytest -q -n 3 \
         -p no:cacheprovider --ignore=tests/fixtures --junitxml=build/ci/$@.xml
COVERED := --cov --cov-report=term --cov-fail-under=90
CELLS := --nbval --nbval-kernel-name python3
# Says at the end what a run cost and which tests were slowest.
TIMED := $(BIN)/python tests/timed.py build/ci $(MAKE) --no-print-directory

SHELL := bash
export PATH := $(CURDIR)/$(BIN):$(PATH)
# One thread a process: what the time budgets mean, and what makes results repeatable.
export OMP_NUM_THREADS := 1
# Every kernel imports the library: it is compiled once, also where the machine says not to keep it.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help book test quick lab exercises outputs clean check all tests notebooks fast
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

help:  ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

$(READY): requirements.txt constraints.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "The course needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Name another one: make book PYTHON=python3.12")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet -r requirements.txt $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX))
	$(BIN)/python -m pip install --quiet --no-deps -e .
	@touch $@

book: $(SITE)/index.html  ## build the site and say which file to open
	@echo "Open $(CURDIR)/$(SITE)/index.html in a browser."

$(SITE)/index.html: $(READY) $(PAGES)
	$(BIN)/jupyter-book build . --path-output build/site -W -n --keep-going -q
	@touch $@

test: $(READY)  ## run all checks (what CI runs)
	@$(TIMED) --jobs 2 all \
	  || { rm -rf build/ci/site; cp -r $(SITE) build/ci/site; \
	       echo "A check failed. What it printed, the differing cells and the site are in build/ci/."; \
	       exit 1; }

all: check book  # style while the site is built: each takes one core
	$(PYTEST) $(COVERED) $(CELLS) tests book solutions | tee build/ci/$@.txt

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/ty check --quiet --python .venv
	$(BIN)/hrm-course release --check

tests: book
	$(PYTEST) $(COVERED) tests | tee build/ci/$@.txt

notebooks: $(READY)
	$(PYTEST) $(CELLS) book solutions | tee build/ci/$@.txt

quick: $(READY)  ## the checks of three minutes: style, drift, library, chapter 1
	@$(TIMED) check fast

fast: $(READY)
	$(PYTEST) $(CELLS) -m "not slow" tests book/01-maps-and-flows.ipynb

lab: $(READY)  ## read and run the chapters in JupyterLab
	$(BIN)/jupyter lab book/index.ipynb

exercises: $(READY)  ## make exercises/ anew from solutions/
	$(BIN)/hrm-course release

outputs: $(READY)  ## execute a chapter's notebooks in place: make outputs CH=07
	@test -n "$(CH)" || { echo "Name a chapter: make outputs CH=07"; exit 1; }
	$(BIN)/hrm-course outputs $(wildcard book/$(CH)-*.ipynb solutions/$(CH)-*.ipynb)

clean:  ## remove everything that was built (.venv too)
	rm -rf build .venv hrm_course.egg-info .pytest_cache .ruff_cache .hypothesis .coverage*
	find . -name __pycache__ -o -name .ipynb_checkpoints | xargs rm -rf
