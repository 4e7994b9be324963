#!/usr/bin/env bash
# install-tools.sh TOOL...: the cargo tools that the checks use, each at one version. They go into target/tools, so that
# nothing outside the repository changes; one that is on the machine at that version is used from there.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

declare -A version=(
    [cargo-deny]=0.20.2
    [tauri-driver]=2.1.0
)

# Did cargo install this tool, at this version, below this folder?
holds() {
    [[ -x $1/bin/$2 ]] && grep -qF "\"$2 ${version[$2]} (" "$1/.crates.toml" 2>/dev/null
}

for tool in "$@"; do
    [[ -n ${version[$tool]-} ]] || die "install-tools.sh: no tool is called $tool (${!version[*]})"
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
