//! Runs one device's presence.
//!
//! This crate contains the loop around [`porchlight_core::engine::Engine`] and its drivers: the
//! MQTT session, the activity sources, the clock, the stored files and the config. It deliberately
//! decides nothing: events go into the engine, and the loop executes the effects that it returns.

pub mod agent;
pub mod autostart;
pub mod broker;
pub mod config;
pub mod demo_team;
pub mod device;
mod dial;
pub mod discovery;
pub mod flags;
mod io_error;
pub mod membership;
mod mqtt;
pub mod mqtt_session;
pub mod outside;
pub mod places;
pub mod preferences;
pub mod presence_options;
pub mod proxy;
pub mod qr;
pub mod redacted;
mod stored_secret;
pub mod team;
mod tls;

pub use agent::{Agent, Event, Handle};
pub use porchlight_clock as clock;
