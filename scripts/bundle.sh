#!/usr/bin/env bash
# bundle.sh BUNDLE[,BUNDLE]: builds a release into what Tauri's bundler makes on this system: appimage, dmg, nsis, msi. They are in
# target/bundles. The deb and the rpm are our own: package.sh. It runs in the bash of macOS and in Git's for Windows, too.
#
# With TAURI_SIGNING_PRIVATE_KEY (and _PASSWORD) in the environment each comes with a signature for the app's updater; the app looks
# for its updates at PORCHLIGHT_UPDATES_FROM, and believes the key PORCHLIGHT_UPDATES_KEY. packaging/README.md tells how they are made.
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
if [[ -n ${TAURI_SIGNING_PRIVATE_KEY-} ]]; then
    [[ -n ${PORCHLIGHT_UPDATES_FROM-} && -n ${PORCHLIGHT_UPDATES_KEY-} ]] ||
        die 'There is a key to sign with, but PORCHLIGHT_UPDATES_FROM or PORCHLIGHT_UPDATES_KEY is missing.'
    signing='"createUpdaterArtifacts": true'
    # What the updater fetches on macOS is the app by itself.
    bundles=${bundles/dmg/app,dmg}
else
    signing='"createUpdaterArtifacts": false'
fi
# The bundler is off in tauri.conf.json, where a plain build has no use for it, and on here. It looks whether the two keys are a pair.
key=${PORCHLIGHT_UPDATES_KEY-}
cd src-tauri
../packaging/bundler/node_modules/.bin/tauri build --ci --bundles "$bundles" \
    --config '{ "bundle": { "active": true, '"$signing"' }, "plugins": { "updater": { "pubkey": "'"$key"'" } } }' -- --locked
cd ..

mkdir -p target/bundles
for kind in ${bundles//,/ }; do
    # What is handed out, without what it was made of.
    case $kind in
    appimage) suffix=AppImage ;;
    nsis) suffix=exe ;;
    app) suffix=app.tar.gz kind=macos ;;
    *) suffix=$kind ;;
    esac
    find "$built/$kind" -maxdepth 1 -type f \( -name "*.$suffix" -o -name "*.$suffix.sig" \) -exec cp {} target/bundles \;
done
for file in target/bundles/*; do
    [[ -f $file ]] || die "The bundler made none of: $bundles"
    say "$(wc -c <"$file" | tr -d ' ') bytes $file"
done
