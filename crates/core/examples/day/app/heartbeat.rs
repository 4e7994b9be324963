//! Presence by heartbeats, the common design without a Will.
//!
//! Owns the protocol and settings of `tests/seed-clients/heartbeat.mjs`: a beat every 10 s, offline after three missed,
//! nothing retained, a goodbye at the end, mqtt.js as it comes. It can do more than that client: a beat also says *away*,
//! by the same timer as in [`super::simple`], and where a person has several computers, the one in use counts.

use std::time::Duration;

use porchlight_core::effect::Effect;
use porchlight_core::input::{Command, ConnectionEvent, Input};
use porchlight_core::observation::Observation;
use porchlight_core::time::{Monotonic, Now};

use super::App;
use super::simple::{MqttJs, status_in};
use crate::figures::{Dot, Status};
use crate::script::{PEOPLE, person_named};

const BEAT: Duration = Duration::from_secs(10);
const MISSED: Duration = Duration::from_secs(30);
/// A computer in use outranks one that is not for the length of a beat, and a second for the network.
const PREFERRED: Duration = Duration::from_secs(11);

/// When the last beats of a person arrived.
#[derive(Debug, Clone, Copy, Default)]
struct Beats {
    online: Option<Monotonic>,
    away: Option<Monotonic>,
}

impl Beats {
    fn status(self, now: Monotonic) -> Status {
        let within = |at: Option<Monotonic>, span: Duration| at.is_some_and(|at| now < at + span);
        if within(self.online, PREFERRED) {
            Status::Online
        } else if within(self.away, PREFERRED) {
            Status::Away
        } else if within(self.online.max(self.away), MISSED) {
            if self.online > self.away { Status::Online } else { Status::Away }
        } else {
            Status::Offline
        }
    }

    /// When that changes by itself.
    fn next_change(self, now: Monotonic) -> Option<Monotonic> {
        let beats = [self.online, self.away].into_iter().flatten();
        beats.flat_map(|at| [at + PREFERRED, at + MISSED]).filter(|at| *at > now).min()
    }
}

pub(crate) struct Heartbeat {
    mqtt: MqttJs,
    topic: String,
    away: bool,
    next_beat: Monotonic,
    beats: [Beats; PEOPLE],
    now: Monotonic,
}

impl Heartbeat {
    pub(crate) fn new(now: Now, user: &str, seed: u64) -> Self {
        Self {
            mqtt: MqttJs::new(seed, None),
            topic: format!("heartbeat/{user}"),
            away: false,
            next_beat: now.mono + BEAT,
            beats: [Beats::default(); PEOPLE],
            now: now.mono,
        }
    }

    fn beat(&mut self) {
        self.mqtt.publish(&self.topic, if self.away { "away" } else { "online" }, false);
    }
}

impl App for Heartbeat {
    fn handle(&mut self, now: Now, input: Input) {
        self.now = now.mono;
        match input {
            Input::Start => self.mqtt.connect(),
            Input::Connection(_, ConnectionEvent::Up(_)) => {
                self.mqtt.connected = true;
                self.mqtt.subscribe("heartbeat/+");
                self.beat();
            }
            Input::Connection(_, ConnectionEvent::Received(message)) => {
                let user = message.topic.strip_prefix("heartbeat/").and_then(person_named);
                if let (Some(user), Some(status)) = (user, status_in(&message.payload)) {
                    let beats = &mut self.beats[user];
                    match status {
                        Status::Online => beats.online = Some(now.mono),
                        Status::Away => beats.away = Some(now.mono),
                        Status::Offline => *beats = Beats::default(),
                    }
                }
            }
            Input::Connection(_, ConnectionEvent::Down(_)) => self.mqtt.lost(now),
            Input::Observed(Observation::InputIdle { .. }) => {
                self.away = true;
                self.beat();
            }
            Input::Observed(Observation::InputActive) if self.away => {
                self.away = false;
                self.beat();
            }
            Input::Observed(Observation::Suspending) => {
                self.mqtt.effects.push_back(Effect::MaySleep);
            }
            Input::Observed(Observation::ShuttingDown) | Input::Command(Command::Quit) => {
                self.mqtt.publish(&self.topic, "offline", false);
                self.mqtt.end();
            }
            _ => {}
        }
        if self.next_beat <= now.mono {
            self.next_beat = now.mono + BEAT;
            self.beat();
        }
        self.mqtt.tick(now);
    }

    fn poll_effect(&mut self) -> Option<Effect> {
        self.mqtt.effects.pop_front()
    }

    fn next_deadline(&self) -> Option<Monotonic> {
        let changes = self.beats.iter().filter_map(|beats| beats.next_change(self.now)).min();
        [Some(self.next_beat), self.mqtt.next_deadline(), changes].into_iter().flatten().min()
    }

    fn dots(&self) -> [Dot; PEOPLE] {
        let doubt = !self.mqtt.connected;
        self.beats.map(|beats| Dot { status: beats.status(self.now), doubt })
    }
}
