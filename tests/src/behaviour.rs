//! What Porchlight needs of a broker, as checks that run against any address: retained messages, Wills, Will
//! Delay, take-over, expiry, in MQTT 5 and in 3.1.1.
//!
//! Every check writes below one user's own topics only, so that it also runs with a member's credential. It
//! deliberately asks for nothing that the specifications leave to the broker, such as the reason it gives.

mod v311;
mod v5;

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use crate::until::SOON;

/// The broker under test, and whose topics may be written.
#[derive(Debug, Clone)]
pub struct Target {
    /// `mqtt://[user:password@]host:port`.
    pub url: String,
    /// What every topic begins with, such as `presence`.
    pub root: String,
    /// The user whose topics are written.
    pub user: String,
}

/// What a check comes to: the error says what was seen instead.
pub type Outcome = Result<(), String>;

type Running = Pin<Box<dyn Future<Output = Outcome> + Send>>;

/// One thing that a broker must do.
pub struct Check {
    /// As a sentence.
    pub name: &'static str,
    /// Runs it.
    pub run: fn(Target) -> Running,
}

/// All of them.
#[must_use]
pub fn checks() -> Vec<Check> {
    macro_rules! checks {
        ($($module:ident :: $name:ident),+ $(,)?) => {
            vec![$(Check {
                name: concat!(stringify!($module), "::", stringify!($name)),
                run: |target| Box::pin($module::$name(target)),
            }),+]
        };
    }
    checks![
        v5::a_late_joiner_reads_what_is_retained,
        v5::an_empty_payload_clears_what_is_retained,
        v5::what_is_live_comes_without_the_mark_of_the_store,
        v5::the_remaining_expiry_is_told_to_who_reads_late,
        v5::what_has_expired_is_gone,
        v5::a_will_is_published_for_a_crash,
        v5::a_will_carries_its_expiry,
        v5::a_will_is_discarded_by_a_goodbye,
        v5::a_delayed_will_waits,
        v5::a_delayed_will_is_discarded_when_its_client_returns,
        v5::a_take_over_ends_the_elder_and_publishes_no_delayed_will,
        v5::every_retained_record_of_many_is_read,
        v5::a_record_of_four_kilobytes_passes,
        v311::a_late_joiner_reads_what_is_retained,
        v311::an_empty_payload_clears_what_is_retained,
        v311::a_will_is_published_for_a_crash,
        v311::a_will_is_discarded_by_a_goodbye,
        v311::a_take_over_ends_the_elder,
    ]
}

impl Target {
    /// A topic of a device that no other check uses.
    fn topic(&self) -> String {
        format!("{}/{}/device/check{}", self.root, self.user, crate::port::serial())
    }

    /// A client id of the form that a device has, which nobody else uses.
    fn client_id() -> String {
        let serial = crate::port::serial();
        format!("pl{:010}{:010}m", std::process::id(), serial)
    }
}

/// What is due at once may take this long.
const AT_ONCE: Duration = SOON;

/// Says what was seen, where `seen` is not `wanted`.
fn expect<T: PartialEq + std::fmt::Debug>(what: &str, seen: &T, wanted: &T) -> Outcome {
    if seen == wanted { Ok(()) } else { Err(format!("{what}: {seen:?}, not {wanted:?}")) }
}
