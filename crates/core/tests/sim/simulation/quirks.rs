//! What real brokers and machines do that no specification says: a layer between the clients and the broker behind it.
//!
//! Owns what is bent on its way. The broker behind knows nothing of it and can be exchanged.

use super::*;
use crate::schedule::Unset;

const DAY: i64 = 86_400_000;
/// What clients publish with: records, and what somebody chose.
const RECORD_EXPIRY: Duration = Duration::from_secs(30 * 86_400);
const CHOICE_EXPIRY: Duration = Duration::from_secs(365 * 86_400);

impl Simulation {
    /// Clocks that were never set, and when they are.
    pub(super) fn unset_clocks(&mut self) {
        for Unset { machine, days, until_ms } in self.quirks.unset.clone() {
            let m = usize::from(machine);
            self.machines[m].skew += i64::from(days) * DAY;
            self.plan(WARM_UP + u64::from(until_ms), Event::ClockIsSet(m, i64::from(days) * DAY));
        }
    }

    /// The time comes from the network.
    pub(super) fn clock_is_set(&mut self, m: usize, by: i64) {
        self.note(|| format!("{}: the clock is set", NAMES[m]));
        self.machines[m].skew -= by;
        if is_device(m) {
            // It writes a choice again that the wrong clock dated, and what another device chose meanwhile may be
            // under way.
            let here = self.sources[m].is_certain();
            self.people[person_of(m)].choice.rewritten(self.now, here);
            self.believe();
        }
        self.handle(m, Input::Tick);
    }

    /// Whether a reader can know the age of a retained message when it first reads it.
    pub(super) const fn tells_ages(&self) -> bool {
        self.v5 && self.quirks.tells_ages()
    }

    /// What a client sends, as the broker behind takes it. Also what is refused of it.
    pub(super) fn bend_up(&self, up: &mut Up) -> Vec<String> {
        let cap = |expires_in: &mut Duration| {
            if let Some(cap) = self.quirks.cap_s {
                *expires_in = (*expires_in).min(Duration::from_secs(cap.into()));
            }
        };
        match up {
            Up::Connect(connect) => {
                if let Some(will) = &mut connect.will {
                    cap(&mut will.expires_in);
                }
            }
            Up::Publish(publish) => {
                if let Some(expires_in) = &mut publish.expires_in {
                    cap(expires_in);
                }
            }
            Up::Subscribe(filters) if self.quirks.refuses => {
                return filters.extract_if(.., |filter| nobody_is_seen_by(filter)).collect();
            }
            Up::Subscribe(_) | Up::Disconnect | Up::Close => {}
        }
        Vec::new()
    }

    /// What the broker behind sends, as a client gets it.
    pub(super) fn bend_down(&self, out: &mut Out) {
        if let Out::Message { message, expires_in: Some(left), .. } = out
            && self.quirks.undiminished
        {
            let chosen = message.topic.ends_with("/chosen");
            let published = if chosen { CHOICE_EXPIRY } else { RECORD_EXPIRY };
            let cap = self.quirks.cap_s.map(|cap| Duration::from_secs(cap.into()));
            *left = cap.map_or(published, |cap| cap.min(published));
        }
    }

    /// Whether this connection is one of those that end right after their CONNACK.
    pub(super) fn cuts(&mut self, id: ConnId) -> bool {
        let conn = &self.conns[id];
        let counts = conn.lane == Lane::Main && conn.opened >= WARM_UP && !self.ending;
        let cuts = counts && self.quirks.cuts > 0;
        self.quirks.cuts -= u8::from(cuts);
        cuts
    }
}

fn nobody_is_seen_by(filter: &str) -> bool {
    filter.ends_with("/typing") || filter.ends_with("/activity") || filter.starts_with("$SYS")
}
