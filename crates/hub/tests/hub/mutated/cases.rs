//! Creates test cases: valid packets, frames or requests with changes.

use super::packets::{self, Packet, UPGRADE, VERSIONS, after_login, connect, connect_with_will};
use porchlight_core::team::Joined;
use porchlight_mutations::{Corpus, Mutator};

/// Maximum bytes to send if the hub may read them as many small packets or frames. Each costs the member's
/// allowance, and the hub reads the rest only later.
const OUT_OF_STEP: usize = 1024;

/// The bytes to send on one connection.
pub(super) struct Case {
    pub(super) kind: Kind,
    /// The bytes that need an answer before the rest is sent.
    pub(super) first: Vec<u8>,
    pub(super) rest: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    BeforeLogin,
    AfterLogin,
    WebSocket,
    Http,
}

/// Generates cases, the same ones for the same seed.
pub(super) struct Cases {
    mqtt: Mutator,
    http: Mutator,
    requests: Vec<Vec<u8>>,
    /// The member whose login is mutated. The resulting client ids belong to her.
    before: Joined,
    /// The member who logs in correctly and then sends mutated packets.
    after: Joined,
}

impl Cases {
    pub(super) fn new(seed: u64, before: Joined, after: Joined) -> Self {
        let requests = packets::requests(&after.credential);
        let packets = VERSIONS.iter().flat_map(|version| after_login(*version, "mallory"));
        let packets = Corpus::of(packets.map(|packet| packet.rest));
        let http = Corpus::of(&requests);
        let (mqtt, http) = (Mutator::new(packets, seed), Mutator::new(http, seed));
        Self { mqtt, http, requests, before, after }
    }

    /// Returns the next case, for the connection of this number.
    pub(super) fn next(&mut self, at: usize) -> Case {
        let version = VERSIONS[self.mqtt.rng().usize(..VERSIONS.len())];
        match self.mqtt.rng().u8(..20) {
            0..5 => {
                let rest = [self.mutated_login(version), self.packets(version)].concat();
                Case { kind: Kind::BeforeLogin, first: Vec::new(), rest }
            }
            5..13 => {
                let login = self.login(version, at).bytes();
                let rest = [login, self.packets(version)].concat();
                Case { kind: Kind::AfterLogin, first: Vec::new(), rest }
            }
            13..17 => {
                let rest = self.frames(version, at);
                Case { kind: Kind::WebSocket, first: UPGRADE.to_vec(), rest }
            }
            _ => {
                let one = self.http.rng().usize(..self.requests.len());
                let mut rest = self.requests[one].clone();
                self.http.change(&mut rest);
                Case { kind: Kind::Http, first: Vec::new(), rest }
            }
        }
    }

    /// Returns cases with a login and one unchanged packet each.
    pub(super) fn unchanged(&self) -> Vec<Case> {
        let both = VERSIONS.map(|version| {
            let packets = after_login(version, self.after.user.as_str()).into_iter();
            // The hub answers the last one, AUTH, by closing the connection.
            packets.rev().skip(1).map(move |packet| (version, packet))
        });
        let case = |(version, packet): (u8, Packet)| {
            let rest = [self.login(version, 0).bytes(), packet.bytes()].concat();
            Case { kind: Kind::AfterLogin, first: Vec::new(), rest }
        };
        both.into_iter().flatten().map(case).collect()
    }

    fn login(&self, version: u8, at: usize) -> Packet {
        connect(version, &format!("fuzz{at}"), &self.after.credential)
    }

    fn mutated_login(&mut self, version: u8) -> Vec<u8> {
        let (who, user) = (&self.before.credential, self.before.user.as_str());
        let login = if self.mqtt.rng().bool() {
            connect_with_will(version, "before", who, user)
        } else {
            connect(version, "before", who)
        };
        self.mutated(login)
    }

    /// Returns up to four packets, most of them changed.
    fn packets(&mut self, version: u8) -> Vec<u8> {
        let all = after_login(version, self.after.user.as_str());
        let count = self.mqtt.rng().usize(1..=4);
        let mut bytes = Vec::new();
        for _ in 0..count {
            let packet = all[self.mqtt.rng().usize(..all.len())].clone();
            let good = self.mqtt.rng().u8(..8) == 0;
            bytes.extend(if good { packet.bytes() } else { self.mutated(packet) });
        }
        bytes
    }

    /// Usually sets the true length, so that the hub reads the bytes after it.
    fn mutated(&mut self, mut packet: Packet) -> Vec<u8> {
        match self.mqtt.rng().u8(..8) {
            0 => {
                let mut bytes = packet.bytes();
                self.mqtt.change(&mut bytes);
                bytes.truncate(OUT_OF_STEP);
                return bytes;
            }
            1 => packet.first = self.mqtt.rng().u8(..),
            _ => {}
        }
        self.mqtt.change(&mut packet.rest);
        packet.bytes()
    }

    /// Returns a login and packets in frames: whole, split, of another kind, or changed.
    fn frames(&mut self, version: u8, at: usize) -> Vec<u8> {
        let login = self.login(version, at).bytes();
        let packets = self.packets(version);
        let cut = self.mqtt.rng().usize(..=packets.len());
        let mut frames = packets::frame(2, &login);
        let mut most = usize::MAX;
        for piece in [&packets[..cut], &packets[cut..]] {
            let kind = if self.mqtt.rng().u8(..8) == 0 { self.mqtt.rng().u8(..16) } else { 2 };
            let mut frame = packets::frame(kind, piece);
            if self.mqtt.rng().u8(..4) == 0 {
                self.mqtt.change(&mut frame);
                most = login.len() + OUT_OF_STEP;
            }
            frames.extend(frame);
        }
        frames.truncate(most);
        frames
    }
}
