//! What happens on connections when its time has come: timers that run out, and packets that arrive.

use std::time::Duration;

use porchlight_core::input::{
    ConnectionEvent, ConnectionFailure, Granted, Message, PublishId, Refusal,
};

use super::{Up, broken, unreachable};
use crate::broker::{ConnId, Out};
use crate::simulation::{Event, Simulation};

impl Simulation {
    pub(crate) fn happen_on_network(&mut self, event: Event) {
        match event {
            Event::ToBroker(id, up) => self.arrive_at_broker(id, up),
            Event::ToClient(id, out) => self.arrive_at_client(id, out),
            Event::ConnectTimeout(id) => {
                let conn = &self.conns[id];
                if conn.client_open && !conn.acknowledged {
                    if self.machines[conn.machine].frozen {
                        // A computer that sleeps looks at its timers later.
                        self.plan(self.now + 1_000, Event::ConnectTimeout(id));
                        return;
                    }
                    self.send_up(id, Up::Close);
                    let address = "the broker".to_owned();
                    self.client_loses(id, ConnectionFailure::TimedOut { address });
                }
            }
            Event::Resume(id) => self.resume(id),
            Event::ConnectRefused(id) => self.client_loses(id, unreachable()),
            Event::BrokerGivesUp(id, since)
                if self.conns[id].mute_since == Some(since) && self.conns[id].broker_open =>
            {
                self.send_down(id, Out::Close);
                self.broker_loses(id);
            }
            Event::ClientGivesUp(id, since) => {
                let conn = &self.conns[id];
                let frozen = self.machines[conn.machine].frozen;
                if conn.mute_since == Some(since) && conn.acknowledged && !frozen {
                    self.send_up(id, Up::Close);
                    self.client_loses(id, broken("no PINGRESP"));
                }
            }
            Event::DetectLoss(id) if self.conns[id].client_open && !self.conns[id].broker_open => {
                self.client_loses(id, broken("reset"));
            }
            _ => {}
        }
    }

    fn arrive_at_broker(&mut self, id: ConnId, up: Up) {
        let now = self.now;
        let conn = &mut self.conns[id];
        if let Up::Connect(connect) = up {
            if self.broker.running && conn.client_open {
                conn.broker_open = true;
                self.broker.connect(now, id, &connect);
                self.flush_broker();
                // Nobody hears a computer that fell silent with its CONNECT under way.
                self.conns[id].mute_since = None;
                let m = self.conns[id].machine;
                if self.machines[m].frozen || self.machines[m].path.is_silent() {
                    self.falls_silent(id);
                }
            } else {
                let out = if self.broker.running { Out::Close } else { Out::Refused };
                self.send_down(id, out);
            }
            return;
        }
        if !conn.broker_open {
            if conn.client_open {
                // Nobody listens any more: the socket is reset.
                self.send_down(id, Out::Close);
            }
            return;
        }
        match up {
            Up::Connect(_) => {}
            Up::Subscribe(filters) => self.broker.subscribe(now, id, filters),
            Up::Publish(publish) => {
                // This broker keeps every message: one that is not retained expires at once.
                let expires_in =
                    if publish.retain { publish.expires_in } else { Some(Duration::ZERO) };
                self.broker.publish(now, &publish.topic, publish.payload, expires_in);
                self.broker.out.push((id, Out::Puback(publish.id.0)));
            }
            Up::Disconnect => {
                conn.broker_open = false;
                self.broker.disconnect(now, id);
            }
            Up::Close => {
                conn.broker_open = false;
                self.broker.lost(now, id);
            }
        }
        self.flush_broker();
    }

    fn arrive_at_client(&mut self, id: ConnId, out: Out) {
        let conn = &mut self.conns[id];
        let m = conn.machine;
        if self.machines[m].frozen {
            // What a computer that sleeps does not take in is lost with its connection.
            return;
        }
        if !conn.client_open {
            return;
        }
        let event = match out {
            Out::Connack { session_present } => {
                conn.acknowledged = true;
                ConnectionEvent::Up(Granted { session_present, ..Granted::default() })
            }
            Out::Suback => ConnectionEvent::Subscribed { refused: Vec::new() },
            Out::Puback(publish) => ConnectionEvent::Published {
                id: PublishId(publish),
                outcome: Ok::<(), Refusal>(()),
            },
            Out::Message { message, retained, expires_in } => ConnectionEvent::Received(Message {
                topic: String::from(&*message.topic),
                payload: message.payload.to_vec(),
                retained,
                expires_in,
            }),
            Out::TakenOver => return self.client_loses(id, ConnectionFailure::taken_over()),
            Out::Close if conn.acknowledged => return self.client_loses(id, broken("closed")),
            Out::Close => {
                let reason = "closed without a word".to_owned();
                return self.client_loses(id, ConnectionFailure::Protocol { reason });
            }
            Out::Refused => return self.client_loses(id, unreachable()),
        };
        self.report(id, event);
    }
}
