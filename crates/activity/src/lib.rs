//! Is the person there? Sources of idle, lock and power.
//!
//! Owns the choice of a source and what each of them knows how to see. Deliberately decides nothing
//! about presence: it reports [`Observation`](porchlight_core::observation::Observation)s, and
//! `porchlight_core::availability` judges them. It reads no clock: a source tells how long ago something
//! was, or passes on a time that it was given.
//!
//! [`start`] never fails. Where nothing can be known, the [`Description`] says why and what to do about
//! it, and the first observation is `SourceLost`: unknown is never shown as active. What is lost is opened
//! again behind the scenes; nothing is ever tried while all works.
//!
//! One file a source: a type that implements `source::Source` (`mutter`, `wayland`, `x11`,
//! `poll`, `stdin`). For each [`Subject`]
//! a `source::Strand` opens the first that works, and `supervise` keeps it running. `auto` knows which of
//! them fit which session.

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

/// Begins to watch, with the first source that works of each kind.
///
/// It has to be called inside a tokio runtime with I/O and time enabled, and takes at most about two
/// seconds: so long it is waited for whether input can be watched.
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
