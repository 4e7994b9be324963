#!/usr/bin/env bash
# bundle.sh BUNDLE[,BUNDLE]: builds a release into what Tauri's bundler makes on this system: appimage, dmg, nsis, msi. They are in
# target/bundles. The deb and the rpm are our own: package.sh. It runs in the bash of macOS and in Git's for Windows, too.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

bundles=${1:?which bundles: appimage, dmg, nsis, msi}
scripts/check-toolchain.sh rust node
# Elsewhere the system has what is needed, and its bash may be too old for the list.
[[ $(uname -s) != Linux ]] || scripts/install-packages.sh build bundle
scripts/build-ui.sh
scripts/npm-ci.sh packaging/bundler

built=$CARGO_TARGET_DIR/release/bundle
rm -rf "$built" target/bundles
# The bundler is off in tauri.conf.json, where a plain build has no use for it, and on here.
cd src-tauri
../packaging/bundler/node_modules/.bin/tauri build --ci --bundles "$bundles" \
    --config '{ "bundle": { "active": true } }' -- --locked
cd ..

mkdir -p target/bundles
for kind in ${bundles//,/ }; do
    # What is handed out, without what it was made of.
    case $kind in
    appimage) suffix=AppImage ;;
    nsis) suffix=exe ;;
    *) suffix=$kind ;;
    esac
    find "$built/$kind" -maxdepth 1 -type f -name "*.$suffix" -exec cp {} target/bundles \;
done
for file in target/bundles/*; do
    [[ -f $file ]] || die "The bundler made none of: $bundles"
    say "$(wc -c <"$file" | tr -d ' ') bytes $file"
done
