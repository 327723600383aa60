# Everything here works from a bare clone with Python 3.11 or later and make. The first call sets up .venv.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready

.PHONY: demo test test-optimized test-spark oldest fuzz soak kills check docs bench bench-log clean

$(READY): pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet --editable ".[flask,jwks,redis,replay,otel,prometheus]" --group dev
	touch $(READY)

demo: $(READY)
	@$(BIN)/python -m demo_app.tour $(if $(filter 0,$(KEEP)),--once)

# COVER=1 watches what the tests leave out, which takes half as long again, and there is a floor under it.
test: $(READY)
	$(BIN)/python -m pytest -n 2 $(if $(COVER),--cov --cov-report=term)

# The lowest versions of all that is needed, on Python 3.11. flask-smorest asks for a later Flask than the lowest.
OLDEST := .venv-oldest/bin/python
EXTENSIONS := flask-admin flask-cors flask-restx flask-sock gunicorn opentelemetry-instrumentation-flask \
	opentelemetry-sdk sentry-sdk simple-websocket wrapt

.venv-oldest/.ready: pyproject.toml tests/oldest.txt
	$(PYTHON) -m venv --clear .venv-oldest
	$(OLDEST) -m pip install --quiet --upgrade "pip>=25.1"
	$(OLDEST) -m pip install --quiet --constraint tests/oldest.txt --editable ".[flask,jwks,redis,replay,otel,prometheus]" $(EXTENSIONS) \
		hypothesis openapi-spec-validator pytest pytest-xdist python-json-logger structlog
	touch .venv-oldest/.ready

oldest: .venv-oldest/.ready
	$(OLDEST) -m pytest -n 2 tests/flask tests/tokens tests/document tests/decision tests/audit tests/reload \
		tests/remote tests/revocation tests/review \
		tests/extensions --ignore tests/extensions/test_smorest.py

# The reduction of a log on a Spark cluster of this machine's own, where there is Java.
test-spark: $(READY)
	$(BIN)/python -m pip install --quiet --editable ".[spark]"
	$(BIN)/python -m pytest tests/review -k spark

# A million texts for every parser that reads what others wrote; SEED=n makes those of that number again.
fuzz: $(READY)
	$(BIN)/python -m tests.fuzz 1000000 $(SEED)

# With Python leaving assertions out of the library, as it does where it is asked to; the tests keep theirs.
test-optimized: $(READY)
	PYTHONOPTIMIZE=1 $(BIN)/python -m pytest -n 2 -W "ignore:assertions not in test modules" tests/tokens tests/flask \
		tests/document tests/decision tests/audit tests/reload tests/remote tests/testing tests/fuzz

# Longer runs: a million requests while the policy changes, ten million decisions in many threads.
soak: $(READY)
	$(BIN)/python -m tests.soak

# Workers killed hundreds of times while they answer; then the log is held against the answers.
kills: $(READY)
	$(BIN)/python -m tests.kills

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/policy check policies

# The documentation as a site, in var/docs/html.
docs: $(READY)
	$(BIN)/python -m pip install --quiet --group docs
	$(BIN)/python -m docs.generate
	rm -rf var/docs
	$(BIN)/python -m sphinx -q -W --keep-going -d var/docs/doctrees docs var/docs/html

bench: $(READY)
	$(BIN)/python -m pip install --quiet --group peers
	$(BIN)/python -m benchmarks

# What recording costs, and what is left of the throughput where every decision is on the disk.
bench-log: $(READY)
	$(BIN)/python -m benchmarks.durability
	$(BIN)/python -m benchmarks.observing
	$(BIN)/python -m benchmarks.replaying 1000000

clean:
	rm -rf .venv .venv-oldest .mypy_cache .pytest_cache .ruff_cache .hypothesis var
