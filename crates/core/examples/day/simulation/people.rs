//! What people do at their computers, and what happens to these and to the broker.

use std::time::Duration;

use porchlight_core::input::{Command, Input};
use porchlight_core::observation::{Moment, Observation};

use super::network::Path;
use super::{DELAYED, Event, RECOVERS, Simulation, Without};
use crate::app::{self, Design};
use crate::broker::Outage;
use crate::cause::Cause;
use crate::script::{AWAY_AFTER, Action, End, Ms, PEOPLE, Step, What, person_of};

impl Simulation {
    pub(super) fn take(&mut self, step: &Step) {
        match step.what {
            What::BrokerEnds { how, for_ms } => self.broker_ends(how, for_ms),
            What::At { machine, action } => {
                if let Some(cause) = step.cause {
                    self.causes[person_of(machine)] = cause;
                }
                self.act(machine, action);
            }
        }
    }

    fn act(&mut self, m: usize, action: Action) {
        let now = self.now;
        let sits = &mut self.seats[person_of(m)];
        match action {
            Action::Start | Action::Return | Action::Unlock | Action::OpenLid => *sits = Some(m),
            Action::Pause | Action::Kill | Action::Drop { .. } | Action::CutCable { .. } => {}
            _ if *sits == Some(m) => *sits = None,
            _ => {}
        }
        match action {
            Action::Start => self.launch(m),
            Action::Pause | Action::Leave => self.stops_typing(m),
            Action::Return => self.types(m),
            Action::Lock => {
                self.machines[m].locked = true;
                self.stops_typing(m);
                self.handle(m, Input::Observed(Observation::Locked(true)));
            }
            Action::Unlock => {
                self.machines[m].locked = false;
                self.handle(m, Input::Observed(Observation::Locked(false)));
                self.types(m);
            }
            Action::CloseLid { announced } => {
                self.machines[m].asleep = true;
                self.stops_typing(m);
                if announced {
                    self.plan(now + DELAYED, Event::Sleep(m));
                    self.handle(m, Input::Observed(Observation::Suspending));
                } else {
                    self.freeze(m);
                }
            }
            Action::OpenLid => self.wake(m),
            Action::Quit => {
                self.machines[m].on = false;
                self.handle(m, Input::Command(Command::Quit));
            }
            Action::PowerOff => {
                self.machines[m].on = false;
                self.plan(now + DELAYED, Event::Off(m));
                self.handle(m, Input::Observed(Observation::ShuttingDown));
            }
            Action::PowerFails => {
                self.machines[m].on = false;
                self.freeze(m);
            }
            Action::Kill => {
                self.machines[m].on = false;
                self.process_ends(m);
            }
            Action::Drop { closed, for_ms } => self.drop_network(m, closed, for_ms),
            Action::CutCable { for_ms } => {
                self.machines[m].cut = true;
                self.drop_network(m, false, for_ms);
            }
        }
    }

    fn stops_typing(&mut self, m: usize) {
        self.machines[m].idle_since = Some(self.now);
        self.plan(self.now + AWAY_AFTER, Event::Threshold(m));
    }

    pub(super) fn reach_threshold(&mut self, m: usize) {
        let machine = &mut self.machines[m];
        let reached = machine.idle_since.is_some_and(|since| self.now >= since + AWAY_AFTER);
        if reached && !machine.frozen && machine.app.is_some() && !machine.idle_told {
            machine.idle_told = true;
            self.handle(m, Input::Observed(idle()));
        }
    }

    /// Activity sources report input after the threshold, and the first input after sleep.
    fn types(&mut self, m: usize) {
        let machine = &mut self.machines[m];
        machine.idle_since = None;
        if std::mem::take(&mut machine.idle_told) {
            self.handle(m, Input::Observed(Observation::InputActive));
        }
    }

    fn launch(&mut self, m: usize) {
        let now = self.clock(m);
        let machine = &mut self.machines[m];
        machine.runs += 1;
        machine.on = true;
        machine.idle_since = None;
        machine.idle_told = false;
        machine.troubled_until = self.now + RECOVERS;
        self.plan(self.now + RECOVERS, Event::Look);
        let without = match self.without {
            Without::Rule(rule) => Some(rule),
            Without::Nothing | Without::Wills => None,
        };
        let machine = &mut self.machines[m];
        let seed = m as u64 * 1_000 + machine.runs;
        let saved = machine.saved.as_ref();
        machine.app = Some(app::start(self.design, now, m, saved, seed, without));
        self.handle(m, Input::Observed(Observation::InputActive));
        self.handle(m, Input::Start);
    }

    pub(super) fn freeze(&mut self, m: usize) {
        let machine = &mut self.machines[m];
        if machine.frozen || (machine.on && !machine.asleep) {
            return;
        }
        machine.frozen = true;
        machine.frozen_at = self.now;
        self.mute_or_not(m);
    }

    /// The lid opens; the network needs a moment.
    fn wake(&mut self, m: usize) {
        let machine = &mut self.machines[m];
        machine.asleep = false;
        machine.frozen = false;
        machine.slept += self.now - machine.frozen_at;
        machine.idle_told = true;
        let until = self.now + self.rng.u64(1_500..4_500);
        self.block(m, Path::Silent(until), until);
        for id in [self.machines[m].main, self.machines[m].will_connection].into_iter().flatten() {
            self.check_after_wake(id, until);
        }
        self.handle(m, Input::Observed(Observation::Resumed));
    }

    pub(super) fn heal(&mut self, m: usize, until: Ms) {
        if self.machines[m].path.until() != Some(until) {
            return;
        }
        let machine = &mut self.machines[m];
        machine.path = Path::Clear;
        machine.cut = false;
        machine.troubled_until = self.now + RECOVERS;
        self.plan(self.now + RECOVERS, Event::Look);
        self.mute_or_not(m);
    }

    fn broker_ends(&mut self, how: End, for_ms: Ms) {
        self.causes = [Cause::Broker; PEOPLE];
        let publishes = self.design == Design::Mosquitto && how == End::Term;
        let how = if publishes { Outage::Fires } else { Outage::Loses };
        self.broker.end(self.now, how);
        self.flush_broker();
        self.plan(self.now + for_ms, Event::BrokerBack);
    }

    /// The hub's own record. Its aggregates for simple clients are left out: nobody here reads them.
    pub(super) fn hub_speaks(&mut self) {
        if self.design == Design::Hub {
            let payload = br#"{"v":1,"in_order":true}"#.to_vec();
            self.broker.publish(self.now, "presence/_hub", payload, None);
            self.flush_broker();
        }
    }
}

fn idle() -> Observation {
    Observation::InputIdle { since: Moment::Ago(Duration::from_millis(AWAY_AFTER)) }
}
