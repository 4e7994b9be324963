#!/usr/bin/env bash
# run.sh [ARGUMENT...]: builds Porchlight and starts it with its window open. Where there is no display, it shows a demo in
# the terminal, and asks for nothing that only a display needs.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

if [[ $(uname -s) == Linux && -z ${DISPLAY-} && -z ${WAYLAND_DISPLAY-} ]]; then
    say 'No display here (DISPLAY and WAYLAND_DISPLAY are not set): this is the demo in the terminal. Ctrl-C ends it.'
    scripts/check-toolchain.sh rust
    scripts/install-packages.sh cli
    say 'Building it (the first time takes some minutes)'
    cargo build --locked -p porchlight-cli
    exec target/debug/porchlight demo --watch "$@"
fi

scripts/check-toolchain.sh rust node
scripts/install-packages.sh build run
say 'Building the window'
scripts/build-ui.sh
say 'Building the app (the first time takes some minutes)'
cargo build --locked -p porchlight-desktop -p porchlight-cli
exec target/debug/porchlight-desktop --show "$@"
