# The library itself needs nothing but Go; see CONTRIBUTING.md.
.DEFAULT_GOAL := help
.PHONY: help deps fmt generate vet lint tidy test test-upstream demo bench fuzz

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

deps: ## install the servers that the tests start, and Chromium (Debian packages; needs root)
	@./scripts/deps.sh

fmt: ## format all files with gofumpt
	@GOWORK=off go -C tools build -o ../.bin/ tool && .bin/gofumpt -l -w .

generate: ## write what cmd/asyncgen writes
	@./scripts/generate.sh

vet: ## go vet, every module, on this system
	@for m in . adapter/promadapter cmd cmd/asyncgen examples loop/gnetloop loop/httploop tools; do GOWORK=off go -C $$m vet ./... || exit; done

lint: ## format, module files, boundaries, vet for three systems, staticcheck
	@./scripts/lint.sh

tidy: ## go mod tidy, every module
	@for m in . adapter/promadapter cmd cmd/asyncgen examples loop/gnetloop loop/httploop tools; do GOWORK=off go -C $$m mod tidy || exit; done

test: ## everything that has to hold before a commit
	@./scripts/test.sh

test-upstream: ## the part of it that runs the drivers' own tests over the fake socket
	@./scripts/upstream.sh

demo: ## a chat on one event loop, with MongoDB and MySQL, all embedded
	@go run ./cmd/demo

bench: ## throughput, latency and CPU against goroutines and worker pools
	@go run ./cmd/bench

fuzz: ## fuzz every target for FUZZTIME (1m)
	@./scripts/fuzz.sh
