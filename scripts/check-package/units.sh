# shellcheck shell=bash
# Sourced by root.sh: the units, in a systemd such as a user has. It is root's here, who may make control groups; where not even
# root may, as in some containers, it says that they were not checked.

of_units() {
    # systemctl would find that it is in another root than the first process, and do nothing.
    inside env HOME=/run/units XDG_RUNTIME_DIR=/run/units SYSTEMD_IGNORE_CHROOT=1 "$@"
}
unit_pid() { of_units systemctl --user show --property MainPID --value "$1"; }
unit_tells() { [[ $(of_units systemctl --user show --property StatusText --value porchlight) == "$1"* ]]; }
unit_is() { [[ $(of_units systemctl --user is-active "$1") == "$2" ]]; }
unit_began_again() { [[ $(unit_pid porchlight) != 0 && $(unit_pid porchlight) != "$1" ]]; }
who_of_units() { of_units porchlight who | grep -F 'uma  online'; }
groups() { find /sys/fs/cgroup -mindepth 1 -type d | LC_ALL=C sort; }
systemd_runs() {
    groups >"$outside/groups"
    mkdir -p "$debian"/run/systemd/system "$debian"/run/units/.config/porchlight
    chmod 700 "$debian/run/units"
    mount --rbind /sys "$debian/sys"
    of_units /lib/systemd/systemd --user --unit=basic.target --log-target=console >"$outside/units.log" 2>&1 &
    until_it 10 unit_is basic.target active
}
# The hub writes it into a file, and into no log.
first_link() { cat "$debian/run/units/.local/state/porchlight/hub/team/owner-invitation"; }
uma_joins() {
    of_units timeout 20 porchlight hub --team Units --quiet >"$outside/units-hub.log" 2>&1 &
    local first=$!
    until_it 10 first_link
    of_units porchlight join "$(first_link)" --name uma --keep-in-file
    wait "$first" || true
}
units_run() {
    uma_joins
    of_units systemctl --user start porchlight-hub
    until_it 10 grep addr "$debian/run/units/porchlight/hub.json"
    local was
    # It is started once it says so itself.
    of_units systemctl --user start porchlight
    unit_is porchlight active
    until_it 20 who_of_units
    until_it 5 unit_tells 'online at '
    was=$(unit_pid porchlight)
    # Its system calls are filtered.
    grep -x 'Seccomp:[[:space:]]*2' "/proc/$was/status"
    of_units systemctl --user reload porchlight
    until_it 20 who_of_units
    until_it 10 unit_is porchlight active
    [[ $(unit_pid porchlight) == "$was" ]]
    kill -KILL "$was"
    until_it 20 unit_began_again "$was"
    until_it 20 who_of_units
    of_units systemctl --user stop porchlight porchlight-hub
    # A config that only a person can put right is not tried again.
    echo 'user = ' >"$debian/run/units/.config/porchlight/config.toml"
    # It never says that it is ready, so that is how the start ends, too.
    of_units systemctl --user start porchlight && return 1
    until_it 20 unit_is porchlight failed || { of_units systemctl --user status porchlight; return 1; }
    [[ $(of_units systemctl --user show --property NRestarts --value porchlight) == 0 ]]
}
no_systemd() { [[ -z $(living exe "$debian/*/systemd/systemd") ]]; }
units_end() {
    of_units systemctl --user exit
    until_it 10 no_systemd
    # The control groups that it has made are this machine's.
    comm -13 "$outside/groups" <(groups) | grep -E '/((app|session)\.slice|init\.scope)(/|$)' | tac | xargs rmdir || true
    umount --recursive --lazy "$debian/sys"
    rm -r "$debian/run/systemd/system" "$debian/run/units"
}
if (systemd_runs) >"$outside/systemd_runs" 2>&1; then
    check 'the units start, stay confined, start again after a crash, and give up on a wrong config' units_run
    check 'they end' units_end
else
    say 'not checked: the units, as no systemd of a user can run here'
    rm -rf "$debian/run/systemd/system"
fi
