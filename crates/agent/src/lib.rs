//! One device's running presence.
//!
//! Owns the loop around [`porchlight_core::engine::Engine`] and its drivers: the MQTT session, the sources
//! of activity, the clock, what is kept on disk, the config. Deliberately decides nothing: what happens goes
//! into the engine, and what it asks for is done.

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
pub mod leave_team;
pub mod membership;
mod mqtt;
pub mod mqtt_session;
pub mod places;
pub mod preferences;
pub mod presence_options;
pub mod qr;
pub mod redacted;
mod stored_secret;
pub mod team;
mod tls;

pub use agent::{Agent, Event, Handle};
pub use porchlight_clock as clock;
