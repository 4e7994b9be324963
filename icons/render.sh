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

# --- the tray icons, for trays that take pixels only. Each state is drawn twice, with its edges between the pixels of a grid of
# 16 and of one of 22. A size comes from the grid that it is a multiple of; 24 and 48 are 22 and 44 with a rim around them.
mkdir -p tray
grid() { # grid SIZE STATE FILE [RIM]
    local from=scalable rim=${4-0}
    (($1 % 16)) || (($1 > 32)) || from=16x16
    rsvg-convert --width $(($1 - 2 * rim)) --height $(($1 - 2 * rim)) --page-width "$1" --page-height "$1" --left "$rim" --top "$rim" \
        "hicolor/$from/status/porchlight-$2.svg" --output "$3"
}
for source in hicolor/scalable/status/porchlight-*.svg; do
    state=$(basename "$source" .svg)
    state=${state#porchlight-}
    for size in 16 22 32 44 64; do
        grid "$size" "$state" "tray/$state-$size.png"
    done
    grid 24 "$state" "tray/$state-24.png" 1
    grid 48 "$state" "tray/$state-48.png" 2
done

# --- a look at all of them, on a dark panel and a light one
sheet() { # sheet PANEL LETTERS FILE
    local state size x y=40 draw=()
    for state in online unknown away dnd invisible offline connecting; do
        x=100
        for size in 16 22 24 32 48; do
            draw+=('(' "tray/$state-$size.png" ')' -geometry "+$x+$((y - size / 2))" -composite)
            x=$((x + size + 14))
        done
        # The smallest one without its colours, three times as large: its shape alone must distinguish it from the others.
        draw+=('(' "tray/$state-16.png" -colorspace gray -filter point -resize 300% ')' -geometry "+$((x + 10))+$((y - 24))" -composite)
        draw+=(-annotate "+14+$((y + 4))" "$state")
        y=$((y + 58))
    done
    convert -size "396x$((y - 18))" "xc:$1" -fill "$2" -font DejaVu-Sans -pointsize 12 "${draw[@]}" "$3"
}
sheet '#2b2b2e' '#e8e8e8' "$scratch/dark.png"
sheet '#f2f2f2' '#222222' "$scratch/light.png"
convert "$scratch/dark.png" "$scratch/light.png" +append -depth 8 -strip -define png:exclude-chunks=date,time \
    -define png:compression-level=9 ../docs/pictures/tray-icons.png
