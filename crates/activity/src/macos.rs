//! macOS: AppKit reports the seat and sleep, the window server reports the screen lock, and the
//! last input is polled.
//!
//! `meaning` interprets what the system reports without calling it, so that its tests run
//! everywhere; `input` and `observers` call the system.

#[cfg(target_os = "macos")]
mod input;
mod meaning;
#[cfg(target_os = "macos")]
mod observers;

#[cfg(target_os = "macos")]
mod strand {
    use std::time::Duration;

    use crate::description::{Missing, Subject, Tells};
    use crate::desktop::{Desktop, EventSender};
    use crate::source::{OpenError, Strand};
    use crate::supervise::Goodbye;

    use super::input;
    use super::observers::Observers;

    /// The strand for this session.
    pub(crate) struct Session {
        pub(crate) away_after: Duration,
        /// Whether this program receives notifications.
        pub(crate) main_loop: bool,
        pub(crate) goodbye: Goodbye,
    }

    impl Strand for Session {
        const SUBJECT: Subject = Subject::Idle;

        type Source = Desktop<Observers>;

        async fn open(&mut self) -> Result<Self::Source, OpenError> {
            let (events, listener) = EventSender::channel();
            if input::session().is_none() {
                return Err(OpenError::ForGood(Missing::new(
                    "this session has no screen",
                    "set your status by hand, or feed the source `stdin`",
                )));
            }
            let detected = self.main_loop;
            let observers = if detected {
                Observers::begin(&events, input::session)
            } else {
                Observers::none(events)
            };
            Ok(Desktop {
                name: "macos",
                tells: Tells { idle: true, lock: detected, seat: detected, power: detected, ..Tells::NOTHING },
                missing: (!detected).then(|| {
                    Missing::new(
                        "macOS tells of the lock screen and of sleep only to an app with a main loop",
                        "run the desktop app to have them watched",
                    )
                }),
                probe: input::probe,
                away_after: self.away_after,
                listener,
                goodbye: self.goodbye.clone(),
                subscription: observers,
            })
        }
    }
}

#[cfg(target_os = "macos")]
pub(crate) use strand::Session;
