#!/usr/bin/env bash
# world.sh ARGUMENT...: runs target/debug/peers with them, inside the network and the mounts that peers.sh made. XMPP's port
# is free there, whatever the machine runs; nobody reaches out, or in; and one authority more is trusted, by nobody else.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

ip link set lo up
# Programs that ask whether there is a network look for a default route.
ip route add default dev lo

private=$(mktemp -d)
trap 'rm -rf "$private"' EXIT

# Dino trusts whom the system trusts. The program adds its authority to this copy, which lies over the system's file here.
trusted=/etc/ssl/certs/ca-certificates.crt
cp "$trusted" "$private/trusted"
mount --bind "$private/trusted" "$trusted"
# Names are in /etc/hosts; a server for them answers at once that it is not there.
echo 'nameserver 127.0.0.1' >"$private/resolv.conf"
mount --bind "$private/resolv.conf" /etc/resolv.conf

# Root has no business with what comes now, and Gajim refuses to run as root. The files are ours as before.
PEERS_TRUSTED=$private/trusted unshare --user --map-user=1000 --map-group=1000 target/debug/peers "$@"
