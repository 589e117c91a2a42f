# make help lists the targets. .ci/run does all of it in a fresh clone.

MODULES := . $(patsubst %/go.mod,%,$(shell git ls-files '*/go.mod'))
LINT    = $(shell bash .ci/step lint-path)

.DEFAULT_GOAL := help
.PHONY: help test race lint fmt bench tidy fuzz stress mutants api consumers release examples ci

help: ## show this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{printf "  %-10s %s\n", $$1, $$2}'

test: ## run every test that needs no server and no tag
	go test work

race: ## run them under the race detector, shuffled, and those of the tag extra
	go test -race -shuffle=on -tags=extra work

lint: ## gofmt, go vet and golangci-lint in every module
	bash .ci/run lint

fmt: ## format the code and sort the imports
	@for m in $(MODULES); do (cd $$m && $(LINT) fmt ./...) || exit 1; done

bench: ## run every benchmark once, to see that it works
	bash .ci/run bench

tidy: ## tidy every module
	@for m in $(MODULES); do (cd $$m && GOWORK=off go mod tidy) || exit 1; done

fuzz: ## run every fuzz target FUZZTIME (default 50000x, or 10s and so on)
	bash .ci/run fuzz

stress: ## repeat the tests with 1, 2 and 16 processors
	bash .ci/run stress

mutants: ## break the code on purpose and see that a test notices
	bash .ci/run mutants

api: ## write down the exported API anew
	bash .ci/step api write

consumers: ## write down anew which modules a user's program gets
	STEAD_WRITE=1 go run ./.ci/release check

release: ## prepare a release: make release VERSION=v0.1.0
	go run ./.ci/release prepare "$(VERSION)" ".release/$(VERSION)"

examples: ## start, use and stop every example
	bash .ci/run examples

ci: ## everything that the checks run
	bash .ci/run
