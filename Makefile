# `make run` and `make test` set up all they need. Python 3.11 or newer and make are enough.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ROWS ?= 400000
# Tests run in this many processes, each with a database of its own. A file stays in one: it shares what it has loaded.
JOBS ?= 2
PARALLEL = -n $(JOBS) --dist loadfile --no-loadscope-reorder

.PHONY: install run test test-database test-browser test-shell test-long test-wheel wheel sbom bench check audit fix lock styles screenshots

# What a server needs, without the demo.
install: $(VENV)/.run
	$(BIN)/python manage.py collectstatic --verbosity 0

run: $(VENV)/.run
	$(BIN)/python manage.py serve --demo

test: $(VENV)/.dev
	$(BIN)/python -m pytest $(PARALLEL)

# For the server that DATABASE_URL names: all that uses it, but for the tests that make up requests. Those find nothing
# that depends on the server.
MADE_UP = tests/pushlog/api/test_description.py tests/pushlog/tpns/test_questions.py
test-database: $(VENV)/.dev
	$(BIN)/python -m pytest $(PARALLEL) -m 'database and not browser and not long and not shell and not pooler and not wheel and not embedded' $(addprefix --ignore ,$(MADE_UP))

test-browser: $(VENV)/.dev
	$(BIN)/python -m pytest $(PARALLEL) -m browser

# What needs programs of the system: the documents' examples in a shell, and PgBouncer.
test-shell: $(VENV)/.dev
	$(BIN)/python -m pytest $(PARALLEL) -m "shell or pooler"

# Minutes rather than seconds: fifty kills under load, and three million rows through the import.
test-long: $(VENV)/.dev
	$(BIN)/python -m pytest -m long

# The package, built and installed as a user would, in an empty folder.
test-wheel: $(VENV)/.dev
	$(BIN)/python -m pytest -m wheel

# To dist/. The build backend comes from the lock.
wheel: $(VENV)/.dev
	$(BIN)/python -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist .

# What a server runs, as CycloneDX.
sbom: $(VENV)/.dev
	$(BIN)/python -m tests.packaging.sbom dist/sbom.json

bench: $(VENV)/.dev
	$(BIN)/python -m tests.benchmarks --rows $(ROWS) $(if $(ONLY),--only $(ONLY)) $(if $(REPORT),--report)

check: $(VENV)/.dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/python manage.py makemigrations --check

audit: $(VENV)/.dev
	$(BIN)/pip-audit --requirement requirements.txt --require-hashes --disable-pip --progress-spinner off

fix: $(VENV)/.dev
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

screenshots: $(VENV)/.dev
	$(BIN)/python -m tests.browser.screenshots

# The part of Tabler that the pages use. Needed after a change of classes, and after an upgrade of Tabler or Django.
styles: $(VENV)/.dev
	$(BIN)/python -m tools.styles

# Needs uv. Hashes for all platforms, and no address of an index.
lock:
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --custom-compile-command "make lock" pyproject.toml -o requirements.txt
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --custom-compile-command "make lock" --extra dev -c requirements.txt pyproject.toml -o requirements-dev.txt

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit("Pushlog needs Python 3.11 or newer." if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

$(VENV)/.run: requirements.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	touch $@

$(VENV)/.dev: requirements-dev.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	touch $@ $(VENV)/.run
