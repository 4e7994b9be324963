# Porchlight. `make run` and `make test` work from a clean clone; both install what is missing, or say what to install.

.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
.PHONY: help run test lint test-unit test-e2e sim fuzz check-platforms package bundle check-package bench day truth peers screenshots docs clean

help: ## these lines
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "make %-15s %s\n", $$1, $$2 }' Makefile

run: ## build and start the app, or a demo in the terminal where there is no display; ARGS="..." goes to it
	@scripts/run.sh $(ARGS)

test: ## everything: format, lints, licences, all tests; VERBOSE=1 shows all that the checks print
	@scripts/test.sh all

lint: ## format, types, clippy, circles of modules, workflows, licences, advisories
	@scripts/test.sh lint

test-unit: ## the tests of the crates and of the window
	@scripts/test.sh unit

test-e2e: ## the tests with real brokers, real binaries and a real desktop
	@scripts/test.sh e2e

sim: ## many schedules of the simulated network, other ones each time; SEEDS=n says how many
	@scripts/sim.sh $(SEEDS)

fuzz: ## search for input that breaks TARGET, guided by coverage, for SECONDS=60; lists the targets without one
	@scripts/fuzz.sh "$(TARGET)" $(SECONDS)

check-platforms: ## types and clippy for Windows and macOS, from Linux; installs their targets and C compilers
	@scripts/check-platforms.sh

package: ## a deb and an rpm of a release, in target/package
	@scripts/package.sh $(VERSION)

bundle: ## what Tauri's bundler makes of a release, in target/bundles; ARGS="appimage" on Linux, "dmg", "nsis,msi"
	@scripts/bundle.sh $(ARGS)

check-package: ## installs, upgrades and removes the package in a Debian of its own, made as root; takes some minutes
	@scripts/check-package.sh

bench: ## the measurements of docs/figures.md; ARGS="thousand" selects
	@scripts/bench.sh $(ARGS)

day: ## for how many minutes of a working day a dot is wrong, beside other designs; ARGS="--trace hugo" tells one person's day
	@scripts/day.sh $(ARGS)

truth: ## how long dots are wrong when things go wrong, beside other designs; ARGS="--only kill" selects
	@scripts/truth.sh $(ARGS)

peers: ## Porchlight beside Pidgin, Gajim and Dino, in one run; ARGS="--runs 1 --only Dino" selects
	@scripts/peers.sh $(ARGS)

screenshots: ## the pictures of the documentation, taken of the real app; ARGS="window-light tray" selects
	@scripts/screenshots.sh $(ARGS)

docs: ## the documentation as a site, in target/docs
	@scripts/docs.sh

clean: ## remove what was built
	@rm -rf ui/dist ui/node_modules tests/seed-clients/node_modules packaging/bundler/node_modules scripts/actionlint/node_modules tests/out
	@rm -rf target
