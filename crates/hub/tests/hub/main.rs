//! Tests a hub with real clients: storage, aggregates, listening addresses and robustness.

#![expect(clippy::unwrap_used, reason = "what fails here is a failed test, in helpers too")]

mod apart;
mod backup_computer;
mod floods;
mod full_disk;
mod greedy;
mod hub_fixture;
mod intruders;
mod joining;
mod keeping;
mod late_requests;
mod limits;
mod listening;
mod moving;
mod mutated;
mod pages;
mod protocol;
mod raw;
mod reading;
mod removal;
mod rough;
mod store;
mod sums;
mod unread;
mod world;
