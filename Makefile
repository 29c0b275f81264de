# Everything around building, testing and trying out. `make help` lists the targets.

.DEFAULT_GOAL := help
SHELL := /bin/bash
CARGO ?= cargo

.PHONY: help
help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: deps-build ## build, start the platform in a fresh home, ingest the bundled flights, show the ledger and a search
	@tests/demo.sh

.PHONY: up
up: deps-build ## build and start the platform to stay (ARGS="--home DIR …" are passed on)
	$(CARGO) build --release --locked -p cli
	target/release/ingest up $(ARGS)

.PHONY: test
test: ## every suite, real services included (SUITES="unit …" only those, SKIP_SUITES=name,name not those)
	@tests/run.sh $(SUITES)

.PHONY: bench
bench: deps-build ## measure worker and platform in release builds, write reports/benchmark.md
	@tests/bench.sh

.PHONY: lint
lint: deps-lint ## formatting, clippy without warnings, licences and advisories of the dependencies
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings
	@tests/deny.sh

.PHONY: fmt
fmt: ## format the sources
	$(CARGO) fmt --all

.PHONY: deps
deps: ## install what is missing for building, linting and testing
	@tests/deps.sh build test lint services

.PHONY: deps-build deps-lint
deps-build deps-lint: deps-%:
	@tests/deps.sh $*

.PHONY: clean
clean: ## remove what was built (the cache of test tools and services stays)
	$(CARGO) clean
