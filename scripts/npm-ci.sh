#!/usr/bin/env bash
# npm-ci.sh FOLDER: installs the packages of its lock file, if they are not those that are installed.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

folder=$1
# npm removes node_modules before it fills it anew, so the stamp inside stands for a finished installation.
stamp=$folder/node_modules/.installed-from
state=$(node --version && sha256sum "$folder/package.json" "$folder/package-lock.json")
[[ -f $stamp && $(<"$stamp") == "$state" ]] && exit 0
npm --prefix "$folder" ci --no-audit --no-fund --loglevel=error
mkdir -p "$folder/node_modules"
printf '%s\n' "$state" >"$stamp"
