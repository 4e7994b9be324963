//! Functions that feed strangers' bytes to Porchlight's parsers, for fuzzing.
//!
//! Each function accepts any bytes. It panics only if a rule is broken that holds for all of them.
//! `tests/cases.rs` feeds them a corpus and mutations of it at every run of the tests. The targets
//! of `cargo fuzz` in `fuzz/`, at the root of the repository, call the same functions for as long
//! as you like.
//!
//! This crate uses only the public interfaces of the other crates. Private parsers are fuzzed where
//! they are: the packets of a broker in `porchlight-agent`, the connections to a hub in
//! `porchlight-hub`.

mod bodies;
mod config;
mod invitations;
mod names;
mod records;
mod urls;

pub use bodies::read_bodies;
pub use config::read_config;
pub use invitations::read_invitation;
pub use names::{read_names, show_text};
pub use records::read_records;
pub use urls::{read_broker_url, read_contact_link};

/// The bytes as text; `None` if they are not UTF-8.
fn text(data: &[u8]) -> Option<&str> {
    std::str::from_utf8(data).ok()
}
