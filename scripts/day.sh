#!/usr/bin/env bash
# day.sh [--days N] [--trace NAME [--day N] [--design NAME]]: runs ten working days of twelve people in the simulated network and
# prints for how long a dot is wrong, beside other designs; or one person's day, line by line. Ends with 1 where a bar is missed.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

scripts/check-toolchain.sh rust
# The figures alone go to the standard output.
cargo build --profile sim --locked -p porchlight-core --example day >&2
exec target/sim/examples/day "$@"
