//! What reads strangers' bytes, as ordinary functions of bytes.
//!
//! Each function may be given any bytes: it returns, whatever they are, and panics only where a rule is broken that holds
//! for all of them. `tests/cases.rs` feeds them a corpus and mutations of it at every run of the tests; the targets of
//! `cargo fuzz` in `fuzz/` at the root of the repository call the same functions for as long as you like.
//!
//! Deliberately uses what the crates offer to everybody, and opens nothing of them for this. What is private is tried
//! where it is: the packets of a broker in `porchlight-agent`, the connections to a hub in `porchlight-hub`.

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

/// The bytes as text, where they are some.
fn text(data: &[u8]) -> Option<&str> {
    std::str::from_utf8(data).ok()
}
