#!/usr/bin/env bash
# check-platforms.sh: clippy for Windows and macOS, from Linux. It compiles all that ships there, and its tests, but links and
# runs nothing. The end-to-end tests are left out: they drive what a Linux desktop is made of.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

windows=x86_64-pc-windows-gnu
macos=aarch64-apple-darwin

[[ $(uname -s) == Linux ]] || die 'check-platforms.sh looks at other systems from Linux; here, `cargo clippy --workspace` does.'
scripts/check-toolchain.sh rust lint node
scripts/install-packages.sh platforms

# The standard library for a target. Without rustup, the compiler says where it looks for it.
for target in $windows $macos; do
    [[ -d $(rustc --print target-libdir --target $target) ]] && continue
    command -v rustup >/dev/null || die "Porchlight needs Rust's standard library for $target; rustup brings it (https://rustup.rs)."
    say "Installing Rust's standard library for $target"
    rustup --quiet target add $target
done

# The desktop crate embeds ui/dist, so nothing of it compiles before.
scripts/build-ui.sh

check() { # check NAME TARGET
    local start=$SECONDS
    # Quiet about what it compiles, but not about what it finds.
    cargo clippy --quiet --workspace --exclude porchlight-tests --all-targets --locked --target "$2" -- -D warnings
    say "$1 ($2): checked in $((SECONDS - start)) s"
}

check Windows $windows

# Apple's headers may not be handed out. These few lines are all that ring's C asks of them, and the object files are
# thrown away: nothing is linked.
headers=$root/target/check-platforms/include
sdk=$root/target/check-platforms/sdk
mkdir -p "$headers" "$sdk"
header() { # header NAME, written only where it changed: ring would be compiled anew
    local text
    text=$(cat)
    [[ -f $headers/$1 && $(<"$headers/$1") == "$text" ]] || printf '%s\n' "$text" >"$headers/$1"
}
header assert.h <<<'#define assert(condition) ((void)0)'
header TargetConditionals.h <<<'#define TARGET_OS_OSX 1'
header string.h <<'END'
#include <stddef.h>
void *memcpy(void *, const void *, size_t);
void *memset(void *, int, size_t);
int memcmp(const void *, const void *, size_t);
END
export CC_aarch64_apple_darwin=clang CFLAGS_aarch64_apple_darwin=-isystem$headers
# An empty folder: without one, the build asks Xcode for its own.
export SDKROOT=$sdk
check macOS $macos
