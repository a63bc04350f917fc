# Tollgate's commands. `make` alone lists them.
SHELL := /bin/bash
PRESET ?= release
JOBS ?= $(shell nproc)

.DEFAULT_GOAL := help
.PHONY: help deps build run run-fleet test lint docs fuzz mutants kill-rounds k6 k6-final k6-1k k6-smoke bench image up down logs clean

help: ## Show this list
	@awk -F':.*## ' '/^[a-z0-9-]+:.*## /{printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

deps: ## Install the Debian packages that are missing
	@tools/deps.sh

build: deps ## Build build/release/tollgate and build/release/processor-sim
	@cmake --preset $(PRESET) --log-level=WARNING
	@cmake --build build/$(PRESET) -j $(JOBS)

# What `run` and `run-fleet` start.
define build_to_run
	@cmake --preset release --log-level=WARNING -DTOLLGATE_TESTS=OFF
	@cmake --build build/release -j $(JOBS) --target tollgate processor-sim
endef

run: ## Start a gateway on port 9999, books in a file, and two simulated processors; Ctrl-C stops it
	@tools/deps.sh --run
	$(build_to_run)
	@tools/run/one.sh

run-fleet: ## Start Redis, two gateways, HAProxy on port 9999 and two simulated processors
	@tools/deps.sh --fleet
	$(build_to_run)
	@tools/run/stack.sh

test: deps ## Build and run all tests
	@cmake --preset dev --log-level=WARNING
	@cmake --build build/dev -j $(JOBS)
	@ctest --test-dir build/dev --output-on-failure -j $$(($(JOBS) + 1))

lint: ## Check format, clang-tidy and the rules of the house
	@tools/lint.sh

docs: ## Write the generated parts of docs/ anew, from build/dev
	@cmake --preset dev --log-level=WARNING
	@cmake --build build/dev -j $(JOBS) --target tollgate
	@tools/reference_docs.py build/dev

fuzz: ## Run each fuzz target for a minute (FUZZ_SECONDS=…)
	@tools/fuzz.sh

SEEDS ?= 2000
mutants: deps ## Take out one rule at a time: a test must find each (SEEDS=2000, ONLY=pattern)
	@tools/mutants.py --seeds $(SEEDS) --jobs $(JOBS) --json build/mutants.json '$(ONLY)'

ROUNDS ?= 200
kill-rounds: deps ## Kill, cut and copy under load, ROUNDS=200 times, and count what was lost
	@cmake --preset release --log-level=WARNING -DTOLLGATE_TESTS=ON
	@cmake --build build/release -j $(JOBS) --target tollgate processor-sim fault_test
	@tools/kill_rounds.py --rounds $(ROUNDS) --json build/kill-rounds.json

k6: ## Run the preview scenario against port 9999 (k6 must be installed)
	@k6/run.sh preview
k6-final: ## Run the final scenario
	@k6/run.sh final
k6-1k: ## Run the preview scenario with 1,000 users
	@MAX_REQUESTS=1000 k6/run.sh preview
k6-smoke: ## Run the preview scenario with few users, in a fifth of the time
	@MAX_REQUESTS=50 TIME_SCALE=0.2 k6/run.sh preview

bench: ## Measure everything and print the table (docs/PERFORMANCE.md)
	@bench/run.sh

image: ## Build the container image
	@docker build -t tollgate:latest -f docker/Dockerfile .

COMPOSE ?= $(shell docker compose version >/dev/null 2>&1 && echo "docker compose" || echo "docker-compose --compatibility")
COMPOSE_FILE_NAME ?= docker/compose.simulated.yml
up: image ## Start the self-contained set-up in containers (COMPOSE_FILE_NAME=… for another)
	@$(COMPOSE) -f $(COMPOSE_FILE_NAME) up -d
down: ## Stop it and remove its containers
	@$(COMPOSE) -f $(COMPOSE_FILE_NAME) down
logs: ## Follow its logs
	@$(COMPOSE) -f $(COMPOSE_FILE_NAME) logs -f

clean: ## Remove the build folder
	@rm -rf build
