#!/usr/bin/env bash
# install-tools.sh TOOL...: installs the tools that the checks use, each at one version, from crates.io or PyPI, into
# porchlight/tools in the cache folder (~/.cache). A tool that is on the machine at that version is used from there.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

declare -A version=([cargo-deny]=0.20.2 [cargo-fuzz]=0.13.2 [mdbook]=0.5.4)

# Did cargo install this tool, at this version, below this folder?
holds() {
    [[ -x $1/bin/$2 ]] && grep -qF "\"$2 ${version[$2]} (" "$1/.crates.toml" 2>/dev/null
}

# A program from PyPI, in a virtual environment of its own, with all that it needs at one version. pip takes a file only with a
# SHA-256 from the list scripts/TOOL.txt, and builds nothing from source, for which it would fetch more.
from_pypi() {
    local tool=$1 home=$tools/$1 listed=scripts/$1.txt
    cmp -s "$listed" "$home/installed.txt" && return
    python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null ||
        die "$tool needs Python 3.11 or later; install python3 and python3-venv."
    say "Installing $(grep -o "^$tool==[^ ]*" "$listed")"
    rm -rf "$home"
    python3 -m venv "$home"
    "$home/bin/pip" install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r "$listed"
    mkdir -p "$tools/bin"
    ln -sf "../$tool/bin/$tool" "$tools/bin/$tool"
    cp "$listed" "$home/installed.txt"
}

for tool in "$@"; do
    if [[ -f scripts/$tool.txt ]]; then
        from_pypi "$tool"
        continue
    fi
    [[ -n ${version[$tool]-} ]] || die "install-tools.sh: no tool is called $tool (${!version[*]} schemathesis typos)"
    holds "$tools" "$tool" && continue
    if holds "${CARGO_HOME:-${HOME-}/.cargo}" "$tool"; then
        rm -f "$tools/bin/$tool"
        continue
    fi
    say "Building $tool ${version[$tool]}"
    # Without optimisation: compiling it well takes longer than it will ever run. The folder of its own lets an
    # interrupted build go on.
    CARGO_PROFILE_DEV_DEBUG=0 cargo install "$tool" --version "${version[$tool]}" --locked --force --debug --quiet \
        --root "$tools" --target-dir "$tools/build"
    rm -rf "$tools/build"
done
