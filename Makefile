# make demo: the gallery in your browser. make test: all checks. make help: all commands.
.DEFAULT_GOAL := help
SHELL := /bin/bash
SUITES := .dash/suites
STEP := scripts/step
SWIFT_FILES := Package.swift Sources Tests Examples Benchmarks

help: ## lists the commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

setup: ## installs missing dependencies of the tests
	@$(STEP) "setup" scripts/setup test

demo: ## builds the gallery and serves it (make demo PORT=8051 HOST=0.0.0.0)
	@$(STEP) "setup for serving" scripts/setup serve
	@$(STEP) "build of the gallery, release" swift build -c release --product gallery
	@$(STEP) "build of dash-swift, release" swift build -c release --product dash-swift
	@$(STEP) "component suites into $(SUITES)" .build/release/dash-swift install --into $(SUITES)
	@exec .build/release/gallery $(if $(HOST),--host $(HOST)) $(if $(PORT),--port $(PORT))

install-suites: ## downloads the browser's component files into .dash/suites
	@$(STEP) "component suites into $(SUITES)" swift run dash-swift install --into $(SUITES)

test: ## runs all checks: setup, lint, build, documentation, unit, queue and browser tests
	@scripts/test

check: ## runs the checks without other programs: lint, unit tests, manager conformance in memory and on SQLite
	@$(STEP) "build, debug, with tests" swift build --build-tests
	@$(STEP) "lint" $(MAKE) --no-print-directory lint
	@$(STEP) "component suites" .build/debug/dash-swift install --into $(SUITES)
	@$(STEP) "unit tests" swift test --skip-build --skip JobsCeleryTests

api-check: ## compares the public API with scripts/api-baseline; not part of make test
	@$(STEP) "public API against the baseline" scripts/api-check

docs: ## builds the reference documentation into .build/docs
	@$(STEP) "build, debug, with tests" swift build --build-tests
	@$(STEP) "samples of the documentation" scripts/check-samples
	@$(STEP) "reference documentation" scripts/docs

bench: ## measures against stock Dash and writes Benchmarks/results.md
	@$(STEP) "setup for benchmarks" scripts/setup bench
	@$(STEP) "build of the gallery, release" swift build -c release --product gallery
	@$(STEP) "build of fault-app, release" swift build -c release --product fault-app
	@$(STEP) "build of large-app, release" swift build -c release --product large-app
	@$(STEP) "build of dash-swift, release" swift build -c release --product dash-swift
	@$(STEP) "component suites into $(SUITES)" .build/release/dash-swift install --into $(SUITES)
	@$(STEP) "measurements" .venv/bench/bin/python Benchmarks/run.py $(ARGS)

bench-queue: ## measures workers against Celery and writes Benchmarks/results-queue.md
	@$(STEP) "setup for benchmarks" scripts/setup bench
	@$(STEP) "build of celery-fixture, release" swift build -c release --product celery-fixture
	@$(STEP) "build of queue-client, release" swift build -c release --product queue-client
	@$(STEP) "measurements" .venv/bench/bin/python Benchmarks/run_queue.py $(ARGS)

format: ## formats all Swift files
	@swift format -i -r --configuration .swift-format $(SWIFT_FILES)
	@scripts/embed-sources

lint: ## checks format, style rules and generated files
	@scripts/lint $(SWIFT_FILES)

clean: ## removes build products and local installations
	rm -rf .build .venv $(SUITES) .pytest_cache

.PHONY: help setup demo install-suites test check api-check docs bench bench-queue format lint clean
