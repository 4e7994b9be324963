#!/usr/bin/env bash
# truth.sh [--debug] [--runs N] [--only EVENT,..] [--broker BROKER,..] [--json FILE]: measures how long others see a wrong
# dot. A debug build will do for most: nearly all of the time measured is waiting for brokers and timers, and the output says
# which it was. A whole team keeps two cores busy, and wants a release.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

profile=release
if [[ ${1-} == --debug ]]; then
    profile=debug
    shift
fi
# The tables alone go to the standard output.
{
    scripts/check-toolchain.sh rust node
    scripts/install-packages.sh cli test
    scripts/npm-ci.sh tests/seed-clients
    # One build each: apart, they would compile their common dependencies with other features.
    cargo build --locked -p porchlight-tests --bin truth
    programs=(cargo build --locked -p porchlight-cli -p porchlight-agent --bin porchlight --example crowd)
    [[ $profile == debug ]] || programs+=(--release)
    "${programs[@]}"
} >&2
PORCHLIGHT_PROGRAMS=$root/target/$profile exec target/debug/truth "$@"
