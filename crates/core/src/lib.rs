//! Who is around: the domain of Porchlight, pure.
//!
//! Every rule about presence is here, and nothing here reads a clock, opens a socket or waits. [`engine::Engine`] owns the
//! state. Drive it like this:
//!
//! 1. call [`engine::Engine::handle`] with one [`input::Input`] and the present moment;
//! 2. call [`engine::Engine::poll_effect`] until it returns `None`, and do what each [`effect::Effect`] says;
//! 3. sleep until [`engine::Engine::next_deadline`] or the next input. A deadline is the input [`input::Input::Tick`].
//!
//! ```
//! use std::collections::BTreeSet;
//! use std::time::Duration;
//!
//! use porchlight_core::effect::Effect;
//! use porchlight_core::engine::{Engine, Role, Settings};
//! use porchlight_core::id::Root;
//! use porchlight_core::input::{ConnectionEvent, Granted, Input, Message};
//! use porchlight_core::notification::NotificationPolicy;
//! use porchlight_core::preferences::Preferences;
//! use porchlight_core::time::{Monotonic, Now, Timestamp};
//!
//! let at = |ms| Now {
//!     mono: Monotonic::from_origin(Duration::from_millis(ms)),
//!     wall: Timestamp::from_ms(1_763_742_000_000 + ms).expect("a time of this century"),
//! };
//! // A reader: it sees everybody, and nobody sees it.
//! let settings = Settings {
//!     root: Root::parse("presence").expect("a topic level"),
//!     client_id: "reader-1".to_owned(),
//!     role: Role::Observer,
//!     notifications: NotificationPolicy::silent(),
//!     has_tray: false,
//!     preferences: Preferences::default(),
//!     speaks_v5: false,
//!     muted: BTreeSet::new(),
//!     seed: 1,
//!     without: None,
//! };
//! let mut engine = Engine::new(at(0), settings);
//!
//! engine.handle(at(0), Input::Start);
//! let Some(Effect::Connect(connect)) = std::iter::from_fn(|| engine.poll_effect())
//!     .find(|effect| matches!(effect, Effect::Connect(_)))
//! else {
//!     panic!("a started engine connects");
//! };
//!
//! // The shell connects, subscribes, and hands in what the broker sends.
//! let mut report = |ms, event| engine.handle(at(ms), Input::Connection(connect.connection, event));
//! report(10, ConnectionEvent::Up(Granted::default()));
//! report(20, ConnectionEvent::Subscribed { refused: Vec::new() });
//! report(30, ConnectionEvent::Received(Message {
//!     topic: "presence/ann/device/laptop".to_owned(),
//!     payload: br#"{"v":1,"status":"online"}"#.to_vec(),
//!     retained: true,
//!     expires_in: None,
//! }));
//!
//! // Once everything retained was read, people are shown.
//! let deadline = engine.next_deadline().expect("reading has a deadline");
//! let waited = deadline.since(at(0).mono);
//! engine.handle(Now { mono: deadline, wall: at(0).wall + waited }, Input::Tick);
//! let people: Vec<_> = engine.people().map(|person| (&*person.user, &*person.status)).collect();
//! assert_eq!(people, [("ann", "online")]);
//! ```
#![forbid(unsafe_code)]

pub mod access;
pub mod availability;
pub mod catalogue;
pub mod connection;
pub mod contact;
pub mod diagnostics;
pub mod echoes;
pub mod effect;
pub mod engine;
mod expiry;
pub mod id;
mod in_flight;
pub mod input;
pub mod mqtt_session;
pub mod names;
pub mod notification;
pub mod observation;
pub mod preferences;
pub mod presence;
pub mod rate_limit;
pub mod reason;
pub mod roster;
mod rule;
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
