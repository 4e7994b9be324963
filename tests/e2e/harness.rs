//! The harness itself: what the other tests stand on, tried without the programs under test.

mod brokers;
mod desktops;
mod processes;
mod quirks;
mod trays;
pub(crate) mod webviews;
