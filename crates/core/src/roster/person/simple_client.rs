//! The record of a person's simple client, and its times.

use super::super::ConnectionContext;
use crate::presence::Doubt;
use crate::time::{Monotonic, Now, Timestamp};
use crate::wire::{SimpleRecord, SimpleStatus};

/// A simple client of this person.
#[derive(Debug)]
pub(super) struct SimpleClient {
    pub(super) status: SimpleStatus,
    pub(super) since: Option<Timestamp>,
    /// The record's own timestamp, carried along unchanged.
    pub(super) timestamp: Option<Timestamp>,
    pub(super) heard: Timestamp,
    /// The moment from which `since` and `heard` are computed.
    began: Moment,
    last: Moment,
    /// The number of our connection on which it was last read.
    pub(super) connection: u64,
}

impl SimpleClient {
    /// Creates it from a record; `before` is the previous one.
    pub(super) fn new(
        now: Now,
        record: SimpleRecord,
        live: bool,
        before: Option<&Self>,
        around: &ConnectionContext,
    ) -> Self {
        let last = Moment { told: record.timestamp, live, arrived: now.mono };
        let repeated = before.filter(|held| held.status == record.status && held.since.is_some());
        let began = repeated.map_or(last, |held| held.began);
        Self {
            status: record.status,
            since: began.place(now, around),
            timestamp: record.timestamp,
            heard: last.heard(now, around),
            began,
            last,
            connection: around.connection,
        }
    }

    /// Recomputes all times after our clock was set or we learned more about the broker.
    pub(super) fn place_again(&mut self, now: Now, around: &ConnectionContext) {
        self.since = self.began.place(now, around);
        self.heard = self.last.heard(now, around);
    }

    /// Our connection was read without this record: the client is lost since its last record.
    /// Returns whether to keep it.
    pub(super) fn lose_unread(&mut self, around: &ConnectionContext) -> bool {
        let unread = self.connection != around.connection;
        if unread && self.status != SimpleStatus::Offline {
            self.status = SimpleStatus::Offline;
            self.began = self.last;
            self.since = self.heard.believable();
            self.connection = around.connection;
            return true;
        }
        !unread
    }

    pub(super) fn doubt(&self, around: &ConnectionContext) -> Option<Doubt> {
        if !around.connection_up {
            return Some(Doubt::LinkDown);
        }
        (self.connection != around.connection).then_some(Doubt::Settling)
    }
}

/// A moment by its writer's calendar, or that of a live message.
#[derive(Debug, Clone, Copy)]
struct Moment {
    told: Option<Timestamp>,
    live: bool,
    arrived: Monotonic,
}

impl Moment {
    /// The moment on our calendar, if that can be known.
    fn place(self, now: Now, around: &ConnectionContext) -> Option<Timestamp> {
        let now = now.back_at(self.arrived);
        if self.live {
            return now.wall.believable();
        }
        self.told.and_then(|told| around.place(now, told, None, None))
    }

    /// The moment on our calendar, or else when the message came.
    fn heard(self, now: Now, around: &ConnectionContext) -> Timestamp {
        self.place(now, around).unwrap_or(now.back_at(self.arrived).wall)
    }
}

/// When a person last gave input.
#[derive(Debug, Clone, Copy)]
pub(in crate::roster) struct LastInput {
    moment: Moment,
    /// The moment on our calendar, if that can be known.
    at: Option<Timestamp>,
}

impl LastInput {
    /// Creates it from a received timestamp.
    pub(in crate::roster) fn told(now: Now, told: Timestamp, around: &ConnectionContext) -> Self {
        let moment = Moment { told: Some(told), live: false, arrived: now.mono };
        Self { moment, at: moment.place(now, around) }
    }

    /// Recomputes the time after our clock was set or we learned more about the broker.
    pub(super) fn place_again(&mut self, now: Now, around: &ConnectionContext) {
        self.at = self.moment.place(now, around);
    }

    /// The moment on our calendar.
    pub(super) const fn at(self) -> Option<Timestamp> {
        self.at
    }
}
