# `make run` serves the wall, `make test` proves it. Every target sets up what it needs by itself; see docs/running.md.

# An interpreter of one's own: make run PYTHON=/path/to/python3.12
export PYTHON
ARGS ?=
# pytest's own words: make test PYTEST="-k engine"
PYTEST ?=
py := .venv/bin/python

.DEFAULT_GOAL := help
.PHONY: help run test check format bench soak pins clean

help:
	@echo 'make run     serve the demo at http://127.0.0.1:8050 (ARGS="--config my.yaml --port 9000" for your own)'
	@echo 'make test    everything: make check, then every test, in a real browser too'
	@echo 'make check   ruff, mypy, import-linter'
	@echo 'make format  let ruff put the code in order'
	@echo 'make bench   measure what the program promises to reach'
	@echo 'make soak    the crash tests, long: 100 kills; every page at every size in every theme'
	@echo 'make pins    write constraints.txt anew after a change of the requirements'
	@echo 'make clean   remove .venv and caches; the data in ./data stays'

run:
	@.ci/set-up run
	@exec $(py) app.py $(ARGS)

test: check
	@$(py) -m tests.machinery.chromium
	@$(py) -m tests.machinery.peers
	$(py) -m pytest -n 3 --dist loadscope --no-loadscope-reorder $(PYTEST)

check:
	@.ci/set-up test
	$(py) -m ruff check .
	$(py) -m ruff format --check .
	$(py) -m mypy
	.venv/bin/lint-imports

format:
	@.ci/set-up test
	$(py) -m ruff check --fix .
	$(py) -m ruff format .

bench:
	@.ci/set-up test
	$(py) -m benchmarks $(ARGS)

soak:
	@.ci/set-up test
	FLOORLIGHT_KILLS=100 FLOORLIGHT_LONG=1 $(py) -m pytest tests/crash tests/browser/test_accessibility.py -v -o faulthandler_timeout=3600 $(PYTEST)

pins:
	@.ci/pins

clean:
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis build
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
