# `make speak` says two sentences; `make test` checks the code; both create what they need in .venv.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: speak test test-all format clean
.DELETE_ON_ERROR:

speak: .venv/ready
	$(BIN)/mlx-voice speak "你好，世界。 Hello, this voice was made on your own machine." -o hello.wav --play

test: .venv/ready-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pytest

test-all: .venv/ready-dev
	MLX_VOICE_FULL=1 $(BIN)/pytest --timeout=1800

format: .venv/ready-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf .venv build dist *.egg-info

.venv/bin/python:
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; (3, 11) <= v <= (3, 14) or sys.exit("mlx-voice needs Python 3.11 to 3.14, and $(PYTHON) is %d.%d: name another one with make PYTHON=python3.12" % v)'
	$(PYTHON) -m venv .venv

.venv/ready: .venv/bin/python pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	@touch $@

.venv/ready-dev: .venv/bin/python pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[dev,ja,ko,yue,corpus]"
	@touch $@ .venv/ready
