//! The device's or reader's connection: when it is opened, given up and opened anew, and as what.
//!
//! Owns `docs/protocol.md`, *A session*, except for what is published on it.

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
        // What was said to us while a connection was broken is not said again, so the broker keeps it.
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

    /// What is retained was read: from now on this device speaks, and what others say is shown.
    pub(super) fn come_up(&mut self, now: Now) {
        if self.checks_before_up(now) {
            return;
        }
        if let Some(own) = self.local_device.as_mut().filter(|_| !self.hidden)
            && own.learn_epoch()
        {
            // The broker holds a record of ours that is not older than this session: the clock was set
            // back, or what was saved is lost. Our Will would count as a stale one, so begin a newer session.
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

    /// The connection is gone, or the try came to nothing: it is tried again later.
    pub(super) fn lose_connection(&mut self, now: Now, failure: &ConnectionFailure) {
        self.forget_connection_state(now);
        match &self.session.phase {
            // The goodbye may have been heard or not; the Will says the same a little later.
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

    /// Everything that only a connection knew is unknown from now on.
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
        // Whoever wants to hide and was visible has to say first that they left: their record may stand.
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

    /// The network is another: what stands may lead nowhere, and what waits need not wait. Within the grace nobody
    /// sees it.
    pub(super) fn reconnect(&mut self, now: Now) {
        const SETTLES: Duration = Duration::from_secs(5);
        match self.session.phase {
            Phase::Waiting { .. } => {
                self.session.reset_backoff();
                self.connect_now(now);
            }
            // A network that is being set up changes several times.
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

    /// Whether the person chose to be invisible; before their choice was read, whether they last did.
    pub(super) fn is_invisible(&self, now: Now) -> bool {
        let chosen = self.user_status.as_ref().and_then(|choosing| choosing.invisible(now));
        let last = || self.local_device.as_ref().is_some_and(|own| own.holder.invisible);
        chosen.unwrap_or_else(last)
    }

    /// A deadline that is long past means that this machine slept and nobody said so before. The broker has
    /// given the connection up by then, and what it said meanwhile is lost: begin anew before any time is
    /// counted against others.
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
