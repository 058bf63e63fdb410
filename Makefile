# make serve   everything on this machine: installs, creates the database, loads a demo, serves
# make test    installs what tests need and runs all checks
# make coverage  runs the tests slower and prints which lines none of them reached
# make translations  takes new texts of the pages into the English catalogue and compiles it
# make audit   asks PyPI for known holes in the pinned packages (needs the network)
# make screenshots   takes the pictures in docs/ from the demo

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
HOST ?= 127.0.0.1
PORT ?= 8000
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.DEFAULT_GOAL := help
.PHONY: help serve test coverage check lock audit translations screenshots

help:
	@sed -n 's/^# //p' $(MAKEFILE_LIST)

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed; name one with: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/serve.installed: requirements/serve.txt pyproject.toml | $(BIN)/python
	$(PIP) install --require-hashes -r requirements/serve.txt
	$(PIP) install --no-build-isolation --no-deps -e .
	@touch $@

$(VENV)/test.installed: requirements/test.txt pyproject.toml | $(BIN)/python
	$(PIP) install --require-hashes -r requirements/test.txt
	$(PIP) install --no-build-isolation --no-deps -e .
	@touch $@

serve: $(VENV)/serve.installed
	@$(BIN)/moderation demo --address http://$(HOST):$(PORT)
	@exec $(BIN)/moderation serve --host $(HOST) --port $(PORT)

test: $(VENV)/test.installed
	@tests/bring-chromium
	@tests/bring-wordpress
	@$(MAKE) --no-print-directory check
	$(BIN)/python -m pytest -n 2 --dist loadfile

coverage: $(VENV)/test.installed
	$(BIN)/python -m pytest -n 2 --dist loadfile --cov --cov-report=term:skip-covered

check:
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

lock:
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
		--no-emit-index-url --no-emit-find-links --extra postgres pyproject.toml requirements/build.in -o requirements/serve.txt
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
		--no-emit-index-url --no-emit-find-links --extra postgres --extra test pyproject.toml requirements/build.in -o requirements/test.txt

audit: | $(BIN)/python
	@test -x $(VENV)/audit/bin/pip-audit || { $(BIN)/python -m venv $(VENV)/audit && $(VENV)/audit/bin/python -m pip -q install pip-audit; }
	$(VENV)/audit/bin/pip-audit --strict --disable-pip --require-hashes -r requirements/serve.txt -r requirements/test.txt

translations:
	$(BIN)/pybabel -q extract -F pyproject.toml -k lazy_gettext -k lazy_ngettext:1,2 -c "Translators:" -s \
		--add-location=file --no-wrap -o $(VENV)/messages.pot moderation
	$(BIN)/pybabel -q update --no-fuzzy-matching --ignore-obsolete --ignore-pot-creation-date --no-wrap \
		-i $(VENV)/messages.pot -d moderation/web/translations
	$(BIN)/pybabel -q compile -d moderation/web/translations

screenshots: $(VENV)/test.installed
	@tests/bring-chromium
	$(BIN)/python docs/screenshots.py
