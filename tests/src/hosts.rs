//! Two computers on one machine: network namespaces, and a cable or a router between them.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::port::serial;
use crate::process::run;

/// Two hosts that reach each other and nobody else. They are gone when this is dropped; what runs on them has to
/// have ended by then.
#[derive(Debug)]
pub struct Hosts {
    /// The namespaces of both hosts, and of the router if there is one.
    names: Vec<String>,
    addresses: [String; 2],
}

impl Hosts {
    /// Makes them, or says that `test` can't be run by this user.
    #[must_use]
    pub fn two(test: &str) -> Option<Self> {
        let hosts = Self::make(test, 2, ["10.77.7.1", "10.77.7.2"])?;
        let [a, b] = &hosts.names[..] else { unreachable!("there are two") };
        ip(&format!("-n {a} link add cable type veth peer name cable netns {b}"));
        for host in 0..2 {
            hosts.plug_in(host);
            // What is told to everybody on the network goes over the cable, too.
            ip(&format!("-n {} route add 224.0.0.0/4 dev cable", hosts.names[host]));
        }
        Some(hosts)
    }

    /// Makes them with a router between them, as at home: host 0 is inside, and nobody outside reaches its address. The
    /// router forwards one port of its own address, [`Hosts::ROUTER`], to a port of host 0.
    ///
    /// # Panics
    ///
    /// When `nft` is missing or refuses.
    #[must_use]
    pub fn behind_router(test: &str, port: u16, to: u16) -> Option<Self> {
        let hosts = Self::make(test, 3, ["10.77.7.1", "203.0.113.2"])?;
        let [a, b, router] = &hosts.names[..] else { unreachable!("there are three") };
        ip(&format!("-n {a} link add cable type veth peer name inside netns {router}"));
        ip(&format!("-n {b} link add cable type veth peer name outside netns {router}"));
        hosts.plug_in(0);
        hosts.plug_in(1);
        for (side, address) in [("inside", "10.77.7.254"), ("outside", Self::ROUTER)] {
            ip(&format!("-n {router} address add {address}/24 dev {side}"));
            ip(&format!("-n {router} link set {side} up"));
        }
        ip(&format!("-n {a} route add default via 10.77.7.254"));
        ip(&format!("-n {b} route add default via {}", Self::ROUTER));
        let rules = format!(
            "add table ip home; \
             add chain ip home in {{ type nat hook prerouting priority -100; }}; \
             add rule ip home in iifname outside tcp dport {port} dnat to {}:{to}; \
             add chain ip home through {{ type filter hook forward priority 0; policy drop; }}; \
             add rule ip home through ct status dnat accept; \
             add rule ip home through iifname inside accept",
            hosts.addresses[0],
        );
        let forward = "echo 1 > /proc/sys/net/ipv4/ip_forward";
        for command in [["sh", "-c", forward].as_slice(), &["nft", &rules]] {
            run(Command::new("ip").args(["netns", "exec", router]).args(command));
        }
        Some(hosts)
    }

    /// The address of the router of [`Hosts::behind_router`] outside.
    pub const ROUTER: &str = "203.0.113.1";

    fn make(test: &str, count: usize, addresses: [&str; 2]) -> Option<Self> {
        let tag = format!("pl{}x{}", std::process::id() % 100_000, serial());
        let mut hosts = Self { names: Vec::new(), addresses: addresses.map(str::to_owned) };
        for which in ["a", "b", "r"].iter().take(count) {
            let name = format!("{tag}{which}");
            let made = Command::new("ip").args(["netns", "add", &name]).output();
            if !made.is_ok_and(|out| out.status.success()) {
                println!("skipped: {test}: no network namespaces can be made here");
                return None;
            }
            ip(&format!("-n {name} link set lo up"));
            hosts.names.push(name);
        }
        Some(hosts)
    }

    fn plug_in(&self, host: usize) {
        let name = &self.names[host];
        ip(&format!("-n {name} address add {}/24 dev cable", self.addresses[host]));
        ip(&format!("-n {name} link set cable up"));
    }

    /// Gives this name an address on both hosts. Programs that were started after the first call see a later one, too.
    ///
    /// # Panics
    ///
    /// When the system's folder for that can't be written to.
    pub fn set_name(&self, name: &str, address: &str) {
        let mut text = "127.0.0.1 localhost\n".to_owned();
        let _ = writeln!(text, "{address} {name}");
        for folder in self.folders() {
            fs::create_dir_all(&folder).expect("/etc/netns can be written to");
            // The same file: it is mounted over /etc/hosts.
            fs::write(folder.join("hosts"), &text).expect("/etc/netns can be written to");
        }
    }

    /// What `ip netns exec` mounts over /etc.
    fn folders(&self) -> Vec<PathBuf> {
        self.names.iter().map(|name| PathBuf::from("/etc/netns").join(name)).collect()
    }

    /// Replaces the address of a host.
    pub fn renumber(&self, host: usize, address: &str) {
        let name = &self.names[host];
        // The old one first: the system removes the later addresses of a network together with the first.
        ip(&format!("-n {name} address del {}/24 dev cable", self.addresses[host]));
        ip(&format!("-n {name} address add {address}/24 dev cable"));
    }

    /// The address of a host, 0 or 1.
    #[must_use]
    pub fn address(&self, host: usize) -> String {
        self.addresses[host].clone()
    }

    /// Gives a host one more address, to which no other host has a route.
    pub fn add_address(&self, host: usize, address: &str) {
        let name = &self.names[host];
        run(Command::new("ip").args(["-n", name, "address", "add", address, "dev", "cable"]));
    }

    /// Lets a host reach such an address of the other one.
    pub fn add_route(&self, host: usize, address: &str, via: usize) {
        let via = self.address(via);
        run(Command::new("ip").args([
            "-n",
            &self.names[host],
            "route",
            "add",
            address,
            "via",
            &via,
        ]));
    }

    /// The same command, on that host.
    #[must_use]
    pub fn on(&self, host: usize, command: &Command) -> Command {
        let mut there = Command::new("ip");
        there.args(["netns", "exec", &self.names[host]]);
        there.arg(command.get_program()).args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => there.env(name, value),
                None => there.env_remove(name),
            };
        }
        there
    }

    /// Pulls the cable at that host, or plugs it in.
    ///
    /// # Panics
    ///
    /// When the system does not do it.
    pub fn cable(&self, host: usize, plugged: bool) {
        let state = if plugged { "up" } else { "down" };
        run(Command::new("ip").args(["-n", &self.names[host], "link", "set", "cable", state]));
    }
}

impl Drop for Hosts {
    fn drop(&mut self) {
        for name in &self.names {
            let _ = Command::new("ip").args(["netns", "delete", name]).output();
        }
        for folder in self.folders() {
            let _ = fs::remove_dir_all(folder);
        }
    }
}

fn ip(words: &str) {
    run(Command::new("ip").args(words.split(' ')));
}
