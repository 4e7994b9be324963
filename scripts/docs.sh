#!/usr/bin/env bash
# docs.sh: builds the documentation as a site in target/docs.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

scripts/check-toolchain.sh rust
scripts/install-tools.sh mdbook
PATH=$tools/bin:$PATH mdbook build
say "The documentation is at target/docs/index.html"
