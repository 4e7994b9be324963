# shellcheck shell=bash
# Sourced by the checks of the packages: a check is a sentence and a command, and the first that fails ends it all.

# shellcheck disable=SC2154 # lib.sh says where the repository is
checked=$root/target/check-package
failure=$checked/check.log

# shellcheck disable=SC2034 # the caller reads it
passed=${passed:-0}
check() { # check SENTENCE COMMAND...
    local sentence=$1 start=$SECONDS
    shift
    mkdir -p "$checked"
    # Not as a condition: within one, bash would not stop a function at its first failure.
    set +e
    (
        set -e
        "$@"
    ) >"$failure" 2>&1 </dev/null
    local status=$?
    set -e
    if ((status)); then
        say "FAILED  $sentence"
        tail -n 60 "$failure" | sed 's/^/    /'
        exit 1
    fi
    passed=$((passed + 1))
    say "ok      $sentence$( ((SECONDS - start < 2)) || say " ($((SECONDS - start)) s)")"
}

until_it() { # until_it SECONDS COMMAND...: waits until that succeeds
    local end=$((SECONDS + $1))
    shift
    until "$@"; do
        ((SECONDS < end)) || { say "waited in vain for: $*"; return 1; }
        sleep 0.1
    done
}
