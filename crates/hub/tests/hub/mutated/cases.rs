//! Makes what is sent: a good packet, frame or request with changes in it.

use super::packets::{self, Packet, UPGRADE, VERSIONS, after_login, connect, connect_with_will};
use porchlight_core::team::Joined;
use porchlight_mutations::{Corpus, Mutator};

/// How many bytes are sent where they may be read as many small packets or frames. Each of these costs the member's
/// allowance, and the hub reads what is beyond that only after a while.
const OUT_OF_STEP: usize = 1024;

/// What is sent on one connection.
pub(super) struct Case {
    pub(super) kind: Kind,
    /// What has to be answered before the rest is sent.
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

/// Makes cases, the same ones from the same seed.
pub(super) struct Cases {
    mqtt: Mutator,
    http: Mutator,
    requests: Vec<Vec<u8>>,
    /// Whose log-in is mutated, so that the client ids that come of it are hers.
    before: Joined,
    /// Who logs in well and then sends mutated packets.
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

    /// What comes next, on the connection of this number.
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

    /// A log-in and one packet each, as they are before they are changed.
    pub(super) fn unchanged(&self) -> Vec<Case> {
        let both = VERSIONS.map(|version| {
            let packets = after_login(version, self.after.user.as_str()).into_iter();
            // The last one, AUTH, has no answer but the end.
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

    /// Up to four packets, of which most are changed.
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

    /// Mostly with its true length, so that what is behind it is read.
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

    /// A log-in and packets in frames: whole ones, in pieces, of another kind, changed.
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
