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
use super::bus::{self, Silent};
use super::logind::{self, Login, Wanted};
use super::savers::Savers;
use crate::description::{Description, Missing, Subject, Tells};
use crate::source::{Lost, Refusal, Reports, Source, Strand};

/// The pause before one of the two is retried; it doubles with each further attempt.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause between two attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(5 * 60);

/// The strand for the screen lock.
#[derive(Debug)]
pub(crate) struct Lock {
    places: Places,
    /// The last value of each lock source. It outlives the sources of this strand.
    voices: Arc<Voices>,
    /// Neither was available at the last attempt, and a hint will show when one is.
    awaited: bool,
}

impl Lock {
    pub(super) fn new(places: Places) -> Self {
        Self { places, voices: Arc::default(), awaited: false }
    }
}

impl Strand for Lock {
    const SUBJECT: Subject = Subject::Lock;

    type Source = Screen;

    async fn open(&mut self) -> Result<Screen, Refusal> {
        let (hint, savers) =
            tokio::join!(Login::open(&self.places, HINT), Savers::open(&self.places));
        if let (Err(no_hint), Err(no_saver)) = (&hint, &savers) {
            let why = format!("the screen lock is unknown: {}, and {}", no_hint.why, no_saver.why);
            let missing = Missing::new(why, "a locked screen counts as time without input");
            self.awaited = no_hint.seen && no_saver.seen;
            return Err(if self.awaited { Refusal::UntilHint(missing) } else { missing.into() });
        }
        self.awaited = false;
        if let Err(Silent { why, .. }) = &hint {
            tracing::info!(why, "no lock from the login session");
        }
        if let Err(Silent { why, .. }) = &savers {
            tracing::info!(why, "no lock from a screen saver");
        }
        Ok(Screen { hint, savers, places: self.places.clone(), voices: Arc::clone(&self.voices) })
    }

    async fn hint(&mut self) {
        if !self.awaited {
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
    hint: Result<Login, Silent>,
    savers: Result<Savers, Silent>,
    places: Places,
    voices: Arc<Voices>,
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

    async fn run(self, to: &Reports) -> Lost {
        let Self { hint, savers, places, voices } = self;
        tokio::select! {
            never = keep_hint(hint, &places, &voices, to) => match never {},
            never = keep_savers(savers, &places, &voices, to) => match never {},
        }
    }
}

async fn keep_hint(
    mut hint: Result<Login, Silent>,
    places: &Places,
    voices: &Voices,
    to: &Reports,
) -> Infallible {
    let mut pause = Pause::default();
    loop {
        match hint {
            Ok(mut login) => {
                let Lost(why) = loop {
                    match login.next().await {
                        Ok(locked) => voices.hear(Voice::HINT, locked, to).await,
                        Err(lost) => break lost,
                    }
                };
                tracing::warn!(why, "the login session's lock is unknown for now");
                pause = Pause::default();
                pause.rest().await;
            }
            Err(silent) if silent.seen => logind::appears(places, Wanted::Session).await,
            Err(_) => pause.rest().await,
        }
        hint = Login::open(places, HINT).await;
    }
}

async fn keep_savers(
    mut savers: Result<Savers, Silent>,
    places: &Places,
    voices: &Voices,
    to: &Reports,
) -> Infallible {
    let mut pause = Pause::default();
    loop {
        match savers {
            Ok(there) => {
                let Lost(why) = there.run(voices, to).await;
                tracing::warn!(why, "the screen savers' lock is unknown for now");
                pause = Pause::default();
                pause.rest().await;
            }
            Err(silent) if silent.seen => bus::listens(places.session_bus.as_deref()).await,
            Err(_) => pause.rest().await,
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
    async fn rest(&mut self) {
        sleep(self.0).await;
        self.0 = (2 * self.0).min(LONGEST_PAUSE);
    }
}

/// One source of the lock state, as a bit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Voice(u32);

impl Voice {
    /// The login session's hint.
    const HINT: Self = Self(1);

    /// The screen saver at this index.
    pub(super) const fn saver(index: usize) -> Self {
        Self(2 << index)
    }
}

/// The last value of each lock source.
#[derive(Debug, Default)]
pub(super) struct Voices(Mutex<Said>);

#[derive(Debug, Default, Clone, Copy)]
struct Said {
    locked: u32,
    told: Option<bool>,
}

impl Said {
    /// Folds in a value. Returns what to report, if that changed.
    fn hear(&mut self, voice: Voice, locked: bool) -> Option<bool> {
        if locked {
            self.locked |= voice.0;
        } else {
            self.locked &= !voice.0;
        }
        let now = self.locked != 0;
        (self.told.replace(now) != Some(now)).then_some(now)
    }
}

impl Voices {
    /// Folds in a value, and reports the lock if that changed.
    pub(super) async fn hear(&self, voice: Voice, locked: bool, to: &Reports) {
        // Held during the report, so that reports keep the order of the values.
        let mut said = self.0.lock().await;
        if let Some(locked) = said.hear(voice, locked) {
            to.send(Observation::Locked(locked)).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locked_is_when_either_says_so_and_only_changes_are_told() {
        let (hint, saver) = (Voice::HINT, Voice::saver(0));
        let mut said = Said::default();
        assert_eq!(said.hear(hint, false), Some(false));
        assert_eq!(said.hear(saver, true), Some(true));
        assert_eq!(said.hear(hint, true), None);
        assert_eq!(said.hear(saver, false), None);
        assert_eq!(said.hear(saver, false), None);
        assert_eq!(said.hear(hint, false), Some(false));
    }
}
