#!/usr/bin/env bash
# package.sh [VERSION]: builds a release and puts it into a deb and an rpm, in target/package. VERSION is what the packages
# call themselves, if not what Cargo.toml says. What is in them, and why, tells packaging/README.md.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

[[ $(uname -s) == Linux ]] || die 'package.sh makes the packages of Linux; build them there.'
scripts/check-toolchain.sh rust node
scripts/install-packages.sh build package
scripts/build-ui.sh

version=${1:-$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml)}
out=$root/target/package
tree=$out/root

# The same sources make the same packages, whenever and wherever: times are those of the last commit, and no file has the
# names of the build machine's folders.
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || stat -c %Y CHANGELOG.md)}
export SOURCE_DATE_EPOCH

# In a folder of its own: with other flags than those of a release for `make bench`, each would build everything anew.
# The variable is how Tauri is told to leave out its commands that no capability allows (`removeUnusedCommands`).
build() {
    local flags=(
        "--remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=/cargo"
        "--remap-path-prefix=$root=/porchlight"
    )
    CARGO_ENCODED_RUSTFLAGS=$(IFS=$'\x1f' && echo "${flags[*]}") REMOVE_UNUSED_COMMANDS=$root/src-tauri \
        cargo build --release --locked --target-dir "$out/build" -p porchlight-desktop -p porchlight-cli \
        --no-default-features --features porchlight-desktop/custom-protocol # no updater: the package manager is one
}

# What is installed, as it is installed.
lay_out() {
    rm -rf "$tree"
    mkdir -p "$tree/usr/bin"
    cp -r packaging/root/. "$tree"
    install -m 755 -t "$tree/usr/bin" "$out"/build/release/porchlight{,-desktop}
    # What the grammar of the command line says of itself. The rpm puts zsh's where others than Debian look.
    local porchlight=$tree/usr/bin/porchlight share=$tree/usr/share
    mkdir -p "$share"/{man/man1,bash-completion/completions,zsh/vendor-completions,fish/vendor_completions.d}
    "$porchlight" man "$share/man/man1"
    find "$share/man" -name '*.1' -exec gzip -9n {} +
    "$porchlight" completions bash >"$share/bash-completion/completions/porchlight"
    "$porchlight" completions zsh >"$share/zsh/vendor-completions/_porchlight"
    "$porchlight" completions fish >"$share/fish/vendor_completions.d/porchlight.fish"

    local apps icon
    for icon in icons/hicolor/*/apps; do
        apps=$tree/usr/share/icons/${icon#icons/}
        mkdir -p "$apps"
        cp "$icon"/* "$apps"
    done
    install -Dm 644 icons/porchlight.svg "$tree/usr/share/icons/hicolor/scalable/apps/app.porchlight.Porchlight.svg"

    local doc=$tree/usr/share/doc/porchlight
    install -Dm 644 -t "$doc" README.md
    scripts/third-party.mjs | gzip -9n >"$doc/THIRD-PARTY.gz"
    find "$tree" -type d -exec chmod 755 {} +
    find "$tree" -type f -exec chmod go-w,a+r {} +
    find "$tree" -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +
}

# The libraries that the programs need, in the versions that they need, as Debian names them.
libraries() {
    local scratch=$out/shlibdeps
    rm -rf "$scratch"
    mkdir -p "$scratch/debian"
    printf 'Source: porchlight\n\nPackage: porchlight\nArchitecture: any\n' >"$scratch/debian/control"
    # It warns that the programs lie elsewhere than in a source package of Debian's.
    (cd "$scratch" && dpkg-shlibdeps -O "$tree"/usr/bin/porchlight{,-desktop} >depends 2>said) || { cat "$scratch/said" >&2; return 1; }
    sed -n 's/^shlibs:Depends=//p' "$scratch/depends"
}

deb() {
    local arch staged=$out/deb
    arch=$(dpkg --print-architecture)
    file=$out/porchlight_${version}_$arch.deb
    rm -rf "$staged"
    cp -r --preserve=mode,timestamps "$tree" "$staged"

    local doc=$staged/usr/share/doc/porchlight
    install -m 644 packaging/deb/copyright "$doc/copyright"
    gzip -9n <CHANGELOG.md >"$doc/CHANGELOG.md.gz"
    # Debian's own form, which its tools read.
    gzip -9n >"$doc/changelog.gz" <<END
porchlight ($version) unstable; urgency=medium

  * What is new is told in CHANGELOG.md.gz.

 -- $(sed -n 's/^Maintainer: //p' packaging/deb/control)  $(date --utc --rfc-email --date="@$SOURCE_DATE_EPOCH")
END

    mkdir "$staged/DEBIAN"
    install -m 755 -t "$staged/DEBIAN" packaging/deb/{prerm,postinst}
    (cd "$staged" && find usr -type f -print0 | LC_ALL=C sort -z | xargs -0 md5sum) >"$staged/DEBIAN/md5sums"
    local depends size
    depends=$(libraries)
    size=$(du -sk --apparent-size "$staged/usr" | cut -f1)
    sed -e "s/@VERSION@/$version/; s/@ARCH@/$arch/; s/@SIZE@/$size/; s/@LIBRARIES@/$depends/" \
        packaging/deb/control >"$staged/DEBIAN/control"
    chmod 644 "$staged"/DEBIAN/{control,md5sums}
    dpkg-deb --root-owner-group -Zxz --build "$staged" "$file" >/dev/null
}

rpm() {
    local top=$out/rpm
    rm -rf "$top"
    file=$out/porchlight-$version-1.$(command rpm --eval '%{_arch}').rpm
    # It finds the libraries that the programs need by itself, by their sonames, which are the same in every distribution.
    rpmbuild -bb --quiet --define "_topdir $top" --define "_rpmdir $top" --define "tree $tree" --define "licences $root" \
        --define "version $version" --define '_rpmfilename out.rpm' packaging/rpm/porchlight.spec
    mv "$top/out.rpm" "$file"
}

say 'Building a release (the first time takes some minutes)'
build
lay_out
for kind in deb rpm; do
    $kind
    say "$(stat -c %s "$file" | numfmt --to=iec-i --suffix=B) ${file#"$root"/}"
done
