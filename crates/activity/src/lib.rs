//! Detects whether a person is at the device: input, screen lock, seat, power, network, calls and
//! the desktop's do-not-disturb.
//!
//! This crate chooses a source for each of them and knows what each source can see. It deliberately
//! decides nothing about presence: it reports
//! [`Observation`](porchlight_core::observation::Observation)s, and `porchlight_core::availability`
//! judges them. It reads no wall clock: a source reports how long ago something happened, or passes
//! on a time that it received.
//!
//! [`start`] never fails. If nothing can be detected, the [`Description`] says why and what to do,
//! and the first observation is `SourceLost`: unknown is never shown as active. A lost source is
//! reopened in the background. While all sources work, nothing is retried.
//!
//! Each source is one file with a type that implements `source::Source` (`mutter`, `wayland`,
//! `x11`, `poll`, `stdin`). For each [`Subject`], a `source::Strand` opens the first source that
//! works, and `supervise` keeps it running. `auto` knows which strands fit the system.

mod auto;
mod description;
#[cfg(any(windows, target_os = "macos", test))]
mod desktop;
#[cfg(any(target_os = "macos", test))]
mod macos;
#[cfg(all(unix, not(target_os = "macos")))]
mod mutter;
mod poll;
#[cfg(target_os = "linux")]
mod session;
mod settings;
#[cfg(target_os = "linux")]
mod socket;
mod source;
pub mod stdin;
mod supervise;
#[cfg(all(unix, not(target_os = "macos")))]
mod unix;
mod watch;
#[cfg(all(unix, not(target_os = "macos")))]
mod wayland;
#[cfg(any(windows, test))]
mod windows;
#[cfg(all(unix, not(target_os = "macos")))]
mod x11;

pub use description::{Description, Missing, Subject, Tells};
#[cfg(target_os = "linux")]
pub use session::Places;
pub use settings::{Choice, ChoiceError, Probe, SessionEnv, Settings};
pub use watch::Watch;

use supervise::Supervisor;

/// Starts to watch, with the first source that works for each subject.
///
/// Call it inside a tokio runtime with I/O and time enabled. It waits up to 2.5 seconds until it is
/// known whether input can be watched.
pub async fn start(settings: Settings, env: &SessionEnv) -> Watch {
    let mut supervisor = Supervisor::new();
    match settings.choice {
        Choice::Auto => auto::run(&mut supervisor, settings, env),
        Choice::Stdin => stdin::run(&mut supervisor),
        Choice::None => supervisor.never(
            Subject::Idle,
            Missing::new(
                "it is switched off",
                "choose the source `auto` to have it watched, or set your status by hand",
            ),
        ),
    }
    let mut watch = supervisor.watch();
    watch.settle_idle().await;
    watch
}
