#!/usr/bin/env bash
# check-package.sh: looks at the packages as Debian's and rpm's own tools see them, and then lives with the deb in a small Debian
# made for that (check-package/root.sh). It has to be root for that, and takes the mirror from this machine's own sources.
# Pictures and what the programs wrote are in target/check-package.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
source scripts/check-package/check.sh

scripts/install-packages.sh check-package
as_root=()
if [[ $EUID != 0 ]]; then
    as_root=(sudo -n)
    "${as_root[@]}" true 2>/dev/null || die 'A root for a Debian of its own can only be made as root: sudo make check-package'
fi

# One to begin with, and the one that follows it: the same programs, but a later package.
version=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml)
next=$version.1
scripts/package.sh "$version"
scripts/package.sh "$next"

packages=$root/target/package
deb=$packages/porchlight_${version}_$(dpkg --print-architecture).deb
rpm=$packages/porchlight-$version-1.$(rpm --eval '%{_arch}').rpm
tree=$packages/root
share=$tree/usr/share
mkdir -p "$checked"

# --- as the tools see them

check 'the menu entry is valid' desktop-file-validate "$share/applications/app.porchlight.Porchlight.desktop"
check 'the description for software centres is valid' \
    appstreamcli validate --no-net "$share/metainfo/app.porchlight.Porchlight.metainfo.xml"
check 'lintian has nothing against the deb' lintian --fail-on error,warning --info "$deb"

units_are_valid() {
    # Among the units of this system, which has the targets that ours name.
    local place=$checked/units
    rm -rf "$place"
    mkdir -p "$place"
    cp "$tree"/usr/lib/systemd/user/*.service "$place"
    sed -i "s,/usr/bin/porchlight,$tree/usr/bin/porchlight," "$place"/*.service
    local said
    # Where a user's systemd would have its sockets.
    export XDG_RUNTIME_DIR=$place
    said=$(systemd-analyze verify --man=no --user --recursive-errors=no "$place"/*.service 2>&1) || { say "$said"; return 1; }
    sed "s,/usr/bin/porchlight,$tree/usr/bin/porchlight," "$share/doc/porchlight/examples/porchlight-hub.service" \
        >"$place/porchlight-hub.service"
    said+=$(systemd-analyze verify --man=no --recursive-errors=no "$place/porchlight-hub.service" 2>&1) || { say "$said"; return 1; }
    [[ -z $said ]] || { say "$said"; return 1; }
}
check 'the units are valid' units_are_valid

system_hub_is_confined() {
    systemd-analyze security --offline=yes --threshold=20 --no-pager "$checked/units/porchlight-hub.service"
}
check "the system's unit for a hub leaves little exposed" system_hub_is_confined

nothing_of_the_builder() {
    local found
    found=$(strings -a "$tree"/usr/bin/* | grep -F -e "$root" -e "${CARGO_HOME:-$HOME/.cargo}" | head -n 5) || return 0
    say "$found"
    return 1
}
check 'the programs tell nothing of the folders of whoever built them' nothing_of_the_builder

contents() { # what both packages have in common; documents lie where each kind of package has them
    grep -E '^/usr/(bin|lib|libexec|share/(applications|bash-completion|dbus-1|fish|icons|man|metainfo|zsh))/' |
        sed 's,/zsh/vendor-completions/,/zsh/site-functions/,' | LC_ALL=C sort
}
same_contents() {
    local in_deb in_rpm
    in_deb=$(dpkg-deb --fsys-tarfile "$deb" | tar -t | sed 's/^\.//' | grep -v '/$' | contents)
    in_rpm=$(rpm -qp --qf '[%{FILENAMES} %{FILEMODES:perms}\n]' "$rpm" 2>/dev/null | sed -n 's/ -.*//p' | contents)
    diff <(say "$in_deb") <(say "$in_rpm")
    for needed in bin/porchlight bin/porchlight-desktop lib/systemd/user/porchlight.service \
        share/bash-completion/completions/porchlight share/fish/vendor_completions.d/porchlight.fish \
        share/zsh/site-functions/_porchlight share/man/man1/porchlight.1.gz share/man/man1/porchlight-desktop.1.gz \
        share/metainfo/app.porchlight.Porchlight.metainfo.xml share/icons/hicolor/scalable/apps/app.porchlight.Porchlight.svg; do
        grep -qx "/usr/$needed" <<<"$in_deb" || { say "not there: $needed"; return 1; }
    done
}
check 'deb and rpm have the same in them' same_contents

every_command_has_a_page() {
    local command page said
    for command in $("$tree/usr/bin/porchlight" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]\+\) .*/\1/p'); do
        [[ $command == help || -f $share/man/man1/porchlight-$command.1.gz ]] || { say "no page of $command"; return 1; }
    done
    for page in "$share"/man/man1/*; do
        said=$(MANROFFSEQ='' MANWIDTH=80 man --warnings -E UTF-8 -l -Tutf8 -Z "$page" 2>&1 >/dev/null)
        [[ -z $said ]] || { say "$page: $said"; return 1; }
        [[ $(lexgrog "$page") == *' - '* ]] || { say "apropos finds nothing in $page"; return 1; }
    done
}
check 'every command has a man page that man has nothing against' every_command_has_a_page

shells_complete() {
    local file=$share/bash-completion/completions/porchlight found
    # shellcheck disable=SC2016 # for the bash inside
    found=$(bash -c 'source "$0"; COMP_WORDS=(porchlight w) COMP_CWORD=1; _porchlight porchlight w porchlight
        printf "%s\n" "${COMPREPLY[@]}"' "$file" | LC_ALL=C sort | tr '\n' ' ')
    [[ $found == 'wait watch wave who ' ]] || { say "bash completes w to: $found"; return 1; }
    found=$(fish --no-config -c 'source $argv[1]; complete -C "porchlight w"' "$share/fish/vendor_completions.d/porchlight.fish" |
        cut -f1 | LC_ALL=C sort | tr '\n' ' ')
    [[ $found == 'wait watch wave who ' ]] || { say "fish completes w to: $found"; return 1; }
    zsh -f -n "$share/zsh/vendor-completions/_porchlight"
    # shellcheck disable=SC2016 # for the zsh inside
    zsh -f -c 'fpath=($0 $fpath); autoload -Uz compinit; compinit -D; [[ $_comps[porchlight] == _porchlight ]]' \
        "$share/zsh/vendor-completions"
}
check 'bash, zsh and fish complete the commands' shells_complete

rpm_wants_libraries_only() {
    local wants
    wants=$(rpm -qp --requires "$rpm" 2>/dev/null)
    # By their sonames, which every distribution has: a package's name would be that of one.
    grep -vE '^(lib[^ ]*\.so[^ ]*|ld-linux[^ ]*|rtld\(GNU_HASH\)|rpmlib\(.*|/bin/sh)( |$)' <<<"$wants" && return 1
    for library in libwebkit2gtk-4.1.so.0 libgtk-3.so.0 libc.so.6; do
        grep -qF "$library" <<<"$wants" || { say "does not ask for $library"; return 1; }
    done
}
check 'the rpm asks for libraries by the names that all distributions have' rpm_wants_libraries_only

# --- in a Debian

# The mounts have gone with the space that they were made in, so nothing is removed but what was made.
# shellcheck disable=SC2317 # called by the trap
clear_away() { "${as_root[@]}" rm -rf --one-file-system "$checked/debian" "$checked/bare"; }
trap clear_away EXIT
clear_away
"${as_root[@]}" env PATH="$PATH" passed="$passed" unshare --mount --pid --fork --kill-child \
    scripts/check-package/root.sh "$deb" "${deb/_${version}_/_${next}_}" "$rpm"
