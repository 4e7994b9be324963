//! What a team shares: one embedded MQTT broker that remembers retained states and sums each person's devices.
//!
//! This crate owns the broker's life ([`Hub::start`] to [`Hub::stop`]), where it listens and for whom, what it keeps on
//! disk, and the file by which programs on the same machine find it ([`read_runtime_file`]).
//!
//! It deliberately does not decide what a presence record means: that is `porchlight-core`'s, and to everything here but
//! the sums a retained message is a topic and bytes. It never talks to the agent: the two meet over MQTT, as on
//! any other broker, and over HTTP.
//!
//! A hub is one of two kinds ([`Access`]). The *open* one lets in everybody who reaches it, so it serves this machine
//! alone unless told otherwise. A *team's* hub has members, and one port where they reach it over TLS: MQTT, MQTT over
//! WebSocket, and HTTP to join and to look after the team. A second port can serve the same with the certificate of an
//! authority, or for a reverse proxy that has one ([`PublicSettings`]). Programs of its own machine may come without TLS,
//! by the same rules.
//!
//! # Where retained messages live
//!
//! The broker itself always runs on its memory backend, and [`HubSettings::store`] is kept by this crate, in one log.
//! The broker's own file backend refuses every CONNECT and SUBSCRIBE while the disk is full, because it
//! must first store the session, and forgets the expiry of retained messages at a restart. Here a full disk costs
//! nothing but the memory of a restart, and the host is told ([`HubEvent::StoreFailing`]). A retained publish is
//! acknowledged only once it is on disk, so that a killed process loses nothing that it acknowledged. Sessions are
//! not kept over a restart: every client of the protocol subscribes anew on each connection.
//!
//! # Sums
//!
//! Readers that know no device records look at one topic a person. While the hub runs it keeps that topic right
//! (`docs/protocol.md`, *Who writes the user topic*), and the time of the person's last input beside it. `_hub` stands under each
//! root in use, so that devices leave this to us: under `presence` from before the first client is let in, under
//! `presence/{org}` from when that organisation's first message is retained or its first device connects. A stop takes
//! it away; a killed hub leaves it standing, which is right where the same store means the same hub.
//!
//! The hub listens and publishes through the broker's router, in process: it needs no account and no connection of its
//! own, hears Wills and clearings like any message, and has summed everything in the store before it accepts. It
//! writes when what a reader sees changes. A client that writes other sums is answered five times a minute at most.

mod access;
mod accounts;
mod aggregates;
mod aggregator;
mod answer;
mod authorization;
mod broker;
mod bucket;
mod certificate;
mod connections;
mod custody;
mod discovery;
mod door;
mod error;
mod event;
mod event_stream;
mod gateway;
mod hooks;
mod http;
mod hub;
mod listen;
mod log;
mod pages;
mod peer;
mod persistence;
mod probe;
mod proxies;
mod public;
mod rest;
mod runtime_file;
mod server;
mod standby;
mod store;
mod store_health;
mod team;
mod tokens;
mod turns;

use porchlight_clock as clock;

pub use accounts::{AccountsError, SaveError, new_secret};
pub use certificate::CertificateError;
pub use custody::{count_members, forwarding_addresses, has_team, remove_team, store_state};
pub use error::{HubError, HubWarning, PublicCertificateError};
pub use event::HubEvent;
pub use gateway::{DEFAULT_GATEWAY_ADDR, Gateway, GatewaySettings};
pub use hub::{Access, Hub, HubSettings, StandbySettings, Store, TeamSettings};
pub use listen::{DEFAULT_ADDR, Listen};
pub use probe::Probe;
pub use public::PublicSettings;
pub use runtime_file::{read_runtime_file, read_team_listeners};
pub use standby::{RetainedCopy, StandbyError, StandbyFolder, StandbySummary};
pub use team::{BackupError, backup, restore, restore_arriving};
pub use tokens::{TokenError, Tokens};
