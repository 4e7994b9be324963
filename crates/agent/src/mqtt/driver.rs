//! Polls the library's event loop and says in our words what it says.

use std::collections::HashMap;
use std::time::Duration;

use porchlight_core::input::{Granted, LinkEvent, LinkFailure, Message, PublishId, Refusal};
use rumqttc::Outgoing;
use rumqttc::v5::mqttbytes::v5::{
    Packet, PubAck, PubAckReason, Publish, SubAck, SubscribeReasonCode,
};
use rumqttc::v5::{Event, EventLoop};
use tokio::sync::mpsc;

use super::failure;

/// A request that the library was given.
#[derive(Debug)]
pub(super) enum Asked {
    Publish(PublishId),
    Subscribe(Vec<String>),
}

pub(super) struct Driver {
    event_loop: EventLoop,
    address: String,
    /// What was asked for and not written yet, in this order.
    asked: mpsc::UnboundedReceiver<Asked>,
    /// The numbers of publishes that were written, by Packet Identifier.
    written: HashMap<u16, PublishId>,
    /// The filters that were last subscribed; the SUBACK answers in their order.
    filters: Vec<String>,
    events: mpsc::Sender<LinkEvent>,
    connected: bool,
    /// Whether DISCONNECT was written.
    leaving: bool,
}

impl Driver {
    pub(super) fn new(
        event_loop: EventLoop,
        address: String,
        asked: mpsc::UnboundedReceiver<Asked>,
        events: mpsc::Sender<LinkEvent>,
    ) -> Self {
        Self {
            event_loop,
            address,
            asked,
            written: HashMap::new(),
            filters: Vec::new(),
            events,
            connected: false,
            leaving: false,
        }
    }

    /// Runs until the connection ends, and says why it did.
    pub(super) async fn run(mut self) {
        loop {
            let event = match self.event_loop.poll().await {
                Ok(Event::Incoming(packet)) => self.incoming(packet),
                Ok(Event::Outgoing(Outgoing::Publish(id) | Outgoing::Subscribe(id))) => {
                    self.note_written(id);
                    None
                }
                // The broker closes the socket when it has read this. Closed by us, it could fail to
                // write to us before it reads, and take that for a crash.
                Ok(Event::Outgoing(Outgoing::Disconnect)) => {
                    self.leaving = true;
                    None
                }
                Ok(Event::Outgoing(_)) => None,
                Err(_) if self.leaving => {
                    let reason = "we said goodbye".to_owned();
                    Some(LinkEvent::Down(LinkFailure::Broken { reason }))
                }
                Err(error) => {
                    let failure = failure::from_library(error, &self.address, self.connected);
                    Some(LinkEvent::Down(failure))
                }
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

    fn note_written(&mut self, packet_id: u16) {
        match self.asked.try_recv() {
            Ok(Asked::Publish(id)) => {
                self.written.insert(packet_id, id);
            }
            Ok(Asked::Subscribe(filters)) => self.filters = filters,
            Err(_) => {}
        }
    }

    fn incoming(&mut self, packet: Packet) -> Option<LinkEvent> {
        match packet {
            Packet::ConnAck(_) => {
                self.connected = true;
                Some(LinkEvent::Up(Granted::default()))
            }
            Packet::SubAck(suback) => {
                Some(LinkEvent::Subscribed { refused: self.refused(&suback) })
            }
            Packet::PubAck(puback) => self.puback(&puback),
            Packet::Publish(publish) => received(publish).map(LinkEvent::Received),
            _ => None,
        }
    }

    fn refused(&self, suback: &SubAck) -> Vec<String> {
        self.filters
            .iter()
            .zip(&suback.return_codes)
            .filter(|(_, code)| !matches!(code, SubscribeReasonCode::Success(_)))
            .map(|(filter, code)| format!("{filter} ({})", failure::words(code)))
            .collect()
    }

    fn puback(&mut self, puback: &PubAck) -> Option<LinkEvent> {
        let id = self.written.remove(&puback.pkid)?;
        let outcome = match puback.reason {
            PubAckReason::Success | PubAckReason::NoMatchingSubscribers => Ok(()),
            reason => Err(Refusal { reason: failure::words(&reason) }),
        };
        Some(LinkEvent::Published { id, outcome })
    }
}

fn received(publish: Publish) -> Option<Message> {
    // A topic name is UTF-8 (MQTT 5, 3.3.2.1); a broker that forwards another is not worth a word.
    let topic = String::from_utf8(publish.topic.to_vec()).ok()?;
    let expires_in = publish
        .properties
        .and_then(|properties| properties.message_expiry_interval)
        .map(|left| Duration::from_secs(left.into()));
    Some(Message { topic, payload: publish.payload.into(), retained: publish.retain, expires_in })
}
