#!/usr/bin/env bash
# root.sh DEB NEXT-DEB RPM: installs, uses, upgrades and removes the package in a Debian made for that. Called by
# scripts/check-package.sh, as root, with mounts and processes of its own.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
source scripts/check-package/check.sh

# The first process of a space of its own: all others end when this one does, and no mount is seen outside.
[[ $$ == 1 ]] || die 'root.sh is called by scripts/check-package.sh'
mount --make-rprivate /
mount -t proc proc /proc

deb=$1 next_deb=$2 rpm=$3
host_programs=$root/target/package/build/release
suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
label=$(. /etc/os-release && echo "${ID^}")
base=$checked/$suite
debian=$checked/debian
archives=$checked/archives
outside=$checked/outside
rm -rf "$outside"
mkdir -p "$outside"

# --- the rpm, in a system without anything

rpm_asks() {
    local bare=$checked/bare
    rm -rf "$bare"
    mkdir -p "$bare"
    rpm --root "$bare" --initdb
    ! rpm --root "$bare" --install --test "$rpm" 2>"$outside/rpm"
    grep -F 'libwebkit2gtk-4.1.so.0()(64bit) is needed by porchlight' "$outside/rpm"
    rpm --root "$bare" --install --nodeps --noscripts "$rpm"
    "$bare/usr/bin/porchlight" --version
    [[ $(stat -c %U:%G:%a "$bare"/usr/libexec/porchlight/tell-running "$bare"/usr/bin/* | sort -u) == root:root:755 ]]
}
check 'the rpm asks for what it needs, and puts everything where it runs' rpm_asks

# --- the Debian

# What this machine itself has of its distribution; packages of others are no part of what is promised.
indexes() { apt-get indextargets --format "$1" 'Created-By: Packages' "Label: $2"; }

make_base() {
    [[ -d $base ]] && return
    local mirror
    # shellcheck disable=SC2016 # apt's own
    mirror=$(indexes '$(RELEASE) $(REPO_URI)' "$label" | sed -n "s/^$suite //p" | head -n 1)
    [[ -n $mirror ]] || { say "this machine's apt knows no mirror of $suite"; return 1; }
    rm -rf --one-file-system "$base.part"
    debootstrap --variant=minbase "$suite" "$base.part" "$mirror"
    mv "$base.part" "$base"
}
check "a minimal $label ($suite) is made" make_base

inside() { chroot "$debian" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"; }

set_up() {
    cp -a "$base" "$debian"
    mkdir -p "$archives/partial" "$debian/tmp/.X11-unix" /tmp/.X11-unix
    chmod 1777 /tmp/.X11-unix
    mount -t proc proc "$debian/proc"
    mount --rbind /dev "$debian/dev"
    mount --bind /tmp/.X11-unix "$debian/tmp/.X11-unix"
    mount --bind "$archives" "$debian/var/cache/apt/archives"
    cp /etc/resolv.conf /etc/hosts "$debian/etc/"
    # shellcheck disable=SC2016 # apt's own
    for of in "$label" "$label-Security"; do
        indexes 'deb $(REPO_URI) $(RELEASE) $(COMPONENT)' "$of"
    done | sort -u >"$debian/etc/apt/sources.list"
    apt-config dump --format '%F "%v";%n' Acquire | grep -iE 'proxy|check-valid-until' >"$debian/etc/apt/apt.conf.d/80machine" || true
    # It need not outlive a power cut, and no service is started: no system runs in there.
    echo force-unsafe-io >"$debian/etc/dpkg/dpkg.cfg.d/check"
    printf '#!/bin/sh\nexit 101\n' >"$debian/usr/sbin/policy-rc.d"
    chmod 755 "$debian/usr/sbin/policy-rc.d"
    inside apt-get update
    local person
    for person in anna bert; do
        inside useradd --create-home --shell /bin/sh "$person"
        install -d -m 700 -o "$(id_of $person)" -g "$(id_of $person)" "$debian/run/user/$(id_of $person)"
    done
}
id_of() { awk -F: -v name="$1" '$1 == name { print $3 }' "$debian/etc/passwd"; }
check 'two people live in it' set_up

declare -A session=()
as() { # as PERSON COMMAND...: in that person's session
    local person=$1
    shift
    # shellcheck disable=SC2086 # a list of variables
    chroot --userspec="$person:$person" "$debian" /usr/bin/env -i -C "/home/$person" PATH=/usr/bin:/bin LANG=C.UTF-8 \
        HOME="/home/$person" USER="$person" LOGNAME="$person" XDG_RUNTIME_DIR="/run/user/$(id_of "$person")" \
        ${session[$person]-} "$@"
}

living() { # living exe|root PATTERN: the processes whose program, or whose root, that is
    local process
    for process in /proc/[0-9]*; do
        # shellcheck disable=SC2053 # a pattern
        if [[ $(readlink "$process/$1") == $2 ]]; then echo "${process#/proc/}"; fi
    done
}
ours() { living exe "$debian/usr/bin/porchlight*"; }
desk() { living exe "$debian/usr/bin/porchlight-desktop*"; }

# --- installing

bring() { install -m 644 -D "$1" "$debian/packages/$(basename "$1")"; }
apt_install() {
    bring "$1"
    inside apt-get install -y --no-install-recommends "/packages/$(basename "$1")"
}
check 'the package is installed with all that it depends on' apt_install "$deb"

# These take minutes to install, and most desktops have them. apt leaves out in silence what it can't find.
recommends() {
    local alternatives
    inside dpkg-query -W -f '${Recommends}\n' porchlight | tr ',' '\n' >"$outside/recommends"
    while read -r alternatives; do
        inside apt-get install --simulate --no-install-recommends "${alternatives%% *}"
    done <"$outside/recommends"
}
check 'what it recommends is there to be had' recommends

complete() {
    [[ $(inside dpkg-query -W -f '${db:Status-Abbrev}' porchlight) == 'ii ' ]]
    inside dpkg --verify porchlight
    local libraries
    libraries=$(inside ldd /usr/bin/porchlight-desktop /usr/bin/porchlight)
    ! grep 'not found' <<<"$libraries"
    inside porchlight --version
    [[ -z $(ours) ]]
}
check 'it is complete, its libraries are there, and nothing of it was started' complete

# --- the menu, with what a desktop has to read it

desktop_tools() {
    inside apt-get install -y --no-install-recommends \
        desktop-file-utils xdg-utils libglib2.0-bin python3-gi gir1.2-gtk-3.0 dbus-user-session
}
check 'what a desktop has is installed beside it' desktop_tools

found_in_menu() {
    as anna python3 -c '
from gi.repository import Gio
found = [app for app in Gio.AppInfo.get_all() if app.get_id() == "app.porchlight.Porchlight.desktop"]
assert len(found) == 1 and found[0].should_show(), found
hits = [name for group in Gio.DesktopAppInfo.search("presence") for name in group]
assert hits == ["app.porchlight.Porchlight.desktop"], hits'
}
check 'the menu has it, also when searched for' found_in_menu

opens_links() {
    [[ $(as anna xdg-mime query default x-scheme-handler/porchlight) == app.porchlight.Porchlight.desktop ]]
    as anna gio mime x-scheme-handler/porchlight | grep -E '^Default application.*: app.porchlight.Porchlight.desktop$'
}
check 'it is what opens porchlight:// links' opens_links

# --- people; a hub and somebody who watches, both from outside of the Debian

meet() {
    "$host_programs/porchlight" --config-dir "$outside/hub" hub --open --memory --listen 127.0.0.1:0 >"$outside/hub.log" 2>&1 &
    until_it 10 grep 'listening on' "$outside/hub.log"
}
check 'there is a hub' meet
broker=mqtt://$(sed -n 's/^listening on //p' "$outside/hub.log")/presence/acme

observe() {
    "$host_programs/porchlight" --config-dir "$outside/watch" --broker "$broker" watch --json >"$outside/watch.log" 2>&1 &
    until_it 10 grep '"link":"up"' "$outside/watch.log"
}
# What was seen last of a person.
seen() { grep -F "\"user\":\"$1\"" "$outside/watch.log" | tail -n 1; }
seen_as() { [[ $(seen "$1") == *"\"status\":\"$2\""* ]]; }
device() { seen "$1" | grep -o '"device":"[^"]*"' | head -n 1; }
check 'somebody watches' observe

configure() {
    local person
    for person in anna bert; do
        as $person mkdir -p .config/porchlight
        printf 'user = "%s"\n[broker]\nurl = "%s"\n' $person "$broker" | as $person tee .config/porchlight/config.toml
    done
    Xvfb -displayfd 1 -screen 0 800x700x24 -noreset -nolisten tcp -ac >"$outside/display" 2>"$outside/xvfb.log" &
    until_it 20 [ -s "$outside/display" ]
    DISPLAY=:$(<"$outside/display") openbox >"$outside/openbox.log" 2>&1 &
    session[anna]="DISPLAY=:$(<"$outside/display")"
    as anna dbus-daemon --session --nofork --print-address=1 >"$outside/bus" 2>"$outside/bus.log" &
    until_it 10 [ -s "$outside/bus" ]
}
check 'two people have a config, and one of them a desktop' configure
DISPLAY=:$(<"$outside/display")
export DISPLAY
session[anna]="DISPLAY=$DISPLAY DBUS_SESSION_BUS_ADDRESS=$(<"$outside/bus")"

# --- using it

icon_found() {
    as anna python3 -c '
import gi
gi.require_version("Gtk", "3.0")
from gi.repository import Gtk
icons = Gtk.IconTheme.get_default()
for size in (16, 24, 32, 48, 64, 128, 256, 512):
    file = icons.lookup_icon("app.porchlight.Porchlight", size, 0).get_filename()
    assert f"/{size}x{size}/" in file, file
assert icons.has_icon("app.porchlight.Porchlight-symbolic")'
}
check 'its icon is there in every size' icon_found

windows() { xwininfo -root -tree | grep -F '"Porchlight": ('; }
one_desk() { [[ $(desk | wc -l) == 1 ]]; }
starts() {
    as anna gio launch /usr/share/applications/app.porchlight.Porchlight.desktop
    until_it 30 windows
    one_desk
    [[ $(awk '/^Uid:/ { print $2 }' "/proc/$(desk)/status") == "$(id_of anna)" ]]
    until_it 20 seen_as anna online
}
check 'it starts from the menu, as anna, who is seen' starts

same_class() {
    local named
    named=$(sed -n 's/^StartupWMClass=//p' "$debian/usr/share/applications/app.porchlight.Porchlight.desktop")
    windows
    windows | grep -F "(\"$named\" "
}
check 'its window has the class that the menu entry names' same_class

# What is on the screen, and inside of the window more colours than an empty page has.
picture() {
    import -window root "$checked/started.png"
    (($(identify -format %k "$checked/started.png[300x500+250+100]") > 50))
}
drawn() { until_it 30 picture; }
check 'its window is drawn: target/check-package/started.png' drawn

commands() {
    [[ $(as anna porchlight --version) == porchlight\ * ]]
    as anna porchlight who --broker "$broker" --json | grep -F '"user":"anna"'
    as anna porchlight who | grep anna
}
check 'the commands find her' commands

follows_link() {
    local was
    was=$(desk)
    as anna xdg-open 'porchlight://join?team=acme&token=1'
    until_it 10 one_desk
    [[ $(desk) == "$was" ]]
    windows
}
check 'a link goes to the app that runs' follows_link

headless() {
    as bert porchlight run --activity none >"$outside/bert.log" 2>&1 &
    until_it 20 seen_as bert online
}
check 'bert is there without a desktop' headless

# --- as units

source scripts/check-package/units.sh

# --- upgrading

# What the two would miss: their config, and all that was kept for them.
theirs() {
    sha256sum "$debian"/home/*/.config/porchlight/config.toml
    find "$debian"/home/*/.local/state/porchlight -printf '%P %U %m\n' | LC_ALL=C sort
}
before=$(theirs)
keeps() { diff <(say "$before") <(theirs); }
anna_was=$(device anna) bert_was=$(device bert)

connected_again() { (($(grep -c 'connected to' "$outside/bert.log") == 2)); }
upgrade() {
    local was bert lines
    was=$(desk) bert=$(living exe "$debian/usr/bin/porchlight") lines=$(wc -l <"$outside/watch.log")
    apt_install "$next_deb"
    [[ $(inside dpkg-query -W -f '${Version}' porchlight) == "$(dpkg-deb --field "$next_deb" Version)" ]]
    # The app goes on as it was; bert's presence, in the same process, is that of the new file.
    [[ $(desk) == "$was" && $(readlink "/proc/$was/exe") == *' (deleted)' ]]
    until_it 10 test "$debian/usr/bin/porchlight" -ef "/proc/$bert/exe"
    until_it 10 connected_again
    ! tail -n "+$((lines + 1))" "$outside/watch.log" | grep '"status":"offline"'
}
check 'an upgrade disturbs nobody, and bert goes over to the new program' upgrade
check 'config and state are as they were' keeps

no_desk() { [[ -z $(desk) ]]; }
again() {
    kill -TERM "$(desk)"
    until_it 10 seen_as anna offline
    # One that said goodbye is still on the bus for a moment, and takes no link any more.
    until_it 10 no_desk
    # By a link this time, as from a browser.
    as anna gio open 'porchlight://join?team=acme&token=2'
    until_it 30 windows
    until_it 20 seen_as anna online
    [[ $(device anna) == "$anna_was" && $(device bert) == "$bert_was" ]]
}
check 'a link starts the new one, which is the same device' again

# --- removing

no_webview() { [[ -z $(living exe "$debian/*WebKit*") ]]; }
said_goodbye() { [[ $(seen "$1") == *'"status":"offline"'*'"cause":"left"'* ]]; }
installed=$(inside dpkg -L porchlight)
remove() {
    # Once more, so that what runs is a file that is no longer there; and one that does not stand still for a signal.
    inside apt-get install -y --reinstall "/packages/$(basename "$next_deb")"
    as anna porchlight watch >"$outside/anna.log" 2>&1 &
    local watch=$!
    until_it 10 grep bert "$outside/anna.log"
    kill -STOP "$(pgrep -fx 'porchlight watch')"
    [[ $(ours | wc -l) == 3 ]]

    inside apt-get remove -y porchlight
    [[ -z $(ours) ]]
    # Not even that one had to be killed: it was the first signal that ended it.
    local ended=0
    wait "$watch" || ended=$?
    ((ended == 128 + $(kill -l TERM)))
    # What drew the window has gone as well.
    until_it 5 no_webview
    until_it 5 said_goodbye anna
    until_it 5 said_goodbye bert
    local file
    for file in $installed; do
        [[ -d $debian$file || ! -e $debian$file ]] || { say "$file is left"; return 1; }
    done
    [[ ! -e $debian/usr/libexec/porchlight && ! -e $debian/usr/share/doc/porchlight ]]
}
check 'removing it ends all of it, with a goodbye, and leaves no file' remove
check "what is anna's and bert's is still there" keeps

runs_ours() { [[ -n $(ours) ]]; }
purge() {
    apt_install "$deb"
    # One that does not hear is killed.
    cp "$debian/usr/bin/sleep" "$debian/usr/bin/porchlight"
    (trap '' TERM && as bert /usr/bin/porchlight 600) &
    until_it 5 runs_ours
    inside apt-get purge -y porchlight
    [[ -z $(ours) ]]
    [[ -z $(inside dpkg-query -W -f '${db:Status-Abbrev}' porchlight 2>/dev/null || true) ]]
}
check 'purging it ends even one that does not listen' purge
check "and even so what is anna's and bert's is still there" keeps
say "$passed passed, 0 failed"
