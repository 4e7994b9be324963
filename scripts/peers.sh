#!/usr/bin/env bash
# peers.sh [--runs N] [--only APP,..] [--idle SECONDS]: measures a release build beside Pidgin, Gajim and Dino, and prints a
# Markdown table. All of it happens in a network of its own with nothing but this machine in it (peers/world.sh).
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# The table alone goes to the standard output.
{
    [[ $(uname -s) == Linux ]] || die 'peers.sh measures what Linux tells of its processes.'
    scripts/check-toolchain.sh rust node
    scripts/install-packages.sh build run test peers
    if [[ -z ${PORCHLIGHT_PROGRAMS-} ]]; then
        scripts/build-ui.sh
        cargo build --release --locked -p porchlight-desktop -p porchlight-cli
    fi
    cargo build --locked -p porchlight-tests --bin peers
} >&2
export PORCHLIGHT_PROGRAMS=${PORCHLIGHT_PROGRAMS:-$root/target/release}

own=(unshare --mount --net)
# Who is not root becomes it, there alone.
[[ $EUID == 0 ]] || own+=(--map-root-user)
"${own[@]}" true || die 'A network of its own is refused here; as root it can be had: sudo make peers'
exec "${own[@]}" scripts/peers/world.sh "$@"
