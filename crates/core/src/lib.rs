//! Who is around: the domain of Porchlight, pure.
//!
//! Everything that is decided, is decided here, and nothing here reads a clock, opens a socket or waits.
//! The one owner of the state is [`engine::Engine`]. Drive it like this:
//!
//! 1. [`engine::Engine::handle`] with one [`input::Input`] and the present moment;
//! 2. [`engine::Engine::poll_effect`] until it returns `None`, doing what each [`effect::Effect`] says;
//! 3. sleep until [`engine::Engine::next_deadline`] or the next input; a deadline is the input
//!    [`input::Input::Tick`].
#![forbid(unsafe_code)]

pub mod access;
pub mod availability;
pub mod catalogue;
pub mod contact;
pub mod diagnostics;
pub mod effect;
pub mod engine;
mod expiry;
pub mod id;
pub mod input;
pub mod mqtt_session;
pub mod names;
pub mod notification;
pub mod observation;
pub mod preferences;
pub mod presence;
pub mod reason;
pub mod roster;
mod session;
pub mod signal;
pub mod team;
pub mod text;
pub mod time;
pub mod topic;
pub mod view;
pub mod web_origin;
pub mod wire;
pub mod words;
