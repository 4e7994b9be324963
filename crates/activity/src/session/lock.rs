//! Detects whether the screen is locked. The login session knows some locks, screen savers know
//! others.
//!
//! The screen is locked if either of them says so. A source that falls silent keeps its last value:
//! a bus that restarts does not unlock a screen.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use porchlight_core::observation::Observation;
use tokio::sync::Mutex;
use tokio::time::sleep;

use super::Places;
use super::bus::{self, Unavailable};
use super::logind::{self, Login, Wanted};
use super::savers::Savers;
use crate::description::{Description, Missing, Subject, Tells};
use crate::source::{OpenError, Reports, Source, SourceError, Strand};

/// The pause before one of the two is retried; it doubles with each further attempt.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause between two attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(5 * 60);

/// The strand for the screen lock.
#[derive(Debug)]
pub(crate) struct Lock {
    places: Places,
    /// The last value of each lock source. It outlives the sources of this strand.
    sources: Arc<LockSources>,
    /// Neither was available at the last attempt, and a hint will show when one is.
    has_hint: bool,
}

impl Lock {
    pub(super) fn new(places: Places) -> Self {
        Self { places, sources: Arc::default(), has_hint: false }
    }
}

impl Strand for Lock {
    const SUBJECT: Subject = Subject::Lock;

    type Source = Screen;

    async fn open(&mut self) -> Result<Screen, OpenError> {
        let (hint, savers) =
            tokio::join!(Login::open(&self.places, HINT), Savers::open(&self.places));
        if let (Err(no_login), Err(no_saver)) = (&hint, &savers) {
            let why = format!("the screen lock is unknown: {}, and {}", no_login.why, no_saver.why);
            let missing = Missing::new(why, "a locked screen counts as time without input");
            self.has_hint = no_login.has_hint && no_saver.has_hint;
            return Err(if self.has_hint { OpenError::UntilHint(missing) } else { missing.into() });
        }
        self.has_hint = false;
        if let Err(Unavailable { why, .. }) = &hint {
            tracing::info!(why, "no lock from the login session");
        }
        if let Err(Unavailable { why, .. }) = &savers {
            tracing::info!(why, "no lock from a screen saver");
        }
        Ok(Screen { hint, savers, places: self.places.clone(), sources: Arc::clone(&self.sources) })
    }

    async fn hint(&mut self) {
        if !self.has_hint {
            return std::future::pending().await;
        }
        tokio::select! {
            () = logind::appears(&self.places, Wanted::Session) => {}
            () = bus::listens(self.places.session_bus.as_deref()) => {}
        }
    }
}

/// The property of a login session that shows its lock. GNOME, KDE and most display managers set
/// it; the lockers of small compositors do not.
const HINT: &str = "LockedHint";

/// The source: the login session's hint and the screen savers. Each is retried on its own.
#[derive(Debug)]
pub(crate) struct Screen {
    hint: Result<Login, Unavailable>,
    savers: Result<Savers, Unavailable>,
    places: Places,
    sources: Arc<LockSources>,
}

impl Source for Screen {
    fn description(&self) -> Description {
        let saver = self.savers.as_ref().is_ok_and(Savers::any);
        let (name, missing) = match (&self.hint, saver) {
            (Ok(_), true) => ("logind+screensaver", None),
            (Err(_), true) => ("screensaver", None),
            (Ok(_), false) => ("logind", None),
            (Err(_), false) => (
                "none",
                Some(Missing::new(
                    "the screen lock is unknown: logind knows no session of yours, and no screen saver is \
                     there",
                    "a locked screen counts as time without input",
                )),
            ),
        };
        Description { name, tells: Tells { lock: missing.is_none(), ..Tells::NOTHING }, missing }
    }

    async fn run(self, to: &Reports) -> SourceError {
        let Self { hint, savers, places, sources } = self;
        tokio::select! {
            never = watch_hint(hint, &places, &sources, to) => match never {},
            never = watch_savers(savers, &places, &sources, to) => match never {},
        }
    }
}

async fn watch_hint(
    mut hint: Result<Login, Unavailable>,
    places: &Places,
    sources: &LockSources,
    to: &Reports,
) -> Infallible {
    let mut pause = Pause::default();
    loop {
        match hint {
            Ok(mut login) => {
                let SourceError(why) = loop {
                    match login.next().await {
                        Ok(locked) => sources.update(LockSource::HINT, locked, to).await,
                        Err(lost) => break lost,
                    }
                };
                tracing::warn!(why, "the login session's lock is unknown for now");
                pause = Pause::default();
                pause.wait().await;
            }
            Err(unavailable) if unavailable.has_hint => {
                logind::appears(places, Wanted::Session).await;
            }
            Err(_) => pause.wait().await,
        }
        hint = Login::open(places, HINT).await;
    }
}

async fn watch_savers(
    mut savers: Result<Savers, Unavailable>,
    places: &Places,
    sources: &LockSources,
    to: &Reports,
) -> Infallible {
    let mut pause = Pause::default();
    loop {
        match savers {
            Ok(there) => {
                let SourceError(why) = there.run(sources, to).await;
                tracing::warn!(why, "the screen savers' lock is unknown for now");
                pause = Pause::default();
                pause.wait().await;
            }
            Err(unavailable) if unavailable.has_hint => {
                bus::listens(places.session_bus.as_deref()).await;
            }
            Err(_) => pause.wait().await,
        }
        savers = Savers::open(places).await;
    }
}

/// The pause before the next attempt.
struct Pause(Duration);

impl Default for Pause {
    fn default() -> Self {
        Self(FIRST_PAUSE)
    }
}

impl Pause {
    async fn wait(&mut self) {
        sleep(self.0).await;
        self.0 = (2 * self.0).min(LONGEST_PAUSE);
    }
}

/// One source of the lock state, as a bit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LockSource(u32);

impl LockSource {
    /// The login session's hint.
    const HINT: Self = Self(1);

    /// The screen saver at this index.
    pub(super) const fn saver(index: usize) -> Self {
        Self(2 << index)
    }
}

/// The last value of each lock source.
#[derive(Debug, Default)]
pub(super) struct LockSources(Mutex<LockState>);

#[derive(Debug, Default, Clone, Copy)]
struct LockState {
    locked: u32,
    reported: Option<bool>,
}

impl LockState {
    /// Folds in a value. Returns what to report, if that changed.
    fn update(&mut self, source: LockSource, locked: bool) -> Option<bool> {
        if locked {
            self.locked |= source.0;
        } else {
            self.locked &= !source.0;
        }
        let now = self.locked != 0;
        (self.reported.replace(now) != Some(now)).then_some(now)
    }
}

impl LockSources {
    /// Folds in a value, and reports the lock if that changed.
    pub(super) async fn update(&self, source: LockSource, locked: bool, to: &Reports) {
        // Held during the report, so that reports keep the order of the values.
        let mut state = self.0.lock().await;
        if let Some(locked) = state.update(source, locked) {
            to.send(Observation::Locked(locked)).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_screen_is_locked_if_either_says_so_and_only_changes_are_reported() {
        let (hint, saver) = (LockSource::HINT, LockSource::saver(0));
        let mut state = LockState::default();
        assert_eq!(state.update(hint, false), Some(false));
        assert_eq!(state.update(saver, true), Some(true));
        assert_eq!(state.update(hint, true), None);
        assert_eq!(state.update(saver, false), None);
        assert_eq!(state.update(saver, false), None);
        assert_eq!(state.update(hint, false), Some(false));
    }
}
