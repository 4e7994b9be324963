//! Signals of the operating system that ask the program to stop or to restart.

use std::io::{self, IsTerminal as _};

#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};

/// SIGINT and SIGTERM. A signal that comes after [`StopSignals::listen`] is not missed, even if nobody waits for it yet.
pub(crate) struct StopSignals {
    #[cfg(unix)]
    interrupt: Option<Signal>,
    #[cfg(unix)]
    terminate: Option<Signal>,
}

impl StopSignals {
    /// Starts to listen. It must be called inside a tokio runtime.
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
            () = received(&mut self.interrupt) => {}
            () = received(&mut self.terminate) => {}
        }
        #[cfg(not(unix))]
        let _ = tokio::signal::ctrl_c().await;
    }
}

/// What a signal asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Request {
    /// To stop.
    Stop,
    /// To restart in place, because the program or its config was replaced.
    #[cfg_attr(not(unix), expect(dead_code, reason = "no signal asks for it there"))]
    Restart,
}

/// SIGINT, SIGTERM and SIGHUP. A signal between two calls of [`Signals::next`] is not missed.
pub(crate) struct Signals {
    #[cfg(unix)]
    interrupt: Option<Signal>,
    #[cfg(unix)]
    terminate: Option<Signal>,
    #[cfg(unix)]
    hangup: Option<Signal>,
    /// How many of the standard streams were terminals at the start.
    terminals: usize,
}

impl Signals {
    /// Starts to listen. It must be called inside a tokio runtime.
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

    /// Waits for the next signal. Cancel-safe.
    #[cfg(unix)]
    pub(crate) async fn next(&mut self) -> Request {
        tokio::select! {
            () = received(&mut self.interrupt) => Request::Stop,
            () = received(&mut self.terminate) => Request::Stop,
            () = received(&mut self.hangup) => hangup(self.terminals, terminals()),
        }
    }

    /// Waits for the next signal. Cancel-safe.
    #[cfg(not(unix))]
    pub(crate) async fn next(&mut self) -> Request {
        let _ = (tokio::signal::ctrl_c().await, self.terminals);
        Request::Stop
    }
}

#[cfg(unix)]
async fn received(signal: &mut Option<Signal>) {
    match signal {
        Some(signal) => {
            signal.recv().await;
        }
        None => std::future::pending().await,
    }
}

/// SIGHUP asks a service to restart. In a terminal it means that the terminal is gone, so the program stops.
#[cfg(unix)]
fn hangup(terminals_before: usize, terminals_now: usize) -> Request {
    if terminals_now < terminals_before { Request::Stop } else { Request::Restart }
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
    async fn a_signal_that_nobody_waits_for_yet_is_not_missed() {
        let soon = std::time::Duration::from_secs(10);
        let mut stop = StopSignals::listen();
        tokio::select! {
            biased;
            () = stop.received() => panic!("no signal was sent"),
            () = tokio::task::yield_now() => {}
        }
        // Another listener shows when the signal has come.
        let mut seen = signal(SignalKind::terminate()).unwrap();
        let kill = std::process::Command::new("kill")
            .args(["-TERM", &std::process::id().to_string()])
            .status();
        assert!(kill.is_ok_and(|kill| kill.success()));
        assert!(tokio::time::timeout(soon, seen.recv()).await.is_ok());
        assert!(tokio::time::timeout(soon, stop.received()).await.is_ok());
    }

    #[test]
    fn the_program_stops_when_its_terminal_goes_away() {
        assert_eq!(hangup(3, 0), Request::Stop);
        assert_eq!(hangup(0, 0), Request::Restart);
        assert_eq!(hangup(3, 3), Request::Restart);
    }
}
