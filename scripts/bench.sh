#!/usr/bin/env bash
# bench.sh [FIGURES..]: measures a release build for docs/figures.md. The measuring program itself need not be a release.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

scripts/check-toolchain.sh rust node
scripts/install-packages.sh build run test bench
scripts/build-ui.sh
cargo build --release --locked -p porchlight-desktop -p porchlight-cli
cargo build --locked -p porchlight-tests --bin bench
PORCHLIGHT_PROGRAMS=$root/target/release exec target/debug/bench "$@"
