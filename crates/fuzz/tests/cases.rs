//! Runs every target with its corpus and mutations of it; see `cases` for the variables.

use std::path::Path;

use porchlight_mutations::{Corpus, run};

/// Feeds a target the inputs in its folder of `corpus/`, and mutations. `percent` is its share of
/// all cases.
fn feed(name: &str, percent: usize, target: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name);
    run(name, Corpus::in_folder(&folder), percent, target);
}

#[test]
fn no_payload_panics_and_every_record_is_read_back() {
    feed("records", 28, porchlight_fuzz::read_records);
}

#[test]
fn no_topic_or_id_panics_and_none_prints_as_another() {
    feed("names", 14, porchlight_fuzz::read_names);
}

#[test]
fn no_text_panics_and_no_displayed_text_deceives() {
    feed("text", 6, porchlight_fuzz::show_text);
}

#[test]
fn no_invitation_panics_and_every_one_prints_as_itself() {
    feed("invitations", 12, porchlight_fuzz::read_invitation);
}

#[test]
fn no_broker_url_panics_or_shows_a_password() {
    feed("urls", 10, porchlight_fuzz::read_broker_url);
}

#[test]
fn no_contact_link_panics_or_attaches_a_file() {
    feed("links", 5, porchlight_fuzz::read_contact_link);
}

#[test]
fn no_body_panics_and_every_one_is_read_back() {
    feed("bodies", 8, porchlight_fuzz::read_bodies);
}

#[test]
fn no_config_panics_or_shows_a_password_and_a_change_keeps_the_rest() {
    feed("config", 2, porchlight_fuzz::read_config);
}
