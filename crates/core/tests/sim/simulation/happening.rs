//! What happens when its time has come: timers that run out, and packets that arrive.

use super::*;

impl Simulation {
    pub(super) fn happen(&mut self, event: Event) {
        match event {
            Event::ToBroker(id, up) => self.arrive_at_broker(id, up),
            Event::ToClient(id, out) => self.arrive_at_client(id, out),
            Event::ConnectTimeout(id) => {
                let conn = &self.conns[id];
                if conn.client_open && !conn.acknowledged {
                    if self.machines[conn.machine].frozen {
                        // A machine that stands still looks at its timers later.
                        self.plan(self.now + 1_000, Event::ConnectTimeout(id));
                        return;
                    }
                    self.send_up(id, Up::Close);
                    let address = "the broker".to_owned();
                    self.client_loses(id, ConnectionFailure::TimedOut { address });
                }
            }
            Event::ConnectRefused(id) => {
                let address = "the broker".to_owned();
                let reason = "refused".to_owned();
                self.client_loses(id, ConnectionFailure::Unreachable { address, reason });
            }
            Event::BrokerGivesUp(id, since) => {
                if self.conns[id].mute_since == Some(since) && self.conns[id].broker_open {
                    self.send_down(id, Out::Close);
                    self.broker_loses(id);
                }
            }
            Event::ClientGivesUp(id, since) => {
                let conn = &self.conns[id];
                let silent = matches!(self.machines[conn.machine].path, Path::Silent(_));
                if conn.mute_since == Some(since) && conn.acknowledged && silent {
                    if self.machines[conn.machine].frozen {
                        self.plan(self.now + 1_000, Event::ClientGivesUp(id, since));
                    } else {
                        self.send_up(id, Up::Close);
                        self.client_loses(id, broken("no PINGRESP"));
                    }
                }
            }
            Event::Ping(id) => {
                if self.conns[id].client_open && !self.conns[id].broker_open {
                    if self.machines[self.conns[id].machine].frozen {
                        self.plan(self.now + 1_000, Event::Ping(id));
                    } else {
                        self.client_loses(id, broken("reset"));
                    }
                }
            }
            Event::Heal(m, until) => {
                let (Path::Closed(end) | Path::Silent(end)) = self.machines[m].path else { return };
                if end == until {
                    self.note(|| format!("{}: the path is clear", NAMES[m]));
                    self.machines[m].path = Path::Clear;
                    self.mute_or_not(m);
                    self.flush_path(m);
                }
            }
            Event::Slow(m, until) => {
                if self.machines[m].slow.1 == until {
                    self.machines[m].slow = (0, 0);
                }
            }
            Event::Wake(m, dead) => self.thaw(m, dead),
            Event::Launch(m) => self.start_process(m),
            Event::Sleep(m, since) => self.sleep(m, since),
            Event::BrokerBack => {
                self.note(|| "the broker is back".to_owned());
                self.broker.running = true;
            }
            Event::SeedConnects(seed) => self.seed_connects(seed),
            Event::Threshold(m) => self.observe(m),
            Event::Lie(m) => self.lie(m),
            Event::LiarLeaves(m) => self.machines[m].liar_until = 0,
            Event::ChoiceFades(p, number) => self.choice_fades(p, number),
            Event::ChoiceEnds(p, number) => self.choice_ends(p, number),
            Event::ClockIsSet(m, by) => self.clock_is_set(m, by),
            Event::Cut(id) => {
                let m = self.conns[id].machine;
                if self.conns[id].client_open && self.machines[m].main == Some(id) {
                    self.note(|| format!("{}: its connection is cut", NAMES[m]));
                    self.forget_connection_state(m, End::Both, 1);
                }
            }
            Event::Look => self.look(),
        }
    }

    pub(super) fn arrive_at_broker(&mut self, id: ConnId, mut up: Up) {
        let now = self.now;
        let refused = self.bend_up(&mut up);
        if let Up::Connect(connect) = up {
            if self.broker.running && self.conns[id].client_open {
                self.conns[id].broker_open = true;
                self.broker.connect(now, id, &connect);
                self.flush_broker();
                if self.cuts(id) {
                    let arrives = self.conns[id].down_at.max(now);
                    self.plan(arrives + 1, Event::Cut(id));
                }
                // Nobody hears a machine that fell silent with its CONNECT under way.
                self.mute_or_not(self.conns[id].machine);
            } else {
                let running = self.broker.running;
                self.send_down(id, if running { Out::Close } else { Out::Refused });
            }
            return;
        }
        if !self.conns[id].broker_open {
            if self.conns[id].client_open {
                // Nobody listens any more: the socket is reset.
                self.send_down(id, Out::Close);
            }
            return;
        }
        match up {
            Up::Connect(_) => {}
            Up::Subscribe(filters) => {
                self.conns[id].refused = refused;
                self.broker.subscribe(now, id, filters);
            }
            Up::Publish(publish) => {
                let lied_to = self.lied_to(id, &publish.topic);
                self.broker.publish(now, &publish.topic, publish.payload, publish.expires_in);
                self.broker.out.push((id, Out::Puback(publish.id.0)));
                if let Some(m) = lied_to {
                    self.plan(now + 20, Event::Lie(m));
                }
            }
            Up::Disconnect => {
                self.conns[id].broker_open = false;
                self.broker.disconnect(now, id);
            }
            Up::Close => {
                self.conns[id].broker_open = false;
                self.broker.lost(now, id);
            }
        }
        self.flush_broker();
    }

    pub(super) fn arrive_at_client(&mut self, id: ConnId, out: Out) {
        let conn = &mut self.conns[id];
        let m = conn.machine;
        if self.machines[m].frozen {
            self.machines[m].inbox.push((id, out));
            return;
        }
        if !conn.client_open {
            return;
        }
        if conn.lane == Lane::Seed {
            match out {
                Out::TakenOver | Out::Close | Out::Refused => {
                    self.client_loses(id, broken("closed"));
                }
                Out::Connack { .. } => {
                    conn.acknowledged = true;
                    self.seed_speaks(m - ENGINES as usize);
                }
                _ => {}
            }
            return;
        }
        let event = match out {
            Out::Connack { session_present } => {
                conn.acknowledged = true;
                ConnectionEvent::Up(Granted { session_present, ..Granted::default() })
            }
            Out::Suback => {
                let refused = conn.refused.iter().map(|filter| RefusedFilter {
                    filter: filter.clone(),
                    reason: NOT_AUTHORIZED.into(),
                });
                ConnectionEvent::Subscribed { refused: refused.collect() }
            }
            Out::Puback(publish) => {
                conn.unacknowledged.retain(|waiting| waiting.id.0 != publish);
                ConnectionEvent::Published {
                    id: PublishId(publish),
                    outcome: Ok::<(), Refusal>(()),
                }
            }
            Out::Message { message, retained, expires_in } => ConnectionEvent::Received(Message {
                topic: String::from(&*message.topic),
                payload: message.payload.to_vec(),
                retained,
                expires_in,
            }),
            Out::TakenOver => {
                self.client_loses(id, ConnectionFailure::taken_over());
                return;
            }
            Out::Close => {
                let failure = if conn.acknowledged {
                    broken("closed")
                } else {
                    ConnectionFailure::Protocol { reason: "closed without a word".to_owned() }
                };
                self.client_loses(id, failure);
                return;
            }
            Out::Refused => {
                let address = "the broker".to_owned();
                let reason = "refused".to_owned();
                self.client_loses(id, ConnectionFailure::Unreachable { address, reason });
                return;
            }
        };
        if let (Some(trace), ConnectionEvent::Received(message)) = (&mut self.trace, &event) {
            let (topic, text) = (&message.topic, String::from_utf8_lossy(&message.payload));
            let how = if message.retained { "reads retained" } else { "reads" };
            trace.push(format!("{:>9} {} {how} {topic}: {text}", self.now, NAMES[m]));
        }
        let up = matches!(event, ConnectionEvent::Up(_));
        let number = conn.number;
        match conn.lane {
            Lane::WillConnection => self.handle(m, Input::WillConnection(number, event)),
            Lane::Main | Lane::Seed => {
                if up {
                    self.reads_anew();
                    self.resend(m, id);
                }
                self.handle(m, Input::Connection(number, event));
            }
        }
    }

    /// A library that forgets nothing sends first what it still had to send.
    pub(super) fn resend(&mut self, m: usize, id: ConnId) {
        let pending = std::mem::take(&mut self.machines[m].pending);
        if self.without == Without::PendingCleared {
            for publish in pending {
                self.judge_publish(m, &publish);
                self.send_up(id, Up::Publish(publish));
            }
        }
    }
}
