# Everything a newcomer needs: make quickstart, make test, make data, make reproduce, make lint.
PYTHON ?= python3
VENV := .venv
BIN := $(CURDIR)/$(VENV)/bin
export PATH := $(BIN):$(PATH)
export DVC_NO_ANALYTICS := 1
export MLFLOW_DISABLE_TELEMETRY := true

.PHONY: quickstart test parts data reproduce lint benchmark clean

quickstart: $(VENV)/installed ## the whole pipeline at reduced scale, in .quickstart
	python scripts/quickstart.py

test: $(VENV)/installed ## every test
	pytest

parts: ## servers and a browser for the integration tests, which skip without them
	bash scripts/parts.sh

data: $(VENV)/installed ## plans and release from the tables that git holds, compared with the published checksums
	paletteot data

reproduce: $(VENV)/installed ## the whole pipeline at full scale
	paletteot mend
	dvc repro

lint: $(VENV)/installed ## style, types, and dvc.yaml against the imports
	ruff check .
	ruff format --check .
	mypy
	python scripts/closure.py

benchmark: $(VENV)/installed ## speed of palettes, solvers and the data set, into reports/benchmarks.md
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev,peers]'
	python benchmarks/palettes.py
	python benchmarks/labels.py
	python benchmarks/passes.py
	python benchmarks/solvers.py
	python benchmarks/dataset.py --stages
	python benchmarks/transfer.py
	python benchmarks/transfer.py --large

$(VENV)/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt torch==2.13.0
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@

clean: ## what make made, never data, models or reports
	rm -rf $(VENV) .parts .quickstart .partial .pytest_cache .mypy_cache .ruff_cache .hypothesis
