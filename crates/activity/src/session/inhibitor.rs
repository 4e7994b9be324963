//! The delay inhibitor: the machine waits with sleeping until a goodbye is said.
//!
//! Owns when it is let go: when the goodbye is said, and less than two seconds after it was asked for in any case.
//! Source: systemd's *Inhibitor Locks*, "delay"; logind itself waits five seconds unless told otherwise
//! (logind.conf(5), `InhibitDelayMaxSec=`).

use std::pin::Pin;
use std::time::Duration;

use tokio::time::{Sleep, sleep};
use zbus::zvariant::OwnedFd;

use crate::supervise::Goodbye;

/// So long at most is the machine kept awake for a goodbye.
pub(super) const PATIENCE: Duration = Duration::from_millis(1_800);

/// What keeps the machine awake, if anything does.
#[derive(Debug)]
pub(super) struct Inhibitor {
    hold: Hold,
    goodbye: Goodbye,
}

#[derive(Debug)]
enum Hold {
    /// The machine sleeps whenever it wants to.
    Loose,
    /// It asks first.
    Held(OwnedFd),
    /// It asked, and the goodbye is being said.
    Goodbye { _keeps: OwnedFd, at_the_latest: Pin<Box<Sleep>> },
}

impl Inhibitor {
    pub(super) const fn new(goodbye: Goodbye) -> Self {
        Self { hold: Hold::Loose, goodbye }
    }

    pub(super) fn hold(&mut self, inhibitor: OwnedFd) {
        self.hold = Hold::Held(inhibitor);
    }

    /// The machine wants to sleep: from now on [`Inhibitor::goodbye_is_said`] is to be waited for. Call it
    /// before anybody is told, so that no answer is missed.
    pub(super) fn await_goodbye(&mut self) {
        self.goodbye.forget();
        self.hold = match std::mem::replace(&mut self.hold, Hold::Loose) {
            Hold::Held(inhibitor) => {
                Hold::Goodbye { _keeps: inhibitor, at_the_latest: Box::pin(sleep(PATIENCE)) }
            }
            other => other,
        };
    }

    /// Ends when the machine may sleep; never when it was not asked for. Cancel-safe.
    pub(super) async fn goodbye_is_said(&mut self) {
        let Hold::Goodbye { at_the_latest, .. } = &mut self.hold else {
            return std::future::pending().await;
        };
        tokio::select! {
            () = self.goodbye.said() => {}
            () = at_the_latest => tracing::warn!("no goodbye within {PATIENCE:?}: the machine may sleep"),
        }
    }

    /// Lets the machine sleep.
    pub(super) fn release(&mut self) {
        self.hold = Hold::Loose;
    }
}
