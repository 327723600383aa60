# Everything here works from a bare clone with Python 3.11 or later and make. The first call sets up .venv.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready

.PHONY: demo test soak check bench clean

$(READY): pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet --editable ".[flask]" --group dev
	touch $(READY)

demo: $(READY)
	@$(BIN)/python -m demo_app.tour $(if $(filter 0,$(KEEP)),--once)

test: $(READY)
	$(BIN)/python -m pytest -n 2 --cov --cov-report=term

# Longer runs: a million requests while the policy changes, ten million decisions in many threads.
soak: $(READY)
	$(BIN)/python -m tests.soak

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/policy check policies

bench: $(READY)
	$(BIN)/python -m pip install --quiet --group peers
	$(BIN)/python -m benchmarks

clean:
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis var
