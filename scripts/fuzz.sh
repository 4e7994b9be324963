#!/usr/bin/env bash
# fuzz.sh [TARGET] [SECONDS]: searches with cargo fuzz for input that breaks a target of fuzz/; without one it lists them. What
# it finds is in fuzz/artifacts. Put it into crates/fuzz/corpus/TARGET, where every run of the tests tries it.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

scripts/check-toolchain.sh rust
scripts/install-tools.sh cargo-fuzz
if [[ -z ${1-} ]]; then
    say 'make fuzz TARGET=, one of:'
    cargo fuzz list
    exit
fi
cargo +nightly --version >/dev/null 2>&1 ||
    die 'cargo fuzz needs a nightly Rust: rustup toolchain install nightly --profile minimal'
export CARGO_TARGET_DIR=$root/fuzz/target
mkdir -p "fuzz/corpus/$1"
# The first folder takes what is new.
cargo +nightly fuzz run "$1" "fuzz/corpus/$1" "crates/fuzz/corpus/$1" -- -max_total_time="${2:-60}" -max_len=20480
