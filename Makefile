# `make setup` once, then `make check` before every commit. PYTHON chooses the interpreter, VENV the environment.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin

.PHONY: setup check format lint types test slow sanitised outside picture coverage

setup: $(BIN)/paxsim

$(BIN)/paxsim: setup.cfg pyproject.toml setup.py chain/_nonce.c $(wildcard simulator/worlds/exhaustive/*.c)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --editable '.[dev]'
	touch $@

check: lint types test

format: setup
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lint: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: setup
	$(BIN)/mypy --strict

test: setup
	$(BIN)/python -m pytest -n auto

slow: setup
	$(BIN)/pip install --quiet --editable '.[cluster]'
	$(BIN)/python -m pytest -n auto -m slow

# What is compiled, built so that gcc's sanitizers watch it. Needs gcc.
sanitised: setup
	$(BIN)/python -m tests.chain.sanitised

# Needs Node.js with npm, and Chromium.
outside: setup
	npm ci --prefix tests/outside --no-audit --no-fund
	$(BIN)/python -m pytest -m outside

# The picture of a report in README: a rule is broken, the run is recorded and drawn.
picture: setup
	npm ci --prefix tests/outside --no-audit --no-fund
	$(BIN)/paxsim run a-quorum-of-two --break small-accept-quorum --world virtual --quiet --trace /tmp/picture.trace
	$(BIN)/paxsim report /tmp/picture.trace -o /tmp/picture.html
	node tests/outside/picture.mjs "$$(command -v chromium)" /tmp/picture.html agreement docs/pictures/report.png

# The floor stands in setup.cfg (fail_under). Every spawned process writes a file of its own; `combine` joins them.
coverage: setup
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -n auto
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report
