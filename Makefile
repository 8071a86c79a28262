# Everything is installed in .venv: the machine needs only make and a Python with venv.
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin
SOURCES := pyproject.toml src/samerun/__init__.py

# PATH for tools that start other tools by name. It is not set for the whole file: python3 must stay the user's while
# .venv is made.
IN_VENV := PATH="$(CURDIR)/$(RUN):$$PATH"
# These variables of the user would put other modules before those of the venv.
unexport PYTHONPATH PYTHONHOME

# Run modules from the sources, as nothing is installed yet.
CODE := ansible_collections.samerun.stack.plugins.plugin_utils
BARE := PYTHONPATH=collections $(RUN)/python -m $(CODE)
# Python keeps the byte code of what it imports. If the user has turned that off, compile everything once here.
COMPILE = $(if $(PYTHONDONTWRITEBYTECODE),$(RUN)/python -m compileall -qq -j 0 -x '/tests?/|ansible_collections/(?!community/docker|kubernetes/core)' $(VENV)/lib || true)

comma := ,
# The output of a program that the chosen Python runs; empty if it fails.
ask = $(shell { $(PYTHON) -c '$(1)'; } 2>/dev/null)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
LINTERS := lint-ruff lint-mypy lint-imports lint-yaml lint-ansible
.PHONY: help train up environment test quick unit coverage lint $(LINTERS) clean

help:
	@echo "make train     start MLflow and an S3 store as processes, then train trainer/train.py"
	@echo "make test      lint, then every test that can run here"
	@echo "make quick     lint, unit tests and one walk through the process world: what to run after each change"
	@echo "make unit      unit tests alone"
	@echo "make coverage  unit tests and the commands of the process world, with the branches that they reach"
	@echo "make lint      ruff, mypy, lint-imports, yamllint, ansible-lint"
	@echo "make clean     remove .venv, caches and builds; the worlds and their data stay"

train: $(VENV)/.installed
	@$(MAKE) --no-print-directory --jobs=2 up environment
	$(RUN)/samerun train trainer/train.py

# A training needs two things, which are made side by side: the services, and the packages of the script.
up: $(VENV)/.installed
	$(RUN)/samerun up

environment: $(VENV)/.installed
	@$(RUN)/python -m $(CODE).environments.venvs trainer/requirements.txt

# Two workers: tests/conftest.py says which tests may run side by side.
BESIDE := --numprocesses 2 --dist loadgroup --no-loadscope-reorder
# The tests that measure coverage need no engine, so the minimum in pyproject.toml is reached on every machine.
MEASURED := tests/unit tests/integration/test_api_process.py tests/integration/test_cli_process.py

# pytest comes last, so that its summary is the last line.
test: lint
	@$(IN_VENV) python -m pytest $(BESIDE) $(PYTEST_ARGS)

quick: $(VENV)/.tested
	@$(MAKE) --no-print-directory --jobs 2 --output-sync lint
	@$(IN_VENV) python -m pytest $(BESIDE) -m "walk or not process" $(MEASURED) $(PYTEST_ARGS)

unit: $(VENV)/.tested
	@$(IN_VENV) python -m pytest tests/unit $(PYTEST_ARGS)

# What follows --cov must be an option: it would be taken for what is to be measured.
coverage: $(VENV)/.tested
	@$(IN_VENV) python -m pytest --cov $(BESIDE) $(MEASURED) $(PYTEST_ARGS)

lint: $(LINTERS)

lint-ruff: $(VENV)/.tested
	$(RUN)/ruff check .
	$(RUN)/ruff format --check .

lint-mypy: $(VENV)/.tested
	$(RUN)/mypy

lint-imports: $(VENV)/.tested
	@echo lint-imports
	@PYTHONPATH=src:collections $(RUN)/lint-imports --no-cache --no-logo

lint-yaml: $(VENV)/.tested
	$(RUN)/yamllint --strict .

lint-ansible: $(VENV)/.tested
	@echo ansible-lint
	@$(IN_VENV) ansible-lint

clean:
	rm -rf $(VENV) .ansible .coverage* .mypy_cache .pytest_cache .ruff_cache build dist samerun-stack-*.tar.gz
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# If something is missing, say so in one line. The marker file is made last, so that an unfinished venv is made again.
$(VENV)/.made:
	$(if $(call ask,import sys; sys.version_info >= (3$(comma) 11) and print("yes")),,$(error \
	  samerun needs Python 3.11 or newer, not '$(PYTHON)' ($(or $(call ask,import platform; print(platform.python_version())),not found)); choose one: make PYTHON=python3.12))
	$(if $(call ask,import ensurepip$(comma) venv; print("yes")),,$(error \
	  '$(PYTHON)' comes without venv; install it (Debian and Ubuntu: apt install python3-venv) or choose another: make PYTHON=python3.12))
	@echo "samerun: making $(VENV) with $(PYTHON)"
	@$(PYTHON) -m venv --clear --without-pip $(VENV)
	@$(BARE).environments.venv_seeds
	@touch $@

$(VENV)/.installed: $(VENV)/.made $(SOURCES)
	@echo "samerun: installing samerun with Ansible into $(VENV): about 700 MB"
	@$(BARE).environments.installer --editable .
	@$(COMPILE)
	@touch $@

$(VENV)/.tested: $(VENV)/.made $(SOURCES)
	@echo "samerun: installing samerun, Ansible and the test tools into $(VENV): about 1 GB"
	@$(BARE).environments.installer --editable '.[test]'
	@$(COMPILE)
	@touch $(VENV)/.installed $@
