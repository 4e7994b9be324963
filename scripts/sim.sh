#!/usr/bin/env bash
# sim.sh [COUNT] [FROM]: runs COUNT schedules of the simulated network, and of simulated memberships, other ones each time. It prints
# the first that fails, shrunk. One of the network is kept in crates/core/tests/sim/regressions.jsonl.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

scripts/check-toolchain.sh rust
count=${1:-100000} from=${2:-$(date +%s)000000}
say "$count schedules from seed $from on"
SIM_SCHEDULES=$count SIM_FROM=$from cargo test --profile sim --locked -p porchlight-core --test sim -- in_the_end what_ever
SIM_SCHEDULES=$count SIM_FROM=$from cargo test --profile sim --locked -p porchlight-team --test sim -- in_the_end what_ever every_member
