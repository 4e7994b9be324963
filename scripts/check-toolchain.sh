#!/usr/bin/env bash
# check-toolchain.sh rust|lint|node...: are the compilers there, and new enough? For each that is not, it prints
# one line to copy. `lint` is rustfmt and clippy.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# The first version number in what a program says of itself, as one comparable number; 0 where it says nothing.
number() {
    local text
    text=$("$@" --version 2>/dev/null) || text=
    if [[ $text =~ ([0-9]+)\.([0-9]+)(\.[0-9]+)? ]]; then
        echo $((10#${BASH_REMATCH[1]} * 1000 + 10#${BASH_REMATCH[2]}))
    else
        echo 0
    fi
}

has() { command -v "$1" >/dev/null; }

sudo=
[[ $EUID == 0 ]] || sudo='sudo '

# What fetches a script here: `fetch URL` is the start of a line that pipes it into a shell.
fetch() {
    if has curl; then
        echo "curl -fsSL $1"
    elif has wget; then
        echo "wget -qO- $1"
    else
        echo "${sudo}apt-get update && ${sudo}apt-get install -y ca-certificates curl && curl -fsSL $1"
    fi
}

wrong=0
missing() { # missing WHAT FOUND LINE
    wrong=1
    say "Porchlight needs $1; found ${2:-none}. To get it:"
    say "    $3"
} >&2

check_rust() {
    (($(number rustc) >= 1090 && $(number cargo) >= 1090)) && return
    local line
    if has rustup; then
        line='rustup update stable && rustup default stable'
    else
        line="$(fetch https://sh.rustup.rs) | sh -s -- -y && . \"\$HOME/.cargo/env\""
    fi
    missing 'Rust 1.90 or later' "$(rustc --version 2>/dev/null || true)" "$line"
}

check_lint() {
    # Without a compiler the line for Rust brings these too.
    (($(number rustc) == 0 || $(number cargo-fmt) > 0 && $(number cargo-clippy) > 0)) && return
    local line='install your distribution'"'"'s packages for them, or Rust by https://rustup.rs'
    has rustup && line='rustup component add rustfmt clippy'
    missing 'rustfmt and clippy' '' "$line"
}

# Vite's range: 20.19 or a later 20, or 22.12 or later.
node_suits() { (($1 >= 20019 && $1 < 21000 || $1 >= 22012)); }

check_node() {
    node_suits "$(number node)" && (($(number npm) > 0)) && return
    local line candidate=
    if has apt-get; then
        candidate=$(apt-cache policy nodejs 2>/dev/null | sed -n 's/.*Candidate: *//p')
        if node_suits "$(number echo "$candidate")"; then
            line="${sudo}apt-get install -y nodejs"
            # NodeSource's package has npm in it, Debian's has not.
            [[ $candidate == *nodesource* ]] || line+=' npm'
        else
            line="$(fetch https://deb.nodesource.com/setup_22.x) | ${sudo:+sudo -E }bash - && ${sudo}apt-get install -y nodejs"
        fi
    else
        line='install Node 22 from https://nodejs.org/en/download'
    fi
    missing 'Node 20.19 or 22.12 or later, with npm' "$(node --version 2>/dev/null || true)" "$line"
}

for part in "$@"; do
    case $part in
    rust) check_rust ;;
    lint) check_lint ;;
    node) check_node ;;
    *) die "check-toolchain.sh: no part is called $part (rust, lint, node)" ;;
    esac
done
exit "$wrong"
