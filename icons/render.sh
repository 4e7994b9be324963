#!/usr/bin/env bash
# Renders the PNG, ICO and ICNS files from the SVG sources. The renderings are committed, so that a build
# needs neither tool; run this after changing a source. The same tools give the same bytes again.
# Needs rsvg-convert (Debian: librsvg2-bin) and convert (Debian: imagemagick).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

png() { # png SIZE SVG FILE
    rsvg-convert --width "$1" --height "$1" "$2" --output "$3"
}

# --- the app icon
for size in 16 24 32 48 64 128 256 512; do
    png "$size" porchlight.svg "$scratch/$size.png"
done
cp "$scratch/32.png" 32x32.png
cp "$scratch/128.png" 128x128.png
cp "$scratch/256.png" 128x128@2x.png
cp "$scratch/512.png" icon.png

# What the packages install; the vector goes beside them. The symbolic one is the lamp that is lit.
id=app.porchlight.Porchlight
for size in 16 24 32 48 64 128 256 512; do
    mkdir -p "hicolor/${size}x$size/apps"
    cp "$scratch/$size.png" "hicolor/${size}x$size/apps/$id.png"
done
mkdir -p hicolor/symbolic/apps
cp hicolor/symbolic/status/porchlight-online-symbolic.svg "hicolor/symbolic/apps/$id-symbolic.svg"

# The 32 px layer comes first: a debug build on Windows shows that one.
convert "$scratch"/{32,16,24,48,64,256}.png "$scratch/icon.ico"
cp "$scratch/icon.ico" icon.ico

# An ICNS file is a header and typed chunks, each with its length (its own 8 bytes included), big-endian.
be32() {
    printf '%b' "$(printf '\\x%02x\\x%02x\\x%02x\\x%02x' \
        $(($1 >> 24 & 255)) $(($1 >> 16 & 255)) $(($1 >> 8 & 255)) $(($1 & 255)))"
}
icns_chunk() { # icns_chunk TYPE FILE
    printf '%s' "$1"
    be32 $(($(wc -c <"$2") + 8))
    cat "$2"
}
{
    icns_chunk ic11 "$scratch/32.png"   # 16 pt at 2x
    icns_chunk ic12 "$scratch/64.png"   # 32 pt at 2x
    icns_chunk ic07 "$scratch/128.png"  # 128 pt
    icns_chunk ic13 "$scratch/256.png"  # 128 pt at 2x
    icns_chunk ic08 "$scratch/256.png"  # 256 pt
    icns_chunk ic14 "$scratch/512.png"  # 256 pt at 2x
    icns_chunk ic09 "$scratch/512.png"  # 512 pt
} >"$scratch/chunks"
icns_chunk icns "$scratch/chunks" >icon.icns

# --- the tray icons, for trays that take pixels only
mkdir -p tray
for source in hicolor/scalable/status/porchlight-*.svg; do
    state=$(basename "$source" .svg)
    state=${state#porchlight-}
    for size in 22 32 44 64; do
        png "$size" "$source" "tray/$state-$size.png"
    done
done
