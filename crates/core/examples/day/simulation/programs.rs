//! The programs: what they are told, and what they ask for.

use std::time::Duration;

use porchlight_core::effect::Effect;
use porchlight_core::input::Input;
use porchlight_core::time::{Monotonic, Now, Timestamp};

use super::network::{Lane, Up};
use super::{Event, MIDNIGHT, Simulation};
use crate::broker::NEVER;
use crate::script::Ms;

impl Simulation {
    pub(super) fn clock(&self, m: usize) -> Now {
        let wall = (MIDNIGHT + self.now).saturating_add_signed(self.machines[m].skew_ms);
        let awake = self.now - self.uncounted(m);
        Now {
            mono: Monotonic::from_origin(Duration::from_millis(awake)),
            wall: Timestamp::from_ms(wall).unwrap_or(Timestamp::MAX),
        }
    }

    /// Porchlight's clock counts sleep; that of a page or of Node.js does not.
    fn uncounted(&self, m: usize) -> Ms {
        if self.design.is_porchlight() { 0 } else { self.machines[m].slept }
    }

    pub(crate) fn handle(&mut self, m: usize, input: Input) {
        let now = self.clock(m);
        let Some(app) = &mut self.machines[m].app else { return };
        app.handle(now, input);
        let mut stopped = false;
        while let Some(effect) = self.machines[m].app.as_mut().and_then(|app| app.poll_effect()) {
            match effect {
                Effect::Stopped => stopped = true,
                effect => self.apply(m, effect),
            }
        }
        let uncounted = self.uncounted(m);
        let machine = &mut self.machines[m];
        if let Some(app) = &machine.app {
            machine.deadline = app.next_deadline().map(|at| {
                let awake = at.since(Monotonic::default()).as_micros().div_ceil(1_000);
                (u64::try_from(awake).unwrap_or(NEVER - uncounted) + uncounted).max(self.now)
            });
            let dots = app.dots();
            self.changed |= machine.dots.replace(dots) != Some(dots);
        }
        if stopped {
            self.process_ends(m);
        }
    }

    fn apply(&mut self, m: usize, effect: Effect) {
        match effect {
            Effect::Save(saved) => self.machines[m].saved = Some(saved),
            Effect::Connect(connect) => self.open(m, Lane::Main, connect),
            Effect::ConnectWill(connect) => self.open(m, Lane::WillConnection, connect),
            Effect::Subscribe(filters) => {
                if let Some(conn) = self.machines[m].main {
                    let topics = filters.into_iter().map(|filter| filter.topic).collect();
                    self.send_up(conn, Up::Subscribe(topics));
                }
            }
            Effect::Publish(publish) => {
                if let Some(conn) = self.machines[m].main {
                    self.send_up(conn, Up::Publish(publish));
                }
            }
            Effect::Disconnect => self.leave(m, Lane::Main, true),
            Effect::DisconnectWill => self.leave(m, Lane::WillConnection, true),
            Effect::Drop => {
                self.leave(m, Lane::Main, false);
                self.leave(m, Lane::WillConnection, false);
            }
            Effect::MaySleep if self.machines[m].asleep => self.plan(self.now, Event::Sleep(m)),
            Effect::MaySleep if !self.machines[m].on => self.plan(self.now, Event::Off(m)),
            // The view is read after each input, so updates are ignored here.
            _ => {}
        }
    }

    /// The process is gone; the system closes its sockets.
    pub(super) fn process_ends(&mut self, m: usize) {
        let machine = &mut self.machines[m];
        machine.app = None;
        machine.deadline = None;
        machine.dots = None;
        self.leave(m, Lane::Main, false);
        self.leave(m, Lane::WillConnection, false);
        self.changed = true;
    }
}
