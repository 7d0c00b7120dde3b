# nightporter's commands. `make demo` and `make test` set up all they need on a fresh machine with Python 3.11 or newer.
PYTHON ?= python3
BIN := .venv/bin
ARGS ?=

.DEFAULT_GOAL := demo
.PHONY: setup demo unit test test-all nights kills lint bench bench-reading bench-arrivals bench-pages peers audit lock packages docs messages gallery pictures

setup: .venv/ready

.venv/ready: requirements-dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("nightporter needs Python 3.11 or newer; this is " + sys.version.split()[0]) if sys.version_info < (3, 11) else None'
	@$(PYTHON) -c 'import ensurepip' || { echo "Python's venv is not whole: on Debian, install python3-venv"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: setup
	$(BIN)/nightporter demo $(ARGS)

# ARGS go to pytest: make unit ARGS="-k dates"
# Brings the catalogues of translations up to what is said.
messages: setup
	PYTHONPATH=. $(BIN)/python docs/messages.py

unit: setup
	$(BIN)/pytest tests/unit -q $(ARGS)

# As many tests side by side as the machine bears; each has a database of its own.
SIDE_BY_SIDE := -n 4 --dist worksteal

test: setup packages lint audit
	$(BIN)/pytest $(SIDE_BY_SIDE) -m "not thorough" $(ARGS)

# With what takes long and seldom finds anything: before a release.
test-all: setup packages lint
	$(BIN)/pytest $(SIDE_BY_SIDE) $(ARGS)

# Random nights against a model of the rules, in as many steps as ARGS says: make nights ARGS=100000
nights: setup
	NIGHTS=$(if $(ARGS),$(ARGS),100000) $(BIN)/pytest -q tests/integration/importing/test_random_nights.py --timeout 0

# Processes killed at random under load, as many as ARGS says: make kills ARGS=1000
kills: setup
	KILLS=$(if $(ARGS),$(ARGS),1000) $(BIN)/pytest -q -s tests/faults/test_kill_loop.py

lint: setup
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: setup
	PYTHONPATH=. $(BIN)/python tests/bench/import_bench.py $(ARGS)

bench-reading: setup
	$(BIN)/python tests/bench/read_bench.py $(ARGS)

# How quickly the pages of the console are there.
bench-pages: setup
	PYTHONPATH=. $(BIN)/python tests/bench/page_bench.py

# How others read the corpus of exports; DuckDB and charset-normalizer are asked where they are installed.
peers: setup
	$(BIN)/python tests/bench/reading_peers.py

# ARGS: files, listing, fetch or idle
bench-arrivals: setup packages
	$(BIN)/python tests/bench/arrival_bench.py $(if $(ARGS),$(ARGS),files)

# The programs that the tests run: OpenSSH's server, vsftpd and a browser.
packages:
	@deploy/test-packages

# The tables of docs/profile.md, settings.md and datasets.md, and the manual page, from what they tell of.
docs: setup
	PYTHONPATH=. $(BIN)/python docs/reference.py
	PYTHONPATH=. $(BIN)/python docs/man.py

# What pyproject.toml asks for; with ARGS=--upgrade, new versions of everything. The lock files name no registry.
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate --no-header
lock: setup
	$(LOCK) $(ARGS) pyproject.toml -o requirements.lock
	$(LOCK) $(ARGS) pyproject.toml --extra dev -c requirements.lock -o requirements-dev.lock

# Every kind of mail in every language, to look at: gallery/index.html.
gallery: setup packages
	PYTHONPATH=. $(BIN)/python docs/gallery.py

# README's pictures of mails and of the console.
pictures: setup packages
	PYTHONPATH=. $(BIN)/python docs/gallery.py --pictures
	PYTHONPATH=. $(BIN)/python docs/pictures.py

# Is there a known hole in any version that is pinned? Where no list of them can be reached, it says so.
audit: setup
	@deploy/audit
