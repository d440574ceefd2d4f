# `make demo` and `make test` do all set-up themselves.
.PHONY: help setup demo test fast lint fmt check bench docs lock clean

bin := .venv/bin
ready := .venv/.ready
page := src/detente/doors/pages/index.html
web := $(shell find web -path web/node_modules -prune -o -path web/build -prune -o -type f -print)

help: ## these lines
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 10

setup: $(ready) $(page) ## virtual environment, locked dependencies, compiled kernels, the page

$(ready): requirements-dev.txt pyproject.toml scripts/setup.sh
	scripts/setup.sh
	touch $(ready)

$(page): $(ready) $(web) scripts/page.sh scripts/openapi.py scripts/basemap.py
	scripts/page.sh

demo: setup ## the wildfires of January 2025, step by step; then 24 November 2015, both accounts
	$(bin)/detente demo
	$(bin)/detente demo salient --speed 0

test: lint ## everything; ends with pytest's own closing line
	$(bin)/pytest --cov -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

fast: setup ## unit and property tests that take seconds
	$(bin)/pytest -q tests/unit tests/property/test_picture.py tests/test_tidy.py tests/test_docs.py

lint: setup ## formatting, lint, types
	$(bin)/ruff format --check .
	$(bin)/ruff check .
	$(bin)/mypy

fmt: setup ## format and fix what can be fixed
	$(bin)/ruff format .
	$(bin)/ruff check --fix .

check: ## exactly what CI runs
	.ci/run

bench: setup ## measure beside peers; ONLY=name runs one
	scripts/peers.sh
	$(bin)/python benchmarks/run.py $(ONLY)

docs: setup ## write docs/cli.md and docs/settings.md from the code
	$(bin)/python scripts/cli_docs.py
	$(bin)/python scripts/settings_docs.py

lock: setup ## lock dependencies anew, with hashes and without addresses
	$(bin)/uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-annotate \
	    --no-header --python-version 3.11 --upgrade pyproject.toml -o requirements.txt
	$(bin)/uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-annotate \
	    --no-header --python-version 3.11 --upgrade pyproject.toml --group dev --extra ray \
	    -o requirements-dev.txt

clean: ## remove what was built
	rm -rf .venv build dist web/build web/node_modules src/detente/doors/pages demo detente-demo .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
