# make setup once, then make check before every commit.
VENV ?= .venv
BIN = $(VENV)/bin

.PHONY: setup check format lint types test slow

setup: $(BIN)/paxsim

$(BIN)/paxsim: setup.cfg pyproject.toml
	python3 -m venv $(VENV)
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
	$(BIN)/python -m pytest -n auto -m slow
