# `make help` lists the targets. Standard output has only the result of a target; all progress goes to standard error.

MAKEFLAGS += --no-print-directory
.SILENT:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
.PHONY: help setup report serve load doctor dev test format lock audit sbom licences train evaluate changes read coverage mutants fuzz soak pictures examples bench largest key clean

SHOP ?= sample
EVENTS ?=
MAPPING ?=
CLIENT ?=
WEEK_ENDING ?=
PORT ?= 8080
FOR ?=
SIZES ?=
RUNS ?=
PROJECT ?=
DATASET ?= analytics
LOCATION ?=
DRY_RUN ?=
export EVENTS MAPPING
MINUTES ?= 10

# The first Python on this machine that has everything; `make PYTHON=...` takes another.
SUITS := import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	if $$python -c '$(SUITS)' 2>/dev/null; then echo $$python; break; fi; done)

# The warnings are about how long Google supports this Python.
RUN = .venv/bin/python -W ignore::FutureWarning -m local.run
# These come from the environment, because they may have spaces.
ABOUT = --shop $(SHOP) $(if $(EVENTS),--events "$$EVENTS") $(if $(MAPPING),--mapping "$$MAPPING") \
	$(if $(CLIENT),--client $(CLIENT)) $(if $(WEEK_ENDING),--week-ending $(WEEK_ENDING))
WAREHOUSE = $(if $(PROJECT),--project $(PROJECT)) --dataset $(DATASET)
# The compiled files name every package, so pip need not resolve: older versions fail on extras if hashes are required.
PIP_INSTALL = -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps
UV_COMPILE = .venv/bin/uv pip compile --quiet --universal --generate-hashes --no-strip-extras --python-version 3.11

# Without --no-verify it would send its findings to the services in question. Hashes and the form of an address are not secrets.
SCAN = --no-verify --exclude-lines='--hash=sha256:[0-9a-f]{64}' --exclude-lines='"model_version": "[0-9a-f]{12}"' \
	--exclude-lines='smtp://user:password.(host|mail\.example):587'
# The warning is that pyproject.toml has no project.dependencies: it has groups.
CYCLONEDX = .venv-audit/bin/python -W ignore::UserWarning -m cyclonedx_py

help: ## Print this list
	awk -F ':[^#]*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' Makefile

setup: .venv/set-up ## Install everything for work on the code into .venv

report: .venv/set-up ## Print a report of the sample shop or of your files (EVENTS=orders.csv, MAPPING=, CLIENT=, WEEK_ENDING=)
	$(RUN) report $(ABOUT)

serve: .venv/set-up ## Serve the function on this machine until Ctrl-C (PORT=8080, EVENTS=orders.csv, ...)
	$(RUN) serve $(ABOUT) --port $(PORT)

load: .venv/set-up ## Put your files into BigQuery (EVENTS=orders.csv, PROJECT=, DATASET=analytics, CLIENT=, DRY_RUN=1)
	$(RUN) load $(ABOUT) $(WAREHOUSE) $(if $(LOCATION),--location $(LOCATION)) $(if $(DRY_RUN),--dry-run)

doctor: .venv/set-up ## Print what to correct in your rows (EVENTS=orders.csv, or PROJECT=, DATASET=, CLIENT=)
	$(RUN) doctor $(ABOUT) $(WAREHOUSE)

dev: .venv/set-up ## Serve with reload, a permanent key, and local receivers for the weekly run (PORT=8080, SHOP=...)
	.venv/bin/python -W ignore::FutureWarning -m local.dev --shop $(SHOP) $(if $(CLIENT),--client $(CLIENT)) --port $(PORT)

test: .venv/set-up ## Lint, check types, run every test
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/sqlfluff lint report/sql
	.venv/bin/pytest -n 2 --dist loadfile --max-worker-restart 1

format: .venv/set-up ## Format the Python code
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .

lock: .venv/set-up ## Compile the dependency groups of pyproject.toml into requirements.txt and requirements/
	$(UV_COMPILE) --group deployed -o requirements.txt >&2
	$(UV_COMPILE) --group dev -c requirements.txt -o requirements/dev.txt >&2
	$(UV_COMPILE) --group training -c requirements.txt -o requirements/training.txt >&2
	$(UV_COMPILE) --group bench -c requirements/dev.txt -o requirements/bench.txt >&2
	$(UV_COMPILE) --group mutants -c requirements/dev.txt -o requirements/mutants.txt >&2
	$(UV_COMPILE) --group audit -o requirements/audit.txt >&2
	$(UV_COMPILE) --group conformance -o requirements/conformance.txt >&2

audit: .venv-audit/set-up .venv-deployed/set-up ## Look for insecure code, secrets, known vulnerabilities in what is deployed
	.venv-audit/bin/bandit --quiet --recursive main.py report model deploy --exclude training
	git ls-files -z | xargs -0 .venv-audit/bin/detect-secrets-hook $(SCAN)
	.venv-audit/bin/pip-audit --strict --progress-spinner off --path .venv-deployed/lib/python*/site-packages || { \
		echo "FAILED: a known vulnerability, or a package that the vulnerability service did not answer for: see above." >&2; \
		exit 1; }

sbom: .venv-audit/set-up .venv-deployed/set-up ## Print what is deployed as a CycloneDX SBOM in JSON
	$(CYCLONEDX) environment --validate --output-reproducible --pyproject pyproject.toml .venv-deployed

licences: .venv-deployed/set-up ## Renew the table in docs/dependencies.md
	.venv/bin/python -m local.dependencies .venv-deployed/lib/python*/site-packages

train: .venv-training/set-up ## Train model/churn.json again
	.venv-training/bin/python -m training.train

evaluate: .venv-training/set-up ## Measure the model on simulated and real shops
	.venv-training/bin/python -m training.evaluate

changes: .venv-training/set-up ## Measure false and missed changes in simulated shops (docs/changes.md, 20 minutes)
	.venv-training/bin/python -m training.steady_shops

read: .venv/set-up ## Print whole reports of about sixty kinds of shops: read them before and after you change a sentence
	.venv/bin/python -W ignore -m tests.reading.run

pictures: .venv/set-up ## Renew docs/pictures: the page, the PDF and the mail of the sample shop
	.venv/bin/python -W ignore::FutureWarning -m local.pictures

examples: .venv/set-up ## Renew report/api/examples.json: real answers for the OpenAPI description
	REWRITE_EXAMPLES=1 .venv/bin/pytest tests/function/test_openapi.py

bench: .venv-bench/set-up ## Measure speed, memory, cost, cold start, throughput (SIZES=1000,10000, RUNS=5)
	.venv-bench/bin/python -W ignore::FutureWarning -m tests.benchmarks.run \
		$(if $(SIZES),--sizes $(SIZES)) $(if $(RUNS),--runs $(RUNS))

largest: .venv-bench/set-up ## Ask for a report of a million customers in 512 MiB (20 GB of disk, 40 minutes)
	.venv-bench/bin/python -W ignore::FutureWarning -m tests.benchmarks.largest

coverage: .venv/set-up ## Run every test and measure branches: at least 95 %
	.venv/bin/coverage erase
	.venv/bin/coverage run -m pytest -n 2 --dist loadfile --max-worker-restart 1
	.venv/bin/coverage combine --quiet
	.venv/bin/coverage report --fail-under=95

mutants: .venv-mutants/set-up ## Try 1,000 of the core's mutants; tests must kill 75 % (SEED=1; or all of FILES="report/week.py")
	.venv-mutants/bin/python -W ignore::FutureWarning -m tests.mutants.run \
		$(if $(FILES),--files $(FILES)) $(if $(SAMPLE),--sample $(SAMPLE)) $(if $(SEED),--seed $(SEED))

fuzz: .venv/set-up ## Send 20,000 requests generated from the OpenAPI description (20 minutes)
	FUZZ_AT_LENGTH=1 .venv/bin/pytest -s tests/function/test_fuzz.py

soak: .venv/set-up ## Run many readers while BigQuery and Gemini fail, then a weekly run of a thousand clients (MINUTES=10)
	.venv/bin/python -W ignore::FutureWarning -m tests.soak.run --minutes $(MINUTES)

key: .venv/set-up ## Make an API key for some clients (FOR="1 2") or for all, and print its entry
	.venv/bin/python -m report.api.access $(FOR)

clean: ## Remove everything that was installed, downloaded or cached
	rm -rf .venv* .cache .coverage* .mypy_cache .pytest_cache .ruff_cache .hypothesis

define SET_UP
if ! "$(PYTHON)" -c '$(SUITS)' 2>/dev/null; then \
	echo "This needs Python 3.11, 3.12 or 3.13, and $(or $(PYTHON),python3) is none of them. Name one: make PYTHON=..." >&2; \
	exit 1; fi
echo "Setting up $(@D) (once, about a minute)" >&2
"$(PYTHON)" -m venv $(@D) >&2
$(@D)/bin/python $(PIP_INSTALL) -r $< >&2
touch $@
endef

.venv/set-up: requirements/dev.txt
	$(SET_UP)

.venv-%/set-up: requirements/%.txt
	$(SET_UP)

# The packages of the deployed function, on any machine: to inspect, not to run. No pip, because it would be listed too.
.venv-deployed/set-up: requirements.txt .venv/set-up
	"$(PYTHON)" -m venv --clear --without-pip $(@D) >&2
	.venv/bin/uv pip install --quiet --python $(@D) --python-platform linux --python-version 3.13 \
		--require-hashes --no-deps -r $< >&2
	touch $@
