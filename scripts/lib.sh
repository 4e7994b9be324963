# shellcheck shell=bash
# Sourced by the scripts beside it: where the repository is, and where programs are found.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root" || exit

# Tests and scripts look for the binaries in target/debug, whatever the person's own configuration says.
export CARGO_TARGET_DIR=$root/target

# The project's own tools come first. They outlive the clone that built them, so that a fresh one need not build them again.
# The rest is where rustup puts Rust before the shell is started anew, and where Debian puts mosquitto.
tools=${XDG_CACHE_HOME:-${HOME-}/.cache}/porchlight/tools
export PATH=$tools/bin:$PATH:${CARGO_HOME:-${HOME-}/.cargo}/bin:/usr/local/sbin:/usr/sbin:/sbin

say() { printf '%s\n' "$*"; }
die() {
    printf '%s\n' "$*" >&2
    exit 1
}
