# Every target sets itself up in .venv: a machine needs Python 3.11 or later and make, nothing else.
# pip's own index settings are passed on as they are.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

export PIP_DISABLE_PIP_VERSION_CHECK := 1
export OMP_NUM_THREADS ?= 1
export TOKENIZERS_PARALLELISM := false

.PHONY: install demo sandbox serve test check docs trials lock audit sbom clean
.DEFAULT_GOAL := help

help:  ## what there is
	@grep -E '^[a-z]+:.*##' Makefile | sed -E 's/:[^#]*## /\t/' | expand -t 10

install: $(READY)  ## set up .venv

# This lock pins everything but torch, whose wheels differ between the CUDA and the CPU index.
$(READY): pyproject.toml requirements.lock requirements-torch.txt
	$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else "Python 3.11 or later is needed")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --no-deps --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet -r requirements-torch.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	touch $(READY)

demo: $(READY)  ## the service, an embedded FHIR server and demo patients on 127.0.0.1:8000
	$(BIN)/endwatch demo

sandbox: $(READY)  ## HAPI FHIR (Java 17, Maven) and the service, for the CDS Hooks Sandbox in a browser; Ctrl-C ends both
	$(BIN)/python -m tools.sandbox

serve: $(READY)  ## the service as the ENDWATCH_* settings say
	$(BIN)/endwatch serve

test: $(READY)  ## lint, types, contracts and all tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -n 2 --cov --cov-report=term:skip-covered

check: $(READY)  ## lint, types and import contracts only
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: $(READY)  ## write docs/CODE_MAPS.md, docs/CONFORMANCE.md, docs/FAULTS.md and the profiles of docs/INTEGRATION.md anew
	$(BIN)/python -m tools.code_maps
	$(BIN)/python -m tools.conformance
	$(BIN)/python -m tools.faults
	$(BIN)/python -m tools.profiles

trials: $(READY)  ## long trials, written to benchmarks/trials/
	$(BIN)/python -m benchmarks.trials

lock: $(READY)  ## pin pyproject.toml's dependencies anew
	$(BIN)/python tools/lock.py

audit: $(READY)  ## look up known vulnerabilities of what is pinned; AUDIT='...': options of pip-audit
	$(BIN)/python -m tools.audit $(AUDIT)

sbom: $(READY)  ## write dist/sbom.cdx.json: what is in .venv (the image holds one of its own)
	$(BIN)/python tools/sbom.py $(BIN)/python dist/sbom.cdx.json

clean:  ## remove .venv
	rm -rf $(VENV)
