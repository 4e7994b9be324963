//! The delay inhibitor: the machine does not sleep before the goodbye is published.
//!
//! This module decides when to release it: when the goodbye is published, and after [`TIMEOUT`] in
//! any case. See systemd's *Inhibitor Locks*, "delay". logind itself waits five seconds by default
//! (logind.conf(5), `InhibitDelayMaxSec=`).

use std::pin::Pin;
use std::time::Duration;

use tokio::time::{Sleep, sleep};
use zbus::zvariant::OwnedFd;

use crate::supervise::Goodbye;

/// How long the machine waits for a goodbye at most.
pub(super) const TIMEOUT: Duration = Duration::from_millis(1_800);

/// What keeps the machine awake, if anything does.
#[derive(Debug)]
pub(super) struct Inhibitor {
    hold: Hold,
    goodbye: Goodbye,
}

#[derive(Debug)]
enum Hold {
    /// There is no inhibitor: the machine sleeps whenever it wants to.
    None,
    /// The machine announces sleep and waits.
    Held(OwnedFd),
    /// The machine announced sleep and waits for the goodbye.
    UntilGoodbye { _inhibitor: OwnedFd, deadline: Pin<Box<Sleep>> },
}

impl Inhibitor {
    pub(super) const fn new(goodbye: Goodbye) -> Self {
        Self { hold: Hold::None, goodbye }
    }

    pub(super) fn hold(&mut self, inhibitor: OwnedFd) {
        self.hold = Hold::Held(inhibitor);
    }

    /// Starts the wait of [`Inhibitor::wait_for_goodbye`], because the machine wants to sleep. Call
    /// it before you report the sleep, so that no goodbye is missed.
    pub(super) fn await_goodbye(&mut self) {
        self.goodbye.forget();
        self.hold = match std::mem::replace(&mut self.hold, Hold::None) {
            Hold::Held(inhibitor) => {
                Hold::UntilGoodbye { _inhibitor: inhibitor, deadline: Box::pin(sleep(TIMEOUT)) }
            }
            other => other,
        };
    }

    /// Ends when the machine may sleep. Never ends if the machine did not announce sleep.
    /// Cancel-safe.
    pub(super) async fn wait_for_goodbye(&mut self) {
        let Hold::UntilGoodbye { deadline, .. } = &mut self.hold else {
            return std::future::pending().await;
        };
        tokio::select! {
            () = self.goodbye.wait() => {}
            () = deadline => tracing::warn!("no goodbye within {TIMEOUT:?}: the machine may sleep"),
        }
    }

    /// Lets the machine sleep.
    pub(super) fn release(&mut self) {
        self.hold = Hold::None;
    }
}
