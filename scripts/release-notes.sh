#!/usr/bin/env bash
# release-notes.sh TAG: what CHANGELOG.md says of the version that the tag names. It fails where the tag is not the version of
# Cargo.toml, or nothing is said of it.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

tag=$1
version=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml)
[[ $tag == "v$version" ]] || die "The tag is $tag, and Cargo.toml says $version: one of them is wrong."
# A heading is `## 1.2.3`, or `## [1.2.3] - 2026-01-31`.
notes=$(awk -v version="$version" '
    /^## / { heading = $2; gsub(/[][]/, "", heading); inside = heading == version; next }
    inside' CHANGELOG.md)
[[ $notes == *[![:space:]]* ]] || die "CHANGELOG.md has no section for $version."
say "$notes"
