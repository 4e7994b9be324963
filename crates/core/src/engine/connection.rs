//! The device's or reader's connection: when it opens, ends and opens again, and with which
//! identity.
//!
//! Owns `docs/protocol.md`, *A session*, except for what is published in it.

use std::time::Duration;

use super::{Engine, Phase, Rule};
use crate::connection::{ConnectionEvent, ConnectionFailure, PublishId, Refusal};
use crate::effect::{Effect, Filter, Qos, Saved, Will};
use crate::expiry::RECORD_EXPIRY;
use crate::id::reader_client_id;
use crate::time::{Now, slept_since};
use crate::topic::{Topic, inbox_filter, room_filters};
use crate::wire;

impl Engine {
    pub(super) fn handle_connection(&mut self, now: Now, event: ConnectionEvent) {
        match event {
            ConnectionEvent::Up(granted) => {
                self.diagnostics.connects += 1;
                if self.session.connected(now, granted) {
                    self.save();
                }
                if let Some(own) = self.local_device.as_mut().filter(|_| !self.hidden) {
                    own.accepted();
                }
                self.forget_unacknowledged();
                self.hub_aggregates = false;
                self.hub_records = 0;
                self.roster.connection_began(now);
                if self.begin_access(now, granted) {
                    self.effects.push_back(Effect::Subscribe(self.taken_filters()));
                }
            }
            ConnectionEvent::Subscribed { refused } => {
                self.session.subscribed(now);
                self.note_refused(now, refused);
            }
            ConnectionEvent::Published { id, outcome } => self.handle_puback(now, id, outcome),
            ConnectionEvent::Received(message) => {
                self.session.received(now);
                if !self.detect_retained_end(now, &message) && !self.note_stored(now, &message) {
                    self.handle_message(now, &message);
                }
            }
            ConnectionEvent::Down(failure) => self.handle_down(now, &failure),
        }
    }

    pub(super) fn filters(&self) -> Vec<Filter> {
        let mut filters = Vec::new();
        if self.reads_room {
            filters.extend(room_filters(&self.root).into_iter().map(Filter::from));
        }
        if let Some(choosing) = &self.user_status {
            filters.push(Topic::Chosen(choosing.user.clone()).to_wire(&self.root).into());
        }
        // The broker queues signals for us while the connection is broken, because senders do not
        // repeat them.
        if let Some(signals) = &self.signals {
            let topic = inbox_filter(&self.root, signals.me());
            filters.push(Filter { topic, qos: Qos::AtLeastOnce });
        }
        filters.extend(self.sentinel_filters().into_iter().map(Filter::from));
        filters
    }

    pub(super) fn handle_puback(&mut self, now: Now, id: PublishId, outcome: Result<(), Refusal>) {
        self.settle_publish(now, id, &outcome);
        if let Some(signals) = &mut self.signals {
            signals.handle_puback(now, id, &outcome);
        }
        if self.user_status.as_mut().is_some_and(|choosing| choosing.settle(id)) {
            self.effects.push_back(Effect::ChoiceSettled(outcome));
        }
        if let Phase::Leaving { awaited, target, .. } = &mut self.session.phase {
            awaited.remove(&id);
            if awaited.is_empty() {
                let target = *target;
                self.finish_goodbye(now, target, true);
            }
        }
    }

    pub(super) fn handle_down(&mut self, now: Now, failure: &ConnectionFailure) {
        self.diagnostics.link_failures += 1;
        self.connection = None;
        let taken_over = failure.is_taken_over() && self.local_device.is_some() && !self.hidden;
        if taken_over && !matches!(self.session.phase, Phase::Leaving { .. } | Phase::Stopped) {
            self.handle_take_over(now);
            return;
        }
        self.note_presence_lost(now);
        self.lose_connection(now, failure);
    }

    /// Starts to publish and to show others, because everything retained was read.
    pub(super) fn come_up(&mut self, now: Now) {
        if self.checks_before_up(now) {
            return;
        }
        if let Some(own) = self.local_device.as_mut().filter(|_| !self.hidden)
            && own.learn_epoch()
        {
            // The broker has a record of ours that is not older than this session. The clock was
            // set back, or our saved data is lost. Readers would ignore our Will as stale, so we
            // begin a newer session.
            self.disconnect();
            self.connect_now(now);
            return;
        }
        self.session.up(now);
        self.roster.connection_up(now);
        if !self.hub_aggregates {
            self.host = None;
        }
        if let Some(own) = self.local_device.as_mut().filter(|_| !self.hidden) {
            own.come_up();
        }
        if let Some(choosing) = &mut self.user_status {
            choosing.all_read();
        }
        if let Some(signals) = &mut self.signals {
            signals.connection_up(now);
        }
        self.effects.push_back(Effect::SnapshotRead);
    }

    /// Handles the end of a connection or a failed attempt. If the engine still wants a connection,
    /// it tries again later.
    pub(super) fn lose_connection(&mut self, now: Now, failure: &ConnectionFailure) {
        self.forget_connection_state(now);
        match &self.session.phase {
            // The broker may have received the goodbye or not; the Will follows a little later.
            Phase::Leaving { target, .. } => {
                let target = *target;
                self.finish_goodbye(now, target, false);
            }
            Phase::Resting | Phase::Stopped => {}
            Phase::Waiting { .. }
            | Phase::Connecting { .. }
            | Phase::Reading { .. }
            | Phase::Up => {
                self.session.failed(now, failure, &mut self.rng);
            }
        }
    }

    /// Forgets everything that depends on the connection.
    pub(super) fn forget_connection_state(&mut self, now: Now) {
        self.roster.connection_lost(now);
        self.forget_unacknowledged();
        if let Some(choosing) = &mut self.user_status {
            choosing.connection_lost();
        }
        if let Some(signals) = &mut self.signals {
            signals.connection_lost();
        }
    }

    pub(super) fn connect_now(&mut self, now: Now) {
        if matches!(self.session.phase, Phase::Stopped | Phase::Leaving { .. }) {
            return;
        }
        self.forget_connection_state(now);
        // A person who was visible and wants to be invisible first says goodbye, because their
        // record may still be retained.
        self.hidden &= self.is_invisible(now);
        if let Some(own) = self.local_device.as_mut().filter(|_| !self.hidden) {
            own.begin_session(now);
        }
        let will = self.local_device.as_ref().filter(|_| !self.hidden).map(|own| Will {
            topic: own.device_topic().to_wire(&self.root),
            payload: wire::encode_device(&own.will_record(self.session.version)),
            delay: self.will_delay(own.holder.grace),
            expires_in: RECORD_EXPIRY,
        });
        self.save();
        let client_id = match &self.local_device {
            Some(_) if will.is_none() => reader_client_id(&mut self.rng),
            _ => self.client_id.clone(),
        };
        let connect = self.session.connect(now, client_id, will);
        self.connection = Some(connect.connection);
        self.effects.push_back(Effect::Connect(connect));
    }

    pub(super) fn save(&mut self) {
        if let Some(own) = &self.local_device {
            self.effects.push_back(Effect::Save(Saved {
                device: own.holder.device.clone(),
                client_id: self.client_id.clone(),
                epoch: own.epoch(),
                speaks_v5: self.session.speaks_v5,
                invisible: self.hidden,
            }));
        }
    }

    /// Handles a change of the network: the present connection may be dead, and a waiting attempt
    /// need not wait. Within the grace period nobody sees the new connection.
    pub(super) fn reconnect(&mut self, now: Now) {
        const SETTLES: Duration = Duration::from_secs(5);
        match self.session.phase {
            Phase::Waiting { .. } => {
                self.session.reset_backoff();
                self.connect_now(now);
            }
            // A network changes several times while it is set up.
            Phase::Up if now.mono.since(self.session.up_at()) >= SETTLES => {
                self.session.abandoned(now);
                self.drop_connections();
                self.connect_now(now);
            }
            _ => {}
        }
    }

    pub(super) fn will_delay(&self, grace: Duration) -> Duration {
        if self.without == Some(Rule::Grace) { Duration::ZERO } else { grace }
    }

    /// Whether the person chose to be invisible. Before their choice is read, the last known one
    /// counts.
    pub(super) fn is_invisible(&self, now: Now) -> bool {
        let chosen = self.user_status.as_ref().and_then(|choosing| choosing.invisible(now));
        let last = || self.local_device.as_ref().is_some_and(|own| own.holder.invisible);
        chosen.unwrap_or_else(last)
    }

    /// Detects a sleep that the system did not announce: a deadline is long past.
    ///
    /// The broker has ended the connection by then, and its messages since are lost. The engine
    /// connects anew before the lost time counts against others.
    pub(super) fn detect_sleep(&mut self, now: Now) {
        let Some(since) = slept_since(self.expected.take(), now) else {
            return;
        };
        self.roster.slept(now, since);
        if self.session.end_after_sleep(now) {
            self.drop_connections();
            self.connect_now(now);
        }
    }
}
