//! Is the person there? Sources of idle, lock and power.
//!
//! Owns the choice of a source and what each of them knows how to see. Deliberately decides nothing
//! about presence: it reports [`Observation`](porchlight_core::observation::Observation)s, and
//! `porchlight_core::availability` judges them. It reads no clock: a source tells how long ago something
//! was, or passes on a time that it was given.
//!
//! [`start`] never fails. Where nothing can be known, the [`Description`] says why and what to do about
//! it, and the first observation is `SourceLost`: unknown is never shown as active.
//!
//! One file a source: a type that implements `source::Source` (`x11`, `poll`, `stdin`). `auto` knows which
//! of them fits which session.

mod auto;
mod description;
#[cfg(all(unix, not(target_os = "macos")))]
mod poll;
mod settings;
mod source;
pub mod stdin;
mod watch;
#[cfg(all(unix, not(target_os = "macos")))]
mod x11;

pub use description::{Description, Missing, Tells};
pub use settings::{Choice, ChoiceError, Probe, SessionEnv, Settings};
pub use watch::Watch;

/// Begins to watch, with the first source that works.
///
/// It has to be called inside a tokio runtime with I/O and time enabled, and takes at most about two
/// seconds: so long a silent X server is waited for.
pub async fn start(settings: Settings, env: &SessionEnv) -> Watch {
    let watch = match settings.choice {
        Choice::Auto => auto::watch(settings.away_after(), settings.probe, env).await,
        Choice::Stdin => stdin::watch(),
        Choice::None => Watch::blind(
            "it is switched off",
            "choose the source `auto` to have it watched, or set your status by hand",
        ),
    };
    tracing::info!(source = %watch.source(), "watching activity");
    watch
}
