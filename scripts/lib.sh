# shellcheck shell=bash
# Sourced by the scripts beside it: where the repository is, and where programs are found.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root" || exit

# Tests and scripts look for the binaries in target/debug, whatever the person's own configuration says.
export CARGO_TARGET_DIR=$root/target

# The project's own tools come first. The rest is where rustup puts Rust before the shell was started anew,
# and where Debian puts mosquitto, which is not on everybody's path.
tools=$root/target/tools
export PATH=$tools/bin:$PATH:${CARGO_HOME:-${HOME-}/.cargo}/bin:/usr/local/sbin:/usr/sbin:/sbin

say() { printf '%s\n' "$*"; }
die() {
    printf '%s\n' "$*" >&2
    exit 1
}
