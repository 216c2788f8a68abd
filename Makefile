# Each target does all the set-up it needs. PYTHON=python3.12 make test  takes another interpreter.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: help demo test test-all check format clean

help:
	@echo "make demo      train and compare five models on the embedded corpus, translate a file (about 8 minutes on two cores)"
	@echo "make test      the tests"
	@echo "make test-all  the tests with the slow ones and the planted faults"
	@echo "make check     style, types, import rules"
	@echo "make format    put the code into shape"

$(BIN)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

demo: $(BIN)/.installed
	PATH="$(CURDIR)/$(BIN):$$PATH" recipes/demo/run.sh

# One process a core, one thread a process: the tensors of tests are too small to be shared out.
test: $(BIN)/.installed
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto

test-all: $(BIN)/.installed
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto -m 'not gpu'

check: $(BIN)/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(BIN)/.installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf .venv dist build
