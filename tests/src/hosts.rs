//! Two computers on one machine: network namespaces, and a cable between them.

use std::process::Command;

use crate::port::serial;
use crate::process::run;

/// Two hosts that reach each other and nobody else. They are gone when this is dropped; what runs on them has to
/// have ended by then.
#[derive(Debug)]
pub struct Hosts {
    names: [String; 2],
}

impl Hosts {
    /// Makes them, or says that `test` can't be run by this user.
    #[must_use]
    pub fn two(test: &str) -> Option<Self> {
        let tag = format!("pl{}x{}", std::process::id() % 100_000, serial());
        let hosts = Self { names: [format!("{tag}a"), format!("{tag}b")] };
        let [a, b] = &hosts.names;
        let made = Command::new("ip").args(["netns", "add", a]).output();
        if !made.is_ok_and(|out| out.status.success()) {
            println!("skipped: {test}: no network namespaces can be made here");
            std::mem::forget(hosts);
            return None;
        }
        let ip = |words: &str| {
            run(Command::new("ip").args(words.split(' ')));
        };
        ip(&format!("netns add {b}"));
        ip(&format!("-n {a} link add cable type veth peer name cable netns {b}"));
        for (at, name) in hosts.names.iter().enumerate() {
            ip(&format!("-n {name} address add {}/24 dev cable", hosts.address(at)));
            ip(&format!("-n {name} link set lo up"));
            ip(&format!("-n {name} link set cable up"));
            // What is told to everybody on the network goes over the cable, too.
            ip(&format!("-n {name} route add 224.0.0.0/4 dev cable"));
        }
        Some(hosts)
    }

    /// The address of a host, 0 or 1.
    #[must_use]
    pub fn address(&self, host: usize) -> String {
        format!("10.77.7.{}", host + 1)
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
    }
}
