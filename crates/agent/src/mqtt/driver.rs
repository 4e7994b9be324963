//! Listens to one connection until it ends, and says in our words what it hears.

use std::collections::HashMap;
use std::future::Future;

use porchlight_core::input::{
    Granted, LinkEvent, LinkFailure, Message, PublishId, Refusal, RefusedFilter,
};
use porchlight_core::reason::ReasonCode;
use tokio::sync::mpsc;

/// A request that the library was given.
#[derive(Debug)]
pub(super) enum Asked {
    Publish(PublishId),
    Subscribe(Vec<String>),
}

/// Listens to the library.
pub(super) trait Ear: Send + 'static {
    /// User Name and Password of the CONNECT, before it is first asked what it hears.
    fn sign_in(&mut self, username: &str, password: &str);
    /// What it says next. Not cancel-safe. After a failure it must not be asked again: the library would
    /// connect anew.
    fn hear(&mut self) -> impl Future<Output = Result<Heard, LinkFailure>> + Send;
}

/// What the library says.
#[derive(Debug)]
pub(super) enum Heard {
    /// CONNACK with success.
    ConnAck(Granted),
    /// SUBACK: the broker's answer for each filter, in the order of the SUBSCRIBE.
    SubAck(Vec<ReasonCode>),
    /// PUBACK of the publish with this Packet Identifier.
    PubAck(u16, Result<(), Refusal>),
    /// PUBLISH.
    Publish(Message),
    /// A PUBLISH or SUBSCRIBE of ours was written, with this Packet Identifier.
    Written(u16),
    /// DISCONNECT was written.
    Leaving,
    /// What nobody waits for.
    Nothing,
}

pub(super) struct Driver<E> {
    ear: E,
    /// What was asked for and not written yet, in this order.
    asked: mpsc::UnboundedReceiver<Asked>,
    /// The numbers of publishes that were written, by Packet Identifier.
    written: HashMap<u16, PublishId>,
    /// The filters that were last subscribed; the SUBACK answers in their order.
    filters: Vec<String>,
    events: mpsc::Sender<LinkEvent>,
    /// Whether DISCONNECT was written.
    leaving: bool,
}

impl<E: Ear> Driver<E> {
    pub(super) fn new(
        ear: E,
        asked: mpsc::UnboundedReceiver<Asked>,
        events: mpsc::Sender<LinkEvent>,
    ) -> Self {
        let (written, filters) = (HashMap::new(), Vec::new());
        Self { ear, asked, written, filters, events, leaving: false }
    }

    /// Runs until the connection ends, and says why it did.
    pub(super) async fn run(mut self) {
        loop {
            let event = match self.ear.hear().await {
                Ok(heard) => self.event(heard),
                Err(_) if self.leaving => {
                    let reason = "we said goodbye".to_owned();
                    Some(LinkEvent::Down(LinkFailure::Broken { reason }))
                }
                Err(failure) => Some(LinkEvent::Down(failure)),
            };
            let Some(event) = event else {
                continue;
            };
            let ended = matches!(event, LinkEvent::Down(_));
            // Nobody listens any more after a goodbye; its DISCONNECT is still to be written.
            let _ = self.events.send(event).await;
            if ended {
                return;
            }
        }
    }

    fn event(&mut self, heard: Heard) -> Option<LinkEvent> {
        match heard {
            Heard::ConnAck(granted) => Some(LinkEvent::Up(granted)),
            Heard::SubAck(answers) => {
                Some(LinkEvent::Subscribed { refused: self.refused(&answers) })
            }
            Heard::PubAck(packet_id, outcome) => {
                let id = self.written.remove(&packet_id)?;
                Some(LinkEvent::Published { id, outcome })
            }
            Heard::Publish(message) => Some(LinkEvent::Received(message)),
            Heard::Written(packet_id) => {
                self.note_written(packet_id);
                None
            }
            // The broker closes the socket when it has read this. Closed by us, it could fail to
            // write to us before it reads, and take that for a crash.
            Heard::Leaving => {
                self.leaving = true;
                None
            }
            Heard::Nothing => None,
        }
    }

    fn note_written(&mut self, packet_id: u16) {
        match self.asked.try_recv() {
            // QoS 0 has no Packet Identifier, and nobody acknowledges it (MQTT 5, 2.2.1).
            Ok(Asked::Publish(_)) if packet_id == 0 => {}
            Ok(Asked::Publish(id)) => {
                self.written.insert(packet_id, id);
            }
            Ok(Asked::Subscribe(filters)) => self.filters = filters,
            Err(_) => {}
        }
    }

    fn refused(&self, answers: &[ReasonCode]) -> Vec<RefusedFilter> {
        self.filters
            .iter()
            .zip(answers)
            .filter(|(_, code)| !code.is_success())
            .map(|(filter, code)| RefusedFilter { filter: filter.clone(), reason: (*code).into() })
            .collect()
    }
}
