# What a developer runs. Everything works from a fresh clone: each target makes the
# environment that it needs in $(VENV), once, and again when pyproject.toml or
# constraints.txt has changed.
#
# Settings, given as `make <target> NAME=value`:
#   DATA    data of the demo: intents (made up, no download) or banking77
#   OUT     where the demo writes
#   PYTHON  the Python (3.11 or newer) that the environment is made with
#   VENV    where the environment is
#   JOBS    processes of the test suite, and of the documentation
#   ARGS    further arguments of pytest, or of the demo

DATA = intents
OUT = build/demo
VENV = .venv
JOBS = 2
ARGS =
VERSION = next

# The first of these that is new enough; `python3` if none is, which then says so.
PYTHON = $(or $(shell for python in python3 python3.13 python3.12 python3.11; do \
	"$$python" -c '$(NEW_ENOUGH)' 2>/dev/null && echo "$$python" && break; done),python3)
NEW_ENOUGH = import sys; sys.exit(sys.version_info < (3, 11))

BIN = $(VENV)/bin
INSTALL = $(BIN)/python -m pip install --disable-pip-version-check --quiet -c constraints.txt

# Small nets are slower with more threads, and results must not depend on their number.
export OMP_NUM_THREADS = 1
export MKL_NUM_THREADS = 1
export OPENBLAS_NUM_THREADS = 1
# No window for a figure.
export MPLBACKEND = Agg

EXAMPLES = $(wildcard examples/plot_*.py)

.DEFAULT_GOAL = help
# Two installations at once in one environment would spoil it.
.NOTPARALLEL:
.DELETE_ON_ERROR:
.PHONY: help demo test lint types docs experiment examples floors build changelog clean

help:  ## this list
	@sed -n 's/^\([a-z]*\):.*##\(.*\)/  make \1@\2/p' Makefile | tr @ '\t' | expand -t 18

demo: $(VENV)/.made-demo  ## run the experiment; DATA=banking77 for real queries
	$(BIN)/python examples/sifal_experiment.py --data $(DATA) --out $(OUT) $(ARGS)

test: $(VENV)/.made-dev  ## run the whole test suite
	$(BIN)/python -m pytest -n $(JOBS) $(ARGS)

lint: $(VENV)/.made-dev  ## check style and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.made-dev  ## check types
	$(BIN)/mypy

docs: $(VENV)/.made-dev  ## build the documentation, which runs the examples, in docs/_build/html
	$(BIN)/python -m sphinx -b html -W --keep-going -n -j $(JOBS) docs docs/_build/html

experiment: $(VENV)/.made-dev  ## run the experiment in its quick form
	$(BIN)/python examples/sifal_experiment.py --quick --out build/examples

examples: experiment  ## run the experiment and every example, without building pages
	@set -e; for example in $(EXAMPLES); do echo "$$example"; $(BIN)/python $$example; done

floors: $(VENV)/.made-dev  ## test with the lowest supported versions
	mkdir -p build
	rm $(VENV)/.made-dev # the next target installs the tested versions again
	sed -n '/^dependencies = /,/^]/ s/^ *"\(.*\)>=\(.*\)",/\1==\2.*/p' pyproject.toml > build/floors.txt
	cat build/floors.txt
	# scikit-learn 1.7 uses what pytest 9 warns of, and warnings are errors.
	$(BIN)/python -m pip install --disable-pip-version-check --quiet -r build/floors.txt "pytest==8.*"
	$(BIN)/python -m pytest -n $(JOBS) $(ARGS)

build: $(VENV)/.made-dev  ## make the source distribution and the wheel in dist/
	$(BIN)/python -m build

changelog: $(VENV)/.made-dev  ## show what the next release says; VERSION=0.1.0 names it
	$(BIN)/towncrier build --draft --version $(VERSION)

clean:  ## remove what was built and cached; the environment stays
	rm -rf build dist docs/_build docs/api docs/auto_examples docs/sg_execution_times.rst
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -path ./$(VENV) -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamps say that a step went well; they are written last, so a failed step is done again.

$(VENV)/.made:
	@$(PYTHON) -c '$(NEW_ENOUGH)' || { \
		echo "make: this needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>&1)." >&2; \
		echo "make: name another one: make PYTHON=/path/to/python3.12 ..." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -c '$(NEW_ENOUGH)' || { \
		echo "make: $(VENV) was made with an older Python; delete it and try again." >&2; exit 1; }
	@touch $@

$(VENV)/.made-demo: pyproject.toml constraints.txt | $(VENV)/.made
	$(INSTALL) -e ".[plot,datasets]"
	@touch $@

$(VENV)/.made-dev: pyproject.toml constraints.txt | $(VENV)/.made
	$(INSTALL) -e ".[dev]"
	@touch $@
