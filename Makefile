# The verbs of the course. `make` alone prints them.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
READY := .venv/.ready
ASSIGNMENT ?= a6
OUT ?= reports
DEVICE ?= cpu
JOBS ?= $(shell env -u OMP_NUM_THREADS nproc 2>/dev/null || echo 2)
NOTEBOOKS ?=
SAMPLE := tests/submissions/$(ASSIGNMENT)
SUBMISSIONS ?= $(SAMPLE)

.DEFAULT_GOAL := help
.PHONY: help setup grade test test-browser hostile fuzz check assignments handout bench bench-verdicts bench-loops bench-scale bench-versions cluster-demo clean test-gpu

help: ## print these lines
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(READY) ## make the environment, .venv

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	@touch $@

grade: $(READY) $(if $(filter $(SAMPLE),$(SUBMISSIONS)),sample) ## grade SUBMISSIONS of ASSIGNMENT into OUT (the sample class of a6 into reports/)
	$(BIN)/autograder grade $(ASSIGNMENT) "$(SUBMISSIONS)" --out "$(OUT)" --jobs $(JOBS) --device $(DEVICE)$(if $(NOTEBOOKS), --notebooks)

.PHONY: sample
sample: $(READY)
	@$(BIN)/python tests/submissions/make_sample.py $(ASSIGNMENT) $(SAMPLE)

test: $(READY) ## run the tests, JOBS files at once; those of the hostile classes run by `make hostile`
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses $(JOBS) --dist loadfile --no-loadscope-reorder --deselect=tests/test_hostile

hostile: $(READY) ## grade the hostile classes alone, and print what each attack got
	$(BIN)/python -m tests.hostile

fuzz: $(READY) ## feed nonsense to frames and archives, and kill graders and workers at random moments (half an hour)
	$(BIN)/python -m tests.fuzz

test-gpu: $(READY) ## run the tests that need a GPU
	$(BIN)/python -m pytest -v -rP tests/gpu

test-browser: $(READY) ## open pages and JupyterLab in Chromium, which must be installed
	$(BIN)/python -m pytest tests/browser

check: $(READY) ## lint, types, import direction, generated files up to date
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/python -m pytest -q tests/autograder/test_imports.py
	$(BIN)/autograder build --check

assignments: $(READY) ## build assignments/ from solutions/
	$(BIN)/autograder build

handout: $(READY) ## make the zip that students of ASSIGNMENT get, in dist/
	$(BIN)/autograder handout $(ASSIGNMENT) --out dist

bench: $(READY) ## measure: overhead, against fresh pytest and otter, memory
	$(BIN)/python benchmarks/run.py

bench-verdicts: $(READY) ## measure: whether verdicts on running time hold, 200 of them, and what styles of answers take
	$(BIN)/python benchmarks/verdicts.py
	$(BIN)/python benchmarks/styles.py

bench-loops: $(READY) ## measure what answers with loops cost to grade, and the start-up of a run
	$(BIN)/python benchmarks/loops.py

SCALE ?=
bench-scale: $(READY) ## measure what a submission costs in classes of 50, 500 and 2,000 (SCALE='--course toy --sizes 50 500')
	$(BIN)/python benchmarks/scale.py $(SCALE)

OTHER ?=
bench-versions: $(READY) ## measure this version beside another one: a checkout with its environment (OTHER=DIR)
	$(BIN)/python benchmarks/versions.py $(if $(OTHER),$(OTHER),$(error OTHER=DIR is missing: a checkout of the other version))

cluster-demo: $(READY) ## grade a class on a Dask cluster on this machine, and kill a worker on the way
	$(BIN)/python benchmarks/cluster_demo.py

# Whether the book in reports/ holds what only people can make again: a decision, or what the school was told.
DECIDED = $(PYTHON) -c 'import sqlite3, sys; book = sqlite3.connect("file:reports/gradebook.db?mode=ro", uri=True); \
	sys.exit(not any(book.execute("select 1 from " + table).fetchone() for table in ("decision", "release")))'

clean: ## remove what can be made again
	@if [ -f reports/gradebook.db ] && $(DECIDED); then echo "reports/ stays: its gradebook.db holds decisions or releases"; \
	else rm -rf reports; fi
	rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache tests/submissions/a[0-9]*/ tests/submissions/.a[0-9]*
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
