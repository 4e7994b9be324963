//! A hub against real clients: what it keeps and sums, where it listens, what it survives.

#![expect(clippy::unwrap_used, reason = "what fails here is a failed test, in helpers too")]

mod apart;
mod floods;
mod greedy;
mod full_disk;
mod house;
mod intruders;
mod joining;
mod keeping;
mod limits;
mod late_requests;
mod listening;
mod moving;
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
