#!/usr/bin/env bash
# sim.sh [COUNT] [FROM]: runs so many schedules of the simulated network, other ones each time, and prints the first that fails,
# shrunk, a step a line. It is kept in crates/core/tests/sim/regressions.jsonl.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

scripts/check-toolchain.sh rust
count=${1:-100000} from=${2:-$(date +%s)000000}
say "$count schedules from seed $from on"
SIM_SCHEDULES=$count SIM_FROM=$from cargo test --profile sim --locked -p porchlight-core --test sim -- in_the_end what_ever
