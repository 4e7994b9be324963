#!/usr/bin/env bash
# install-packages.sh cli|build|lint|run|test|bench|peers|screenshots|platforms|package|bundle|check-package...: sees to it that the system
# packages for that purpose are there. On Debian and Ubuntu it installs what is missing; elsewhere it says what is missing. It asks
# the network nothing when nothing is missing.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# Each package by its Debian name, and what shows that it is there in whatever form this system has it:
# a program on the path, a pkg-config module, a shared library, a file by one of several names.
declare -A shown_by=(
    # The command line: ring has C in it, and TLS wants the system's root certificates.
    [build-essential]=program:cc
    [ca-certificates]='file:/etc/ssl/certs/ca-* /etc/ssl/ca-*'
    # The desktop app, to build. The first brings GTK 3, libsoup 3 and D-Bus; the second is for user-idle.
    [pkg-config]=program:pkg-config
    [libwebkit2gtk-4.1-dev]=module:webkit2gtk-4.1
    [libxss-dev]=module:xscrnsaver
    # The desktop app, to run. The first brings GTK 3, whose package has another name from release to release.
    [libwebkit2gtk-4.1-0]=library:libwebkit2gtk-4.1.so.0
    [libxss1]=library:libXss.so.1
    # The end-to-end tests: a display, a window manager, a window of somebody else's, input, pictures, a session bus,
    # the webview's driver, what opens links, a broker and a proxy that are not ours, certificates for it.
    [xvfb]=program:Xvfb
    [openbox]=program:openbox
    [x11-utils]=program:xmessage
    [xdotool]=program:xdotool
    [imagemagick]=program:import
    [dbus]=program:dbus-daemon
    [openssl]=program:openssl
    [webkit2gtk-driver]=program:WebKitWebDriver
    [mosquitto]=program:mosquitto
    [tinyproxy-bin]=program:tinyproxy
    # A firewall, which stays off until somebody switches it on.
    [ufw]=program:ufw
    [xdg-utils]=program:xdg-open
    # The HTTP API: a reader of streams, and the checks that make requests of its description, which are in Python.
    [curl]=program:curl
    [python3-venv]='file:/usr/lib/python3*/ensurepip /usr/local/lib/python3*/ensurepip'
    # Whose idle time is watched: GNOME's shell and KDE's, both without a screen.
    [mutter]=program:mutter
    [kwin-wayland]=program:kwin_wayland
    # What a session has around it: a network of its own, a sound server, a keyring, GNOME's settings.
    [iproute2]=program:ip
    [nftables]=program:nft
    # A reverse proxy in front of a hub.
    [nginx]=program:nginx
    [util-linux]=program:unshare
    # What a program asks of the disk.
    [strace]=program:strace
    [pulseaudio]=program:pulseaudio
    [pulseaudio-utils]=program:parec
    [libglib2.0-bin]=program:gsettings
    [dconf-gsettings-backend]='file:/usr/lib/*/gio/modules/libdconfsettings.so /usr/lib*/gio/modules/libdconfsettings.so'
    [gnome-keyring]=program:gnome-keyring-daemon
    [gsettings-desktop-schemas]=file:/usr/share/glib-2.0/schemas/org.gnome.desktop.notifications.gschema.xml
    # The pictures of the documentation: a panel with a tray, a daemon that shows notices, letters, emoji, icons for them, a language.
    [xfce4-panel]=program:xfce4-panel
    [xfce4-notifyd]='file:/usr/lib/*/xfce4/notifyd/xfce4-notifyd /usr/lib*/xfce4/notifyd/xfce4-notifyd'
    [fonts-inter]='file:/usr/share/fonts/*/inter*/Inter* /usr/share/fonts/*inter*/*Inter*'
    [fonts-dejavu-core]='file:/usr/share/fonts/*/dejavu/DejaVuSans.ttf /usr/share/fonts/*dejavu*/DejaVuSans.ttf'
    [fonts-noto-color-emoji]='file:/usr/share/fonts/*/noto/NotoColorEmoji.ttf /usr/share/fonts/*noto*/*NotoColorEmoji.ttf'
    [adwaita-icon-theme]=file:/usr/share/icons/Adwaita/index.theme
    [locales]=file:/usr/share/i18n/locales/en_GB
    # The packages for others: Debian's with the libraries that they need, and the rpm.
    [dpkg-dev]=program:dpkg-shlibdeps
    [rpm]=program:rpmbuild
    # An AppImage: the libraries that GTK opens by name, and what the bundler calls.
    [librsvg2-dev]=module:librsvg-2.0
    [patchelf]=program:patchelf
    [file]=program:file
    [xdg-utils]=program:xdg-mime
    # Their check: a Debian to install them in, and what looks at packages and menu entries without installing them.
    [debootstrap]=program:debootstrap
    [lintian]=program:lintian
    [desktop-file-utils]=program:desktop-file-validate
    [appstream]=program:appstreamcli
    [systemd]=program:systemd-analyze
    # What reads the man pages and completions.
    [man-db]=program:lexgrog
    [zsh]=program:zsh
    [fish]=program:fish
    # A reader of MQTT that is not ours, to measure beside.
    [mosquitto-clients]=program:mosquitto_sub
    # Other programs that show who is around, to measure beside, with a server and a tray for them.
    [pidgin]=program:pidgin
    [gajim]=program:gajim
    [dino-im]=program:dino-im
    [prosody]=program:prosody
    [trayer]=program:trayer
    [sqlite3]=program:sqlite3
    # The checks for other systems: ring is compiled for them, in C and assembler.
    [gcc-mingw-w64-x86-64-win32]=program:x86_64-w64-mingw32-gcc
    [clang]=program:clang
)

wanted=()
for purpose in "$@"; do
    case $purpose in
    cli) wanted+=(build-essential ca-certificates) ;;
    build) wanted+=(build-essential ca-certificates pkg-config libwebkit2gtk-4.1-dev libxss-dev) ;;
    lint) wanted+=(python3-venv) ;;
    run) wanted+=(libwebkit2gtk-4.1-0 libxss1) ;;
    test) wanted+=(xvfb openbox x11-utils xdg-utils xdotool imagemagick dbus openssl webkit2gtk-driver mosquitto tinyproxy-bin ufw mutter kwin-wayland
        curl python3-venv strace
        iproute2 nftables nginx util-linux pulseaudio pulseaudio-utils gnome-keyring libglib2.0-bin dconf-gsettings-backend gsettings-desktop-schemas) ;;
    package) wanted+=(dpkg-dev rpm) ;;
    bundle) wanted+=(librsvg2-dev patchelf file xdg-utils) ;;
    check-package) wanted+=(debootstrap lintian desktop-file-utils appstream systemd xvfb openbox x11-utils imagemagick util-linux
        man-db zsh fish) ;;
    bench) wanted+=(mosquitto mosquitto-clients) ;;
    peers) wanted+=(pidgin gajim dino-im prosody trayer sqlite3 mosquitto iproute2 util-linux) ;;
    screenshots) wanted+=(xfce4-panel xfce4-notifyd fonts-inter fonts-dejavu-core fonts-noto-color-emoji adwaita-icon-theme locales) ;;
    platforms) wanted+=(build-essential gcc-mingw-w64-x86-64-win32 clang) ;;
    *) die "install-packages.sh: no purpose is called $purpose (cli, build, lint, run, test, bench, peers, screenshots, platforms, package, bundle, check-package)" ;;
    esac
done

# macOS and Windows bring the webview along; their compilers are the only thing to ask for.
case $(uname -s) in
Linux) ;;
*)
    command -v cc >/dev/null || die 'Porchlight needs a C compiler (on macOS: xcode-select --install).'
    exit 0
    ;;
esac

is_there() {
    local what=${shown_by[$1]#*:}
    case ${shown_by[$1]%%:*} in
    program) command -v "$what" >/dev/null ;;
    module) pkg-config --exists "$what" 2>/dev/null ;;
    library) ldconfig -p 2>/dev/null | grep -qF "$what" ;;
    file)
        local pattern
        for pattern in $what; do compgen -G "$pattern" >/dev/null && return; done
        return 1
        ;;
    esac
}

declare -A installed=()
if command -v dpkg-query >/dev/null; then
    while read -r package status; do
        [[ $status == installed ]] && installed[$package]=1
    done < <(dpkg-query -W -f '${Package} ${db:Status-Status}\n' "${wanted[@]}" 2>/dev/null)
fi

missing=()
for package in "${wanted[@]}"; do
    [[ -n ${installed[$package]-} ]] || is_there "$package" || missing+=("$package")
done
((${#missing[@]})) || exit 0

if ! command -v apt-get >/dev/null; then
    say 'Porchlight needs these, here by their Debian names, and cannot install them on this system:' >&2
    for package in "${missing[@]}"; do
        say "    $package (looked for the ${shown_by[$package]/:/ })" >&2
    done
    exit 1
fi

as_root=()
if [[ $EUID != 0 ]]; then
    as_root=(sudo -n)
    if ! "${as_root[@]}" true 2>/dev/null; then
        say 'Porchlight needs system packages that are missing. To install them:' >&2
        say "    sudo apt-get update && sudo apt-get install -y --no-install-recommends ${missing[*]}" >&2
        exit 1
    fi
fi

say "Installing system packages: ${missing[*]}"
log=$root/target/logs/packages.log
mkdir -p "$(dirname "$log")"
apt() { "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300 "$@" </dev/null >>"$log" 2>&1; }
: >"$log"
# One unreachable source among several need not stop the installation, so the second command decides.
apt update || say 'Some package lists could not be fetched.'
if ! apt install -y --no-install-recommends "${missing[@]}"; then
    tail -n 20 "$log" >&2
    die "The packages were not installed; all that apt said is in target/logs/packages.log."
fi

# Servers that Debian starts as they are installed.
declare -A port=([mosquitto]=1883 [prosody]=5222 [nginx]=80)
for package in mosquitto prosody nginx; do
    if [[ " ${missing[*]} " == *" $package "* && -d /run/systemd/system ]]; then
        say "The $package package also started a system service on port ${port[$package]}. Nothing here uses it. To switch it off:"
        say "    sudo systemctl disable --now $package"
    fi
done
