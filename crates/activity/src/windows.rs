//! Windows: an invisible window receives events about locks, seats, sleep and the session's end,
//! and the last input is polled.
//!
//! `message` and `ticks` interpret what the system reports without calling it, so that their tests
//! run everywhere; `window` and `input` call the system.

#[cfg(windows)]
mod input;
mod message;
mod ticks;
#[cfg(windows)]
mod window;

#[cfg(windows)]
mod strand {
    use std::time::Duration;

    use crate::description::{Missing, Subject, Tells};
    use crate::desktop::{Desktop, EventSender};
    use crate::source::{OpenError, Strand};
    use crate::supervise::Goodbye;

    use super::input;
    use super::window::Window;

    /// The strand for this session.
    pub(crate) struct Session {
        pub(crate) away_after: Duration,
        pub(crate) goodbye: Goodbye,
    }

    impl Strand for Session {
        const SUBJECT: Subject = Subject::Idle;

        type Source = Desktop<Window>;

        async fn open(&mut self) -> Result<Self::Source, OpenError> {
            let (events, listener) = EventSender::channel();
            let window = Window::open(events).await.map_err(|error| {
                Missing::new(
                    format!("Windows did not take a window that listens ({error})"),
                    "it is tried again by itself",
                )
            })?;
            let missing = window.sessions_refused().map(|error| {
                Missing::new(
                    format!("Windows does not tell of the lock screen ({error})"),
                    "start Porchlight again once you are logged in",
                )
            });
            let detected = missing.is_none();
            Ok(Desktop {
                name: "windows",
                tells: Tells {
                    idle: true,
                    lock: detected,
                    seat: detected,
                    power: true,
                    ..Tells::NOTHING
                },
                missing,
                probe: input::probe,
                away_after: self.away_after,
                listener,
                goodbye: self.goodbye.clone(),
                subscription: window,
            })
        }
    }
}

#[cfg(windows)]
pub(crate) use strand::Session;
