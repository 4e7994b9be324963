//! The engines: how they are started, asked, and obeyed.

use super::*;

impl Simulation {
    pub(super) fn clock(&self, m: usize) -> Now {
        let wall = CALENDAR.saturating_add_signed(self.machines[m].skew) + self.now;
        Now {
            mono: Monotonic::from_origin(Duration::from_millis(self.now + 1_000_000)),
            wall: Timestamp::from_ms(wall).unwrap_or(Timestamp::MAX),
        }
    }

    pub(super) fn launch(&mut self, m: usize) {
        let now = self.clock(m);
        let blind = if self.now == 0 { WARM_UP } else { 2_000 + self.slack() };
        let machine = &mut self.machines[m];
        machine.runs += 1;
        machine.blind_until = self.now + blind;
        let over = [machine.path_certain, machine.path_used_at(), self.broker_certain];
        machine.blind_until = over.into_iter().fold(machine.blind_until, u64::max);
        let saved = machine.saved.as_ref();
        let role = if is_device(m) {
            let user = USERS[person_of(m)];
            let device = DeviceId::parse(&format!("{user}{m}")).expect("an id");
            Role::Device(DeviceSettings {
                user: UserId::parse(user).expect("an id"),
                device: saved.map_or(device, |saved| saved.device.clone()),
                name: user.to_owned(),
                kind: None,
                tz: None,
                links: Vec::new(),
                away_after: Duration::from_millis(AWAY_AFTER),
                last_epoch: saved.map_or(0, |saved| saved.epoch),
                grace: Duration::from_millis(GRACE),
                lease: Duration::from_millis(LEASE),
                user_topic: person_of(m) != 1 || !self.plain,
                calls_dnd: false,
                coarse: false,
                invisible: saved.is_some_and(|saved| saved.invisible),
            })
        } else {
            Role::Observer
        };
        let client_id = saved.map_or_else(
            || format!("pl{m}x{}", if is_device(m) { 0 } else { machine.runs }),
            |saved| saved.client_id.clone(),
        );
        let without = match self.without {
            Without::Rule(rule) => Some(rule),
            _ => None,
        };
        let settings = Settings {
            root: Root::default(),
            client_id,
            role,
            notifications: NotificationPolicy {
                about: About::Everyone,
                ..NotificationPolicy::default()
            },
            has_tray: false,
            preferences: Preferences::default(),
            speaks_v5: saved.is_some_and(|saved| saved.speaks_v5),
            muted: BTreeSet::new(),
            seed: m as u64 * 1_000 + u64::from(machine.runs),
            without,
        };
        machine.engine = Some(Engine::new(now, settings));
        machine.shown = [OFFLINE; 3];
        if is_device(m) {
            let desk = machine.desk.clone();
            self.handle(
                m,
                match desk.idle_since {
                    Some(since) => {
                        let ago = Duration::from_millis(self.now - since);
                        Input::Observed(Observation::InputIdle { since: Moment::Ago(ago) })
                    }
                    None => Input::Observed(Observation::InputActive),
                },
            );
            if desk.locked {
                self.handle(m, Input::Observed(Observation::Locked(true)));
            }
        }
        self.handle(m, Input::Start);
    }

    pub(super) fn tick(&mut self, m: usize) {
        let ticks = &mut self.machines[m].ticks;
        if ticks.0 == self.now {
            ticks.1 += 1;
        } else {
            *ticks = (self.now, 1);
        }
        if ticks.1 > 20 {
            let due = self.machines[m].engine.as_ref().and_then(Engine::next_deadline);
            self.violated(|| format!("{}: a deadline that never ends: {due:?}", NAMES[m]));
        }
        self.handle(m, Input::Tick);
    }

    pub(super) fn handle(&mut self, m: usize, input: Input) {
        let now = self.clock(m);
        let Some(engine) = &mut self.machines[m].engine else { return };
        self.handled += 1;
        engine.handle(now, input);
        let mut stopped = false;
        let mut shown = false;
        while let Some(effect) = self.machines[m].engine.as_mut().and_then(Engine::poll_effect) {
            match effect {
                Effect::Show(update) => {
                    shown |= !(update.joins.is_empty()
                        && update.changes.is_empty()
                        && update.leaves.is_empty())
                        || update.me.is_some();
                }
                Effect::Stopped => stopped = true,
                effect => self.apply(m, effect),
            }
        }
        if let Some(engine) = &self.machines[m].engine {
            let deadline = engine.next_deadline().map_or(NEVER, |at| {
                let since = at.since(Monotonic::from_origin(Duration::from_millis(1_000_000)));
                u64::try_from(since.as_micros().div_ceil(1_000)).unwrap_or(NEVER)
            });
            self.deadlines[m] = deadline.max(self.now);
        }
        if shown {
            self.look_at(m);
        }
        if stopped {
            self.process_ends(m);
        }
    }

    pub(super) fn apply(&mut self, m: usize, effect: Effect) {
        match effect {
            Effect::Save(saved) => {
                if let Some(old) = &self.machines[m].saved
                    && old.device != saved.device
                {
                    self.becomes_another(m);
                }
                self.machines[m].saved = Some(saved);
            }
            Effect::Connect(connect) => {
                if let Some(old) = self.machines[m].main.take() {
                    self.close_by_client(old);
                }
                let conn = self.open(m, Lane::Main, connect);
                self.machines[m].main = Some(conn);
            }
            Effect::ConnectWill(connect) => {
                if let Some(old) = self.machines[m].will_connection.take() {
                    self.close_by_client(old);
                }
                let conn = self.open(m, Lane::WillConnection, connect);
                self.machines[m].will_connection = Some(conn);
            }
            Effect::Subscribe(filters) => {
                if let Some(conn) = self.machines[m].main {
                    let topics = filters.into_iter().map(|filter| filter.topic).collect();
                    self.send_up(conn, Up::Subscribe(topics));
                }
            }
            Effect::Publish(publish) => self.publish(m, publish),
            Effect::Disconnect => {
                if let Some(conn) = self.machines[m].main.take() {
                    self.send_up(conn, Up::Disconnect);
                    self.close_by_client(conn);
                }
            }
            Effect::DisconnectWill => {
                if let Some(conn) = self.machines[m].will_connection.take() {
                    self.send_up(conn, Up::Disconnect);
                    self.close_by_client(conn);
                }
            }
            Effect::Drop => {
                let machine = &mut self.machines[m];
                let conns = [machine.main.take(), machine.will_connection.take()];
                for conn in conns.into_iter().flatten() {
                    self.close_by_client(conn);
                }
            }
            Effect::Notify(notification) => self.judge_notification(m, &notification),
            Effect::MaySleep => {
                if let Some(since) = self.machines[m].desk.asleep_since {
                    self.plan(self.now, Event::Sleep(m, since));
                }
            }
            Effect::Show(_)
            | Effect::ShowTray(_)
            | Effect::WithdrawNotification { .. }
            | Effect::SaveMuted(_)
            | Effect::SavePreferences(_)
            | Effect::Complain { .. }
            | Effect::Reachable(_)
            | Effect::SnapshotRead
            | Effect::ChoiceSettled(_)
            | Effect::Stopped => {}
        }
    }

    pub(super) fn publish(&mut self, m: usize, publish: Publish) {
        let Some(conn) = self.machines[m].main else { return };
        self.note(|| {
            format!(
                "{} says {}: {}",
                NAMES[m],
                publish.topic,
                String::from_utf8_lossy(&publish.payload)
            )
        });
        self.judge_publish(m, &publish);
        let machine = &mut self.machines[m];
        machine.last_publish = self.now;
        machine.recent += 1;
        if self.without == Without::PendingCleared {
            self.conns[conn].unacknowledged.push(publish.clone());
        }
        self.send_up(conn, Up::Publish(publish));
    }

    /// The process is gone; the system closes its sockets.
    pub(super) fn process_ends(&mut self, m: usize) {
        let machine = &mut self.machines[m];
        machine.engine = None;
        self.deadlines[m] = NEVER;
        machine.pending.clear();
        let conns = [machine.main.take(), machine.will_connection.take()];
        for conn in conns.into_iter().flatten() {
            self.close_by_client(conn);
        }
    }
}
