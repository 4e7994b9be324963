//! What a team shares: one embedded MQTT broker that remembers retained states.
//!
//! This crate owns the broker's life ([`Hub::start`] to [`Hub::stop`]), where it listens and for whom, what it keeps on
//! disk, and the file by which programs on the same machine find it ([`read_runtime_file`]).
//!
//! It deliberately does not know what a presence record means: to it a retained message is a topic and bytes. It has
//! no access rules yet, so it serves this machine alone unless told otherwise, and no TLS or WebSocket listener.
//! It never talks to the agent: the two meet over MQTT, as on any other broker.
//!
//! # Where retained messages live
//!
//! The broker itself always runs on its memory backend, and [`HubSettings::store`] is kept by this crate, in one log.
//! The broker's own file backend refuses every CONNECT and SUBSCRIBE while the disk is full, because it
//! must first store the session, and forgets the expiry of retained messages at a restart. Here a full disk costs
//! nothing but the memory of a restart, and the host is told ([`HubEvent::StoreFailing`]). A retained publish is
//! acknowledged only once it is on disk, so that a killed process loses nothing that it acknowledged. Sessions are
//! not kept over a restart: every client of the protocol subscribes anew on each connection.

mod broker;
mod error;
mod hub;
mod keeper;
mod listen;
mod log;
mod runtime_file;
mod store;

pub use error::{HubError, HubWarning};
pub use hub::{Hub, HubEvent, HubSettings, Store};
pub use listen::{DEFAULT_ADDR, Listen};
pub use runtime_file::read_runtime_file;
