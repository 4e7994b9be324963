//! Being told to stop, or to start again.

use std::io::{self, IsTerminal as _};

#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};

/// SIGINT and SIGTERM, from [`StopSignals::listen`] on: one that comes while nobody waits for it is not missed.
pub(crate) struct StopSignals {
    #[cfg(unix)]
    interrupt: Option<Signal>,
    #[cfg(unix)]
    terminate: Option<Signal>,
}

impl StopSignals {
    /// Begins to listen. It has to be called inside a tokio runtime.
    pub(crate) fn listen() -> Self {
        Self {
            #[cfg(unix)]
            interrupt: signal(SignalKind::interrupt()).ok(),
            #[cfg(unix)]
            terminate: signal(SignalKind::terminate()).ok(),
        }
    }

    /// Waits for a signal, or returns at once if one came since the last call. Cancel-safe.
    pub(crate) async fn received(&mut self) {
        #[cfg(unix)]
        tokio::select! {
            () = sent(&mut self.interrupt) => {}
            () = sent(&mut self.terminate) => {}
        }
        #[cfg(not(unix))]
        let _ = tokio::signal::ctrl_c().await;
    }
}

/// What a program was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Told {
    /// To end.
    Stop,
    /// To begin anew, in place: its file was replaced, or its config.
    #[cfg_attr(not(unix), expect(dead_code, reason = "nothing tells so there"))]
    Restart,
}

/// Listens for as long as it lives, so that no signal is missed between two looks.
pub(crate) struct Signals {
    #[cfg(unix)]
    interrupt: Option<Signal>,
    #[cfg(unix)]
    terminate: Option<Signal>,
    #[cfg(unix)]
    hangup: Option<Signal>,
    /// How many of the standard streams are terminals.
    terminals: usize,
}

impl Signals {
    /// Begins to listen. It has to be called inside a tokio runtime.
    pub(crate) fn listen() -> Self {
        Self {
            #[cfg(unix)]
            interrupt: signal(SignalKind::interrupt()).ok(),
            #[cfg(unix)]
            terminate: signal(SignalKind::terminate()).ok(),
            #[cfg(unix)]
            hangup: signal(SignalKind::hangup()).ok(),
            terminals: terminals(),
        }
    }

    /// The next signal's meaning. Cancel-safe.
    #[cfg(unix)]
    pub(crate) async fn next(&mut self) -> Told {
        tokio::select! {
            () = sent(&mut self.interrupt) => Told::Stop,
            () = sent(&mut self.terminate) => Told::Stop,
            () = sent(&mut self.hangup) => hangup(self.terminals, terminals()),
        }
    }

    /// The next signal's meaning. Cancel-safe.
    #[cfg(not(unix))]
    pub(crate) async fn next(&mut self) -> Told {
        let _ = (tokio::signal::ctrl_c().await, self.terminals);
        Told::Stop
    }
}

#[cfg(unix)]
async fn sent(signal: &mut Option<Signal>) {
    match signal {
        Some(signal) => {
            signal.recv().await;
        }
        None => std::future::pending().await,
    }
}

/// SIGHUP tells a service to begin anew, but says of a terminal that it is gone, and whoever sat there with it.
#[cfg(unix)]
fn hangup(terminals_before: usize, terminals_now: usize) -> Told {
    if terminals_now < terminals_before { Told::Stop } else { Told::Restart }
}

fn terminals() -> usize {
    let streams =
        [io::stdin().is_terminal(), io::stdout().is_terminal(), io::stderr().is_terminal()];
    streams.into_iter().filter(|terminal| *terminal).count()
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_signal_between_two_looks_is_not_missed() {
        let soon = std::time::Duration::from_secs(10);
        let mut stop = StopSignals::listen();
        tokio::select! {
            biased;
            () = stop.received() => panic!("nobody wanted it"),
            () = tokio::task::yield_now() => {}
        }
        // Seen by another listener, so that it has come before it is looked for again.
        let mut seen = signal(SignalKind::terminate()).unwrap();
        let kill = std::process::Command::new("kill")
            .args(["-TERM", &std::process::id().to_string()])
            .status();
        assert!(kill.is_ok_and(|kill| kill.success()));
        assert!(tokio::time::timeout(soon, seen.recv()).await.is_ok());
        assert!(tokio::time::timeout(soon, stop.received()).await.is_ok());
    }

    #[test]
    fn a_terminal_that_goes_ends_the_program() {
        assert_eq!(hangup(3, 0), Told::Stop);
        assert_eq!(hangup(0, 0), Told::Restart);
        assert_eq!(hangup(3, 3), Told::Restart);
    }
}
