//! The programs that are compared, all driven like an engine: inputs go in, effects come out.
//!
//! Owns the designs and the one that runs Porchlight's engine. The others are [`simple`] and [`heartbeat`].

use std::collections::BTreeSet;
use std::time::Duration;

use porchlight_core::effect::{Effect, Saved};
use porchlight_core::engine::{DeviceSettings, Engine, GRACE, LEASE, Role, Rule, Settings};
use porchlight_core::id::{DeviceId, Root, UserId};
use porchlight_core::input::Input;
use porchlight_core::notification::{About, NotificationPolicy};
use porchlight_core::preferences::Preferences;
use porchlight_core::time::{Monotonic, Now};
use porchlight_core::view::ConnectionView;

use crate::figures::{Dot, Status};
use crate::script::{AWAY_AFTER, PEOPLE, name_of, person_named, person_of};

mod heartbeat;
mod simple;

use heartbeat::Heartbeat;
use simple::Simple;

/// A design, and the broker that it runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Design {
    /// On the embedded hub, whose timers are those of MQTT.
    Hub,
    /// On a broker that is late by up to 11 s, and publishes all Wills when it is asked to end.
    Mosquitto,
    /// One topic a person with a Will.
    Simple,
    /// A beat every 10 s.
    Heartbeats,
}

impl Design {
    pub(crate) const ALL: [Self; 4] = [Self::Hub, Self::Mosquitto, Self::Simple, Self::Heartbeats];

    /// The two lines of its heading, and its name on the command line.
    pub(crate) const fn title(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Hub => ("Porchlight", "hub", "hub"),
            Self::Mosquitto => ("Porchlight", "Mosquitto", "mosquitto"),
            Self::Simple => ("simple", "client", "simple"),
            Self::Heartbeats => ("heart-", "beats", "heartbeats"),
        }
    }

    pub(crate) const fn is_porchlight(self) -> bool {
        matches!(self, Self::Hub | Self::Mosquitto)
    }

    /// How many halves of its keep-alive a client waits in silence before it gives its connection up: Porchlight until
    /// the second PINGREQ without an answer, mqtt.js half a keep-alive after the first.
    pub(crate) const fn patience(self) -> u64 {
        if self.is_porchlight() { 4 } else { 3 }
    }
}

/// One run of a program on one computer.
pub(crate) trait App {
    fn handle(&mut self, now: Now, input: Input);
    fn poll_effect(&mut self) -> Option<Effect>;
    fn next_deadline(&self) -> Option<Monotonic>;
    /// What it shows for each person.
    fn dots(&self) -> [Dot; PEOPLE];
}

/// Starts the program of a design.
pub(crate) fn start(
    design: Design,
    now: Now,
    machine: usize,
    saved: Option<&Saved>,
    seed: u64,
    without: Option<Rule>,
) -> Box<dyn App> {
    let user = name_of(person_of(machine));
    match design {
        Design::Hub | Design::Mosquitto => {
            Box::new(Porchlight::new(now, user, machine, saved, seed, without))
        }
        Design::Simple => Box::new(Simple::new(user, seed)),
        Design::Heartbeats => Box::new(Heartbeat::new(now, user, seed)),
    }
}

struct Porchlight {
    engine: Engine,
    up: bool,
}

impl Porchlight {
    fn new(
        now: Now,
        user: &str,
        machine: usize,
        saved: Option<&Saved>,
        seed: u64,
        without: Option<Rule>,
    ) -> Self {
        let device = DeviceId::parse(&format!("{user}{machine}")).expect("an id");
        let holder = DeviceSettings {
            user: UserId::parse(user).expect("an id"),
            device: saved.map_or(device, |saved| saved.device.clone()),
            name: user.to_owned(),
            kind: None,
            tz: None,
            links: Vec::new(),
            away_after: Duration::from_millis(AWAY_AFTER),
            last_epoch: saved.map_or(0, |saved| saved.epoch),
            grace: GRACE,
            lease: LEASE,
            user_topic: true,
            calls_dnd: false,
            coarse: false,
            invisible: false,
        };
        let client_id =
            saved.map_or_else(|| format!("pl{machine}m"), |saved| saved.client_id.clone());
        let settings = Settings {
            root: Root::default(),
            client_id,
            role: Role::Device(holder),
            notifications: NotificationPolicy {
                about: About::Everyone,
                ..NotificationPolicy::default()
            },
            has_tray: false,
            preferences: Preferences::default(),
            speaks_v5: saved.is_some_and(|saved| saved.speaks_v5),
            muted: BTreeSet::new(),
            seed,
            without,
        };
        Self { engine: Engine::new(now, settings), up: false }
    }
}

impl App for Porchlight {
    fn handle(&mut self, now: Now, input: Input) {
        self.engine.handle(now, input);
    }

    fn poll_effect(&mut self) -> Option<Effect> {
        let effect = self.engine.poll_effect();
        if let Some(Effect::Show(update)) = &effect
            && let Some(link) = &update.link
        {
            self.up = matches!(link, ConnectionView::Up { .. });
        }
        effect
    }

    fn next_deadline(&self) -> Option<Monotonic> {
        self.engine.next_deadline()
    }

    /// Somebody who is not listed is offline. Without a connection every status is in doubt.
    fn dots(&self) -> [Dot; PEOPLE] {
        let mut dots = [Dot { status: Status::Offline, doubt: !self.up }; PEOPLE];
        for person in self.engine.people() {
            if let Some(dot) = person_named(&person.user).map(|p| &mut dots[p]) {
                dot.doubt |= person.stale;
                dot.status = match person.status.as_str() {
                    "offline" => Status::Offline,
                    "away" => Status::Away,
                    _ => Status::Online,
                };
            }
        }
        dots
    }
}
