//! The harness of the end-to-end tests: real brokers, real binaries, a real desktop.
//!
//! Each module is one thing that a test can have: a [process], a [broker], a
//! [probe](wire) on the wire, a [broker with quirks](quirks), the two [seed clients](seed), the [`porchlight`](cli) command, a
//! [cable](tcp_proxy) to pull, a [packet filter](packet_filter), a [desktop], its [notification server](notifications), its [tray], a
//! [webview], a whole [machine] that locks and sleeps. A value is ready when its constructor returns, and gone when it is dropped; nothing
//! here uses a fixed port, display or path, so tests run side by side.
//!
//! What fails panics, with what was waited for, where, and the last output of the process that
//! did not deliver. No function here returns an error for a test to look at.
//!
//! It tests the binaries from outside.

pub mod behaviour;
pub mod binary;
pub mod broker;
pub mod certificates;
pub mod cli;
pub mod desktop;
pub mod file_server;
pub mod gateway;
pub mod golden;
pub mod hosts;
pub mod machine;
pub mod member;
pub mod meter;
pub mod notifications;
mod packet;
pub mod packet_filter;
pub mod port;
pub mod process;
pub mod quirks;
mod reaper;
pub mod screen;
pub mod seed;
mod signals;
pub mod tcp_proxy;
pub mod terminal;
pub mod tray;
pub mod until;
pub mod v311_proxy;
pub mod webview;
pub mod wire;

pub use binary::bin;
pub use broker::{Broker, EmbeddedHub, Mosquitto};
pub use cli::Cli;
pub use desktop::Session;
pub use file_server::FileServer;
pub use gateway::RunningGateway;
pub use golden::Golden;
pub use machine::Machine;
pub use notifications::Notifications;
pub use packet_filter::PacketFilter;
pub use process::{Proc, Signal};
pub use quirks::{QuirkBroker, Quirks};
pub use screen::Area;
pub use seed::SeedClient;
pub use tcp_proxy::TcpProxy;
pub use terminal::Terminal;
pub use tray::Tray;
pub use until::{Stopwatch, never, until, until_async};
pub use v311_proxy::V311Proxy;
pub use webview::WebView;
pub use wire::{Message, Probe};
