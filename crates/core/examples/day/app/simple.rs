//! A simple client, as the two public descriptions of presence over MQTT show it: one retained topic a person, a Will,
//! and a timer for being away.
//!
//! Owns the protocol and settings of `tests/seed-clients/first.mjs`, with mqtt.js as it comes. Where the descriptions
//! leave something open, it gets the more favourable answer: its timer sees every input of the computer, which no page
//! does; it publishes its present status on every connect, not always `online`; it says goodbye at shutdown. Nothing
//! tells it of a lock or of sleep, as nothing tells a page.

use std::collections::VecDeque;
use std::time::Duration;

use porchlight_core::effect::{Connect, Effect, Filter, Publish, Qos, Version, Will};
use porchlight_core::input::{Command, ConnectionEvent, ConnectionId, Input, PublishId};
use porchlight_core::observation::Observation;
use porchlight_core::time::{Monotonic, Now};

use super::App;
use crate::figures::{Dot, Status};
use crate::script::{PEOPLE, person_named};

/// As mqtt.js has them.
const KEEP_ALIVE: Duration = Duration::from_secs(60);
const ANSWER: Duration = Duration::from_secs(30);
const RETRY: Duration = Duration::from_secs(1);

/// What both clients on mqtt.js share: one connection, and another one a second after it ends.
pub(crate) struct MqttJs {
    client_id: String,
    will: Option<Will>,
    pub(crate) connected: bool,
    retry_at: Option<Monotonic>,
    connections: u64,
    pub(crate) effects: VecDeque<Effect>,
}

impl MqttJs {
    pub(crate) fn new(seed: u64, will: Option<Will>) -> Self {
        Self {
            client_id: format!("mqttjs_{seed:08x}"),
            will,
            connected: false,
            retry_at: None,
            connections: 0,
            effects: VecDeque::new(),
        }
    }

    pub(crate) fn connect(&mut self) {
        self.retry_at = None;
        self.connections += 1;
        self.effects.push_back(Effect::Connect(Connect {
            connection: ConnectionId(self.connections),
            version: Version::V311,
            client_id: self.client_id.clone(),
            clean_start: true,
            session_expiry: Duration::ZERO,
            keep_alive: KEEP_ALIVE,
            dial_within: ANSWER,
            connack_within: Duration::ZERO,
            will: self.will.clone(),
        }));
    }

    pub(crate) fn lost(&mut self, now: Now) {
        self.connected = false;
        self.retry_at = Some(now.mono + RETRY);
    }

    pub(crate) fn tick(&mut self, now: Now) {
        if self.retry_at.is_some_and(|at| at <= now.mono) {
            self.connect();
        }
    }

    pub(crate) fn next_deadline(&self) -> Option<Monotonic> {
        self.retry_at
    }

    pub(crate) fn subscribe(&mut self, filter: &str) {
        let filter = Filter { topic: filter.to_owned(), qos: Qos::AtLeastOnce };
        self.effects.push_back(Effect::Subscribe(vec![filter]));
    }

    pub(crate) fn publish(&mut self, topic: &str, status: &str, retain: bool) {
        if self.connected {
            let record = Publish::record(PublishId(0), topic.to_owned(), record(status), None);
            self.effects.push_back(Effect::Publish(Publish { retain, ..record }));
        }
    }

    pub(crate) fn end(&mut self) {
        self.effects.extend([Effect::Disconnect, Effect::Stopped]);
    }
}

pub(crate) fn record(status: &str) -> Vec<u8> {
    format!("{{\"status\":\"{status}\"}}").into_bytes()
}

/// The status in a record of that kind, if it is one of the three.
pub(crate) fn status_in(payload: &[u8]) -> Option<Status> {
    let all = [Status::Online, Status::Away, Status::Offline];
    all.into_iter().find(|status| payload == record(status.word()))
}

pub(crate) struct Simple {
    mqtt: MqttJs,
    topic: String,
    away: bool,
    shown: [Status; PEOPLE],
}

impl Simple {
    pub(crate) fn new(user: &str, seed: u64) -> Self {
        let topic = format!("presence/{user}");
        let will = Will {
            topic: topic.clone(),
            payload: record("offline"),
            delay: Duration::ZERO,
            expires_in: Duration::ZERO,
        };
        let shown = [Status::Offline; PEOPLE];
        Self { mqtt: MqttJs::new(seed, Some(will)), topic, away: false, shown }
    }

    fn publish(&mut self) {
        let status = if self.away { "away" } else { "online" };
        self.mqtt.publish(&self.topic, status, true);
    }
}

impl App for Simple {
    fn handle(&mut self, now: Now, input: Input) {
        match input {
            Input::Start => self.mqtt.connect(),
            Input::Connection(_, ConnectionEvent::Up(_)) => {
                self.mqtt.connected = true;
                self.publish();
                self.mqtt.subscribe("presence/+");
            }
            Input::Connection(_, ConnectionEvent::Received(message)) => {
                let user = message.topic.strip_prefix("presence/").and_then(person_named);
                if let (Some(user), Some(status)) = (user, status_in(&message.payload)) {
                    self.shown[user] = status;
                }
            }
            Input::Connection(_, ConnectionEvent::Down(_)) => self.mqtt.lost(now),
            Input::Observed(Observation::InputIdle { .. }) => {
                self.away = true;
                self.publish();
            }
            Input::Observed(Observation::InputActive) if self.away => {
                self.away = false;
                self.publish();
            }
            Input::Observed(Observation::Suspending) => {
                self.mqtt.effects.push_back(Effect::MaySleep);
            }
            Input::Observed(Observation::ShuttingDown) | Input::Command(Command::Quit) => {
                self.mqtt.publish(&self.topic, "offline", true);
                self.mqtt.end();
            }
            _ => {}
        }
        self.mqtt.tick(now);
    }

    fn poll_effect(&mut self) -> Option<Effect> {
        self.mqtt.effects.pop_front()
    }

    fn next_deadline(&self) -> Option<Monotonic> {
        self.mqtt.next_deadline()
    }

    fn dots(&self) -> [Dot; PEOPLE] {
        let doubt = !self.mqtt.connected;
        self.shown.map(|status| Dot { status, doubt })
    }
}
