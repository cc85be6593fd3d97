# Everything one does with Holdfast. Only relative paths: the checkout's own may hold spaces.

# The first of these that is new enough and can make a virtualenv; or say PYTHON=… yourself.
PYTHONS = python3.14 python3.13 python3.12 python3.11 python3
PYTHON = $(shell for python in $(PYTHONS); do \
	$$python -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))' \
	>/dev/null 2>&1 && echo $$python && break; done)

RUN = .venv/bin/python
PIP_INSTALL = $(RUN) -m pip install --progress-bar off --disable-pip-version-check --require-hashes
# Installs $(1), and says now and then how far it is; what goes wrong pip says by itself.
INSTALL = { $(LOCK) $(PIP_INSTALL) -r $(1) || echo failed; } | awk \
	'/^Collecting/ && ++n % 20 == 0 { print "  " n " packages …"; fflush() } \
	/^Installing collected/ { print "  unpacking " n " packages …"; fflush() } \
	/^failed$$/ { bad = 1 } END { exit bad }'
# The last line after pip's own: what most often is the matter on a bare machine.
EXPLAIN = { \
	df -P . | awk 'NR == 2 && $$4 < 300000 { print "Not installed: the disk is full; make room here, or in TMPDIR."; found = 1 } END { exit !found }' \
	|| { command -v cc >/dev/null 2>&1 && echo "Not installed; see above. Is the package index reachable?"; } \
	|| echo "Not installed; see above. If it asks for a compiler: apt install build-essential python3-dev."; } >&2
# Extras stay written: pip takes the newest release for `name[extra]` where the lock says only `name`.
COMPILE = $(RUN) -m uv pip compile --quiet --universal --generate-hashes --no-strip-extras \
	--no-header --no-annotate

# Checks alerts and runs their tests.
PROMTOOL = promtool

# Each of our programs would compile all of Holdfast again: 0.5 of its 2.4 s to start.
unexport PYTHONDONTWRITEBYTECODE

# Two makes at once do not write into one virtualenv.
LOCK := $(shell command -v flock >/dev/null 2>&1 && echo flock .)

.PHONY: up help test test-all lint audit format openapi client docs bench bench-quick clean lock env smoke smoke-compose

up: .venv/installed  ## run all of Holdfast here, with demo data, until Ctrl-C
	@exec $(RUN) -m backend.devserver.up

help:  ## list these targets
	@sed -n 's/^\([a-z-]*\):.*  ## /\1\t/p' $(firstword $(MAKEFILE_LIST)) | expand -t 15

# One more than there are processors, for many tests wait for a process to start.
WORKERS = $(shell echo $$(($$(nproc 2>/dev/null || echo 1) + 1)))
PYTEST = $(RUN) -m pytest --numprocesses $(WORKERS) --maxprocesses 4 --dist worksteal

test: .venv/installed-dev  ## run the tests but for the slow ones (ARGS=…)
	@$(PYTEST) -m "not slow" $(ARGS)

test-all: .venv/installed-dev  ## also those that kill processes, drive browsers or run long clocks
	@$(PYTEST) $(ARGS)

lint: .venv/installed-dev  ## check style, types, layers, images, alerts, docs and migrations
	@$(RUN) -m ruff check .
	@$(RUN) -m ruff format --check .
	@SECRET_KEY=lint DATABASE_URL=postgres://nobody@127.0.0.1/nothing $(RUN) -m mypy
	@.venv/bin/lint-imports
	@.venv/bin/hadolint Dockerfile
	@sed 's/!reset //' docker-compose.prod.yml | .venv/bin/check-jsonschema --quiet \
		--builtin-schema vendor.compose-spec --default-filetype yaml \
		- docker-compose.yml deploy/smoke.compose.yml
	@if command -v $(PROMTOOL) >/dev/null; then \
		$(PROMTOOL) check config deploy/prometheus/prometheus.yml >/dev/null \
		&& $(PROMTOOL) test rules deploy/prometheus/alerts_test.yml >/dev/null; \
	else echo "No promtool here (it comes with Prometheus): its checks of the alerts are left out."; fi
	@$(MAKE) --no-print-directory audit
	@$(MAKE) --no-print-directory docs
	@DATA_DIR=.data/lint $(RUN) -m backend.devserver manage.py makemigrations --check --dry-run
	@DATA_DIR=.data/lint $(RUN) -m backend.devserver manage.py lintmigrations \
		--settings=tests.support.lint_settings --quiet ignore ok

# Known holes in what we use. Where the database of advisories cannot be reached it says so, and passes.
audit: .venv/installed-dev  ## look for known holes in what is used
	@$(RUN) .ci/audit.py requirements-dev.txt

format: .venv/installed-dev  ## format the code
	@$(RUN) -m ruff check --fix .
	@$(RUN) -m ruff format .

# Every figure, and docs/benchmarks.md from them; `make bench-quick` says in two minutes where
# it is going.
bench: .venv/installed-dev  ## measure every figure, and write docs/benchmarks.md
	@$(RUN) -m bench --write $(ARGS)

bench-quick: .venv/installed-dev  ## measure the main figures in two minutes
	@$(RUN) -m bench --quick $(ARGS)

# Secrets of one's own for Compose, in .env.
env:  ## write secrets for Compose into .env
	@$(or $(PYTHON),python3) deploy/make_env.py

# Walks through a running Holdfast: `make up`'s in another terminal, or that of BASE_URL.
smoke: .venv/installed  ## walk through a running Holdfast (BASE_URL=…)
	@MAIL_DIR="$${MAIL_DIR-$$(test -n "$$BASE_URL" || echo "$${DATA_DIR:-.data}/mail")}" \
		$(RUN) deploy/smoke.py

# The same in containers, where there is an engine for them; WITH=prod for all that the public gets.
smoke-compose:  ## the same in containers (WITH=prod)
	@$(or $(PYTHON),python3) deploy/smoke_compose.py $(WITH)

# The site, into .data/site; a link that leads nowhere is an error.
docs: .venv/installed-dev  ## build the documentation into .data/site
	@NO_MKDOCS_2_WARNING=1 .venv/bin/mkdocs build --quiet --strict

openapi: .venv/installed-dev  ## write the OpenAPI documents
	@SECRET_KEY=openapi DATABASE_URL=postgres://nobody@127.0.0.1/nothing \
		$(RUN) manage.py openapi docs/openapi

# The client in TypeScript: its types anew, and its example against a running Holdfast.
client:  ## generate the TypeScript client and run its example
	@cd docs/client && npm ci --silent && npm run --silent generate && npm run --silent build \
		&& npm start --silent -- "$${BASE_URL:-http://127.0.0.1:$${PORT:-8000}}"

lock: .venv/installed-dev  ## compile the requirements
	@$(COMPILE) pyproject.toml --extra embedded --output-file requirements.txt
	@$(COMPILE) pyproject.toml --extra otel -c requirements.txt --output-file requirements-prod.txt
	@$(COMPILE) pyproject.toml --extra embedded --extra otel --extra dev -c requirements.txt --output-file requirements-dev.txt

# The data of `make up` in .data stays; all the rest can be made again.
clean:  ## remove all that can be made again; .data stays
	@rm -rf .venv .data/test .data/test-* .data/lint .data/site staticfiles htmlcov .coverage .coverage.*
	@rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/installed: requirements.txt
	@$(LOCK) $(MAKE) --no-print-directory venv
	@echo "Installing requirements.txt …"
	@$(call INSTALL,requirements.txt) || { $(EXPLAIN); exit 1; }
	@touch $@

# A superset of the other, at the same versions.
.venv/installed-dev: requirements-dev.txt
	@$(LOCK) $(MAKE) --no-print-directory venv
	@echo "Installing requirements-dev.txt …"
	@$(call INSTALL,requirements-dev.txt) || { $(EXPLAIN); exit 1; }
	@touch .venv/installed $@

.PHONY: venv
venv:
	@$(RUN) -c 'import pip' 2>/dev/null || { \
		test -n "$(PYTHON)" || { \
			echo "Holdfast needs Python 3.11 or newer with its venv module:" >&2; \
			echo "on Debian or Ubuntu, apt install python3-venv." >&2; exit 1; }; \
		$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
			echo "$(PYTHON) is missing or older than Python 3.11; set PYTHON to a newer one." >&2; \
			exit 1; }; \
		echo "Making .venv with $(PYTHON) …"; $(PYTHON) -m venv --clear .venv; }
