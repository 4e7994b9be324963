//! Tests of the harness itself, without the programs under test.

mod brokers;
mod desktops;
mod processes;
mod quirks;
mod trays;
pub(crate) mod webviews;
