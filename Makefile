# `make demo` and `make test` work in a fresh clone: each makes the virtual environment that it needs.
# Another interpreter: make test PYTHON=python3.12

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# One stamp per interpreter, so that another PYTHON makes another environment; --clear removes the old stamps.
DEMO_STAMP := $(VENV)/.demo-$(subst /,-,$(PYTHON))
STAMP := $(VENV)/.installed-$(subst /,-,$(PYTHON))
RELEASE_STAMP := $(VENV)/.release-$(subst /,-,$(PYTHON))
DOCS_STAMP := $(VENV)/.docs-$(subst /,-,$(PYTHON))

.DEFAULT_GOAL := test
# Each of several processes would rewrite the assertions of all tests again.
unexport PYTHONDONTWRITEBYTECODE
.DELETE_ON_ERROR:
.PHONY: demo test test-all versions smoke docs compare real races chaos bench zoo shape format dist check-dist lint-workflows clean

demo: $(DEMO_STAMP)
	@$(BIN)/python examples/minimal_bug/show.py

# Most of a test of a hang is waiting: four processes at once, also on two processors. Files keep their order, in which
# the long ones come first. The tests marked `thorough` combine what others test, and are left to `make test-all`.
PARALLEL := --numprocesses=4 --dist=loadfile --no-loadscope-reorder

test: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest $(PARALLEL) -m 'not thorough'

# What each run below leaves its result in, for the table of docs/reference/versions.md.
RECORD := FOREIGN_THREAD_TESTS_RECORD=$(CURDIR)/build/versions

# All tests, the thorough ones too; then the tests of `make smoke` on each release of Python, pytest, the JDK and JPype that
# tox finds here; then the table of what ran, red or green. A part of the second step: TOX="-e py311-jdk21".
test-all: $(STAMP)
	@echo "test-all, step 1 of 2: all tests, with those that 'make test' leaves out (the mark thorough)"
	$(RECORD) $(BIN)/python -m pytest $(PARALLEL)
	@echo "test-all, step 2 of 2: the smoke tests in each environment of tox.ini whose interpreter is here, and the table"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[versions]'
	$(BIN)/tox run $(TOX) -- tests.versions --smoke; status=$$?; $(BIN)/python -m tests.versions && exit $$status

# Tests of each mode and of each kind of death with one release of everything, and the table: make smoke PYTHON=python3.12
smoke: $(STAMP)
	$(RECORD) $(BIN)/python -m tests.versions --smoke; status=$$?; $(BIN)/python -m tests.versions && exit $$status

# All tests in each of these environments, as CI runs them: make versions TOX="-e py311-jdk21 -- pytest -k matrix"
versions: $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[versions]'
	$(BIN)/tox run $(TOX)

# The site, into build/site. A warning is an error: a link that leads nowhere, a page that is not there.
docs: $(DOCS_STAMP)
	$(BIN)/zensical build --strict --clean
	$(BIN)/python docs/offline.py build/site

# Three broken tests beside other plugins, each in an environment of its own below .real/: what they print goes into
# docs/explanation/comparison.md. About ten minutes.
compare: $(STAMP)
	$(BIN)/python docs/compare.py

# What a release uploads; check-dist installs it as a user does. TAG=v0.2.0 checks the version, too;
# PYTHONS="python3.10 python3.12" has more interpreters install the wheel.
dist: $(RELEASE_STAMP)
	rm -rf dist
	$(BIN)/python -m build

check-dist: $(RELEASE_STAMP)
	$(BIN)/twine check --strict dist/*
	$(BIN)/check-wheel-contents dist/*.whl
	$(BIN)/python -m tests.dist $(if $(TAG),--tag $(TAG)) $(addprefix --python=,$(PYTHONS))

# The workflows of this project, and those that the docs give to others.
lint-workflows: $(RELEASE_STAMP)
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml docs/examples/ci/github.yml examples/downstream/.github/workflows/ci.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.gitlab-ci --data-transform gitlab-ci docs/examples/ci/gitlab.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.readthedocs .readthedocs.yaml

# Suites of well-known packages in each mode, in an environment of their own below .real/: make real SUITE="click cpython"
real: $(STAMP)
	$(BIN)/python -m tests.real $(SUITE) $(REAL)

# The thread tests of well-known packages in rounds of a shaken schedule. The table goes into
# docs/explanation/real-suites.md. A quarter of an hour: make races RACES="cachetools --rounds 200"
races: $(STAMP)
	$(BIN)/python -m tests.real.races --docs $(RACES)

# Runs of pytest whose processes are killed and stopped at random: each has to end, leave nothing, and tell of each test
# once. About ten minutes; a run that fails tells how to do the same again: make chaos CHAOS="--kills 50 --seed 1a2b"
chaos: $(STAMP)
	$(BIN)/python -m tests.chaos $(CHAOS)

bench: $(STAMP)
	$(BIN)/python -m benchmarks

# Ten races, repeated until they show, plain and in the shaken schedule. The table goes into
# docs/explanation/stress-zoo.md. Ten minutes and more: make zoo ZOO="--limit 2000"
zoo: $(STAMP)
	$(BIN)/python -m benchmarks.zoo --docs $(ZOO)

# Figures of the package's layout; `make shape SHAPE=--drawing` prints the drawing of the architecture page.
shape: $(STAMP)
	@$(BIN)/python -m tests.shape $(SHAPE)

format: $(STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) .real benchmarks/.venv-forked-* .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# What a user installs, and no more.
$(DEMO_STAMP): pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "no $(PYTHON) here: install Python 3.10 or newer, or name one: make PYTHON=..." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { echo "$(PYTHON) does not run or is older than Python 3.10: name another: make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -m venv --clear $(VENV) || { echo "$(PYTHON) makes no virtual environments: Debian and Ubuntu need the package python3-venv" >&2; exit 1; }
	@echo "installing into $(VENV), which takes up to a minute"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade pip
	@$(BIN)/python -m pip install --quiet --editable '.[jdk,native]'
	@touch $@

$(STAMP): $(DEMO_STAMP) tests/interop/plugins.txt
	@echo "installing what the tests need, which takes a minute or two"
	@$(BIN)/python -m pip install --quiet --editable '.[test]'
	@$(BIN)/python -m tests.interop
	@touch $@

$(DOCS_STAMP): $(DEMO_STAMP)
	@echo "installing what the site needs, which takes up to a minute"
	@$(BIN)/python -m pip install --quiet --editable '.[docs]'
	@touch $@

$(RELEASE_STAMP): $(STAMP)
	@echo "installing what a release needs, which takes up to a minute"
	@$(BIN)/python -m pip install --quiet --editable '.[release]'
	@touch $@
