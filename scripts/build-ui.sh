#!/usr/bin/env bash
# Builds ui/dist, if something in ui/ or the catalogue in locales/ is newer. A build that is not needed would make cargo link the desktop app again.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

scripts/npm-ci.sh ui
built=ui/dist/index.html
# Folders count too: theirs is the time of the last file that was added or removed. ui/ itself changes with dist.
if [[ -f $built && -z $(find ui locales -mindepth 1 \( -path ui/node_modules -o -path ui/dist \) -prune -o -newer "$built" -print -quit) ]]; then
    exit 0
fi
npm --prefix ui run --silent build
touch "$built"
