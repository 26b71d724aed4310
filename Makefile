# `make test` from a fresh clone makes the environment, installs the pinned packages and runs the tests.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# Test processes. Each keeps to one thread, since the models are tiny.
JOBS ?= 2
KILLS ?= 1000

.PHONY: help install demo test soak check format clean

help:
	@echo "make demo      a first video, with a tiny model that comes along; makes the environment when it is not there"
	@echo "make test      the tests, in an environment that is made when it is not there"
	@echo "make soak      sweeps that are killed a thousand times, and must come out the same"
	@echo "make check     formatting, lint and types"
	@echo "make format    put the formatting right"
	@echo "make install   the environment alone"
	@echo "make clean     take the environment and what the tools cached away"

install: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed; set PYTHON=")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $(STAMP)

demo: install
	$(BIN)/python -m s2v_runner

# Without a browser, it says how to get one, and the tests of the page are left out.
test: install
	if $(BIN)/python -m tests.browser; then set --; else set -- -m 'not browser'; fi; \
	$(BIN)/python -m pytest --numprocesses $(JOBS) --dist loadfile "$$@"

soak: install
	$(BIN)/python -m tests.sweep.soak --kills $(KILLS)

check: install
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright

format: install
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf $(VENV) .pytest_cache .ruff_cache
