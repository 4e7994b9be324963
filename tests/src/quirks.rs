//! A small MQTT 5 and 3.1.1 broker inside the test process whose answers can be bent.
//!
//! Without a quirk it is an ordinary broker: retained messages, `+` and `#`, QoS 0 and 1, Wills
//! with a delay, Message Expiry, take-over. Each [`Quirks`] method bends one answer. Quirks can change
//! while the broker runs, and the broker records everything that its clients do.
//!
//! It keeps no sessions: a client that comes back subscribes again. It has no QoS 2, no shared
//! subscriptions, no TLS and no WebSocket.
//!
//! ```no_run
//! # async fn example() {
//! use porchlight_tests::quirks::{End, Property, Quirks, When};
//! use std::time::Duration;
//!
//! let broker = Quirks::new()
//!     .connack_after(Duration::from_secs(3))
//!     .connack_property(Property::ServerKeepAlive(3600))
//!     .refuse_filters(0x87, |filter| filter.contains('+'))
//!     .end(When::Publish(2), End::Disconnect(0x97, Some("quota".to_owned())))
//!     .start()
//!     .await;
//! broker.change(Quirks::deaf);
//! # }
//! ```

mod broker;
mod codec;
mod connection;
mod seen;
mod state;

use std::sync::Arc;
use std::time::Duration;

pub use broker::QuirkBroker;
pub use codec::Property;
pub use seen::{Action, Connect, Published, Seen, Version};

/// When the broker ends a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum When {
    /// After it sent CONNACK.
    ConnAck,
    /// At SUBSCRIBE, instead of answering it.
    Subscribe,
    /// After it answered a SUBSCRIBE, retained messages included.
    SubAck,
    /// At the n-th PUBLISH of a connection, instead of taking it. The first has the number 1.
    Publish(usize),
    /// At a retained PUBLISH, in place of accepting it.
    RetainedPublish,
    /// At a packet with more bytes than this, instead of taking it.
    PacketAbove(usize),
    /// This long after CONNACK.
    After(Duration),
}

/// How the broker ends a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// It closes the connection without a word.
    Close,
    /// It sends DISCONNECT with this code and Reason String first. MQTT 3.1.1 has no such packet:
    /// there it only closes.
    Disconnect(u8, Option<String>),
}

/// How a broker that only speaks MQTT 3.1.1 treats a CONNECT of MQTT 5.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OldBroker {
    /// It closes the connection.
    Closes,
    /// It neither answers nor closes.
    IsSilent,
    /// It sends `20 02 00 01`, "unacceptable protocol version", and closes.
    RefusesAndCloses,
    /// It sends `20 02 00 01` and leaves the connection open.
    Refuses,
}

/// How CONNECT is answered.
#[derive(Debug, Clone, Default)]
enum ConnAck {
    #[default]
    Ordinary,
    Never,
    Bytes(Vec<u8>),
}

type Predicate = Arc<dyn Fn(&str) -> bool + Send + Sync>;

/// What is odd about a broker. Each method adds one quirk.
#[derive(Clone, Default)]
pub struct Quirks {
    old: Option<OldBroker>,
    connack: ConnAck,
    connack_after: Duration,
    connack_code: u8,
    connack_properties: Vec<Property>,
    refused_filters: Vec<(u8, Predicate)>,
    no_suback: bool,
    no_retained_for_wildcards: bool,
    no_store: bool,
    refused_topics: Vec<(u8, Predicate)>,
    no_puback: bool,
    ends: Vec<(When, End)>,
    short_disconnect: bool,
    one_connection_a_user: bool,
    deaf: bool,
    expiry_cap: Option<u32>,
    expiry_undiminished: bool,
}

impl Quirks {
    /// None: an ordinary broker.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Speaks MQTT 3.1.1 only.
    #[must_use]
    pub fn only_v311(mut self, old: OldBroker) -> Self {
        self.old = Some(old);
        self
    }

    /// Refuses CONNECT with this code and closes; 0 lets clients in.
    #[must_use]
    pub fn connack_code(mut self, code: u8) -> Self {
        self.connack_code = code;
        self
    }

    /// Adds a property to CONNACK. The broker only says it: what follows from it is another quirk.
    #[must_use]
    pub fn connack_property(mut self, property: Property) -> Self {
        self.connack_properties.push(property);
        self
    }

    /// Answers CONNECT only after this time.
    #[must_use]
    pub fn connack_after(mut self, delay: Duration) -> Self {
        self.connack_after = delay;
        self
    }

    /// Answers CONNECT with these bytes, leaves the connection open, and says nothing more on it.
    #[must_use]
    pub fn connack_bytes(mut self, bytes: &[u8]) -> Self {
        self.connack = ConnAck::Bytes(bytes.to_vec());
        self
    }

    /// Never answers CONNECT.
    #[must_use]
    pub fn no_connack(mut self) -> Self {
        self.connack = ConnAck::Never;
        self
    }

    /// Refuses filters with this code, wherever `which` is true.
    #[must_use]
    pub fn refuse_filters(
        mut self,
        code: u8,
        which: impl Fn(&str) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.refused_filters.push((code, Arc::new(which)));
        self
    }

    /// Never answers SUBSCRIBE, and delivers nothing for it.
    #[must_use]
    pub fn no_suback(mut self) -> Self {
        self.no_suback = true;
        self
    }

    /// Grants filters with wildcards, but delivers no retained messages for them, as RabbitMQ does.
    #[must_use]
    pub fn no_retained_for_wildcards(mut self) -> Self {
        self.no_retained_for_wildcards = true;
        self
    }

    /// Says Wildcard Subscription Available 0, and refuses filters with wildcards by 0xA2.
    #[must_use]
    pub fn without_wildcards(self) -> Self {
        self.connack_property(Property::WildcardSubscriptionAvailable(false))
            .refuse_filters(0xa2, has_wildcards)
    }

    /// Retains nothing, without a word.
    #[must_use]
    pub fn no_store(mut self) -> Self {
        self.no_store = true;
        self
    }

    /// Says Retain Available 0, retains nothing, and ends a connection that wants it by 0x9A.
    #[must_use]
    pub fn without_retain(self) -> Self {
        self.connack_property(Property::RetainAvailable(false))
            .no_store()
            .end(When::RetainedPublish, End::Disconnect(0x9a, None))
    }

    /// Refuses messages with this code, wherever `which` is true for their topic. They are not
    /// delivered, whatever their QoS and the version.
    #[must_use]
    pub fn refuse_topics(
        mut self,
        code: u8,
        which: impl Fn(&str) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.refused_topics.push((code, Arc::new(which)));
        self
    }

    /// Takes messages but never acknowledges them.
    #[must_use]
    pub fn no_puback(mut self) -> Self {
        self.no_puback = true;
        self
    }

    /// Ends each connection at that point.
    #[must_use]
    pub fn end(mut self, when: When, how: End) -> Self {
        self.ends.push((when, how));
        self
    }

    /// Leaves the Property Length out of a DISCONNECT without a Reason String, as MQTT 5 allows
    /// (3.14.2.2.1) and Mosquitto does. rumqttc 0.25 does not understand that form.
    #[must_use]
    pub fn short_disconnect(mut self) -> Self {
        self.short_disconnect = true;
        self
    }

    /// Allows one connection for each user name, whatever the client id: a second one ends the
    /// first by 0x8E.
    #[must_use]
    pub fn one_connection_a_user(mut self) -> Self {
        self.one_connection_a_user = true;
        self
    }

    /// Reads and takes everything, but sends nothing: no PINGRESP, no answers, no messages.
    #[must_use]
    pub fn deaf(mut self) -> Self {
        self.deaf = true;
        self
    }

    /// Lowers every Message Expiry Interval to this many seconds without a word. Messages without
    /// one get it.
    #[must_use]
    pub fn expiry_cap(mut self, seconds: u32) -> Self {
        self.expiry_cap = Some(seconds);
        self
    }

    /// Hands retained messages out with the Message Expiry Interval that they came with, however
    /// old they are, and keeps them for ever.
    #[must_use]
    pub fn expiry_undiminished(mut self) -> Self {
        self.expiry_undiminished = true;
        self
    }

    /// Starts the broker on a free port of 127.0.0.1.
    ///
    /// # Panics
    ///
    /// When it can't listen.
    pub async fn start(self) -> QuirkBroker {
        QuirkBroker::start(self).await
    }

    fn refusal(list: &[(u8, Predicate)], of: &str) -> Option<u8> {
        list.iter().find(|(_, which)| which(of)).map(|(code, _)| *code)
    }

    fn end_at(&self, when: impl Fn(&When) -> bool) -> Option<End> {
        self.ends.iter().find(|(at, _)| when(at)).map(|(_, end)| end.clone())
    }

    /// What the broker demands in place of a client's own Keep Alive.
    fn server_keep_alive(&self) -> Option<u16> {
        self.connack_properties.iter().find_map(|property| match property {
            Property::ServerKeepAlive(seconds) => Some(*seconds),
            _ => None,
        })
    }
}

fn has_wildcards(filter: &str) -> bool {
    filter.contains(['+', '#'])
}
