# Three commands for people and for .ci/run: make run, make test, make check.
# Each makes .venv on its first use; PYTHON chooses the interpreter it is made with.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
WORKERS ?= 2

# editable_mode=compat: an ordinary editable install hides twisted/plugins from twist.
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check \
	--config-settings editable_mode=compat --editable

.PHONY: run test check format docs wheel bench-peers clean

run: $(VENV)/installed.run
	exec $(BIN)/twist mailhub $(ARGS)

test: $(VENV)/installed.test
	$(BIN)/python -m pytest -n $(WORKERS) $(TESTS)

check: $(VENV)/installed.check
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/sphinx-build -W --keep-going -q -b html docs docs/_build/html

format: $(VENV)/installed.check
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(VENV)/installed.check
	$(BIN)/sphinx-build -W --keep-going -q -b html docs docs/_build/html
	@echo "docs/_build/html/index.html"

wheel: $(VENV)/installed.check
	rm -rf build dist
	$(BIN)/python -m build --quiet --wheel --outdir dist .

# mailhub beside Dovecot (an hour; as root), into docs/benchmarks.rst.  Smaller: BENCH="--help".
bench-peers: $(VENV)/installed.run
	$(BIN)/python -m benchmarks.peers $(BENCH)

clean:
	rm -rf $(VENV) build dist docs/_build *.egg-info twisted/plugins/dropin.cache

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "mailhub needs Python 3.11 or newer: make PYTHON=/path/to/python3.11 ..." >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { \
	  echo "cannot make a virtual environment (Debian: apt install python3-venv)" >&2; \
	  rm -rf $(VENV); exit 1; }

$(VENV)/installed.run: $(BIN)/python setup.cfg pyproject.toml
	$(INSTALL) .
	@touch $@

$(VENV)/installed.test: $(BIN)/python setup.cfg pyproject.toml
	$(INSTALL) '.[test]'
	@touch $@ $(VENV)/installed.run

$(VENV)/installed.check: $(BIN)/python setup.cfg pyproject.toml
	$(INSTALL) '.[test,check]'
	@touch $@ $(VENV)/installed.run $(VENV)/installed.test
