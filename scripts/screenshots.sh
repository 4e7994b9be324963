#!/usr/bin/env bash
# screenshots.sh [PICTURE..]: takes the pictures of the documentation, of a debug build on desktops without a screen.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

scripts/check-toolchain.sh rust node
scripts/install-packages.sh build run test screenshots
scripts/build-ui.sh
cargo build --locked -p porchlight-desktop -p porchlight-cli
cargo build --locked -p porchlight-tests --bin screenshots
exec target/debug/screenshots "$@"
