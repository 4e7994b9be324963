#!/usr/bin/env bash
# truth.sh [--runs N] [--only EVENT,..] [--broker BROKER,..] [--json FILE]: measures how long others see a wrong dot. A
# debug build will do: nearly all of the time measured is waiting for brokers and timers, and the output says which it was.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# The tables alone go to the standard output.
{
    scripts/check-toolchain.sh rust node
    scripts/install-packages.sh cli test
    scripts/npm-ci.sh tests/seed-clients
    # One build: apart, they would compile their common dependencies with other features.
    cargo build --locked -p porchlight-cli -p porchlight-tests --bin porchlight --bin truth --bin crowd
} >&2
exec target/debug/truth "$@"
