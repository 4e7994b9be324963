//! Windows and macOS: the system reports everything but input, which has to be polled.
//!
//! This module combines the two. It does not poll while the screen is locked, another session has
//! the seat or the machine sleeps, and starts afresh afterwards. It calls no system function:
//! `windows` and `macos` supply the probe and the subscription.

use std::future::pending;
use std::sync::mpsc as blocking;
use std::time::Duration;

use porchlight_core::observation::Observation;
use tokio::sync::mpsc;

use crate::description::{Description, Missing, Tells};
use crate::poll::{Poller, SharedProbe};
use crate::settings::Probe;
use crate::source::{Reports, Source, SourceError};
use crate::supervise::Goodbye;

/// How long a system that is about to sleep or to end the session waits for the goodbye. Windows
/// allows two seconds (`PBT_APMSUSPEND`), macOS thirty (`NSWorkspaceWillSleepNotification`).
const GOODBYE_TIMEOUT: Duration = Duration::from_millis(1500);

/// Something that the system reported.
#[derive(Debug)]
struct SystemEvent {
    observation: Observation,
    /// Dropped when the system may go on.
    hold: Option<Hold>,
}

/// Nothing is ever sent: the other end only waits until it is dropped.
type Hold = blocking::Sender<()>;

/// Where the system's callbacks put their events.
#[derive(Debug, Clone)]
pub(crate) struct EventSender(mpsc::UnboundedSender<SystemEvent>);

impl EventSender {
    pub(crate) fn channel() -> (Self, EventReceiver) {
        let (to, event) = mpsc::unbounded_channel();
        (Self(to), EventReceiver(event))
    }

    /// Sends an observation. If the machine or the session is about to end, it blocks until the
    /// goodbye is published, because the system goes on as soon as its callback returns.
    pub(crate) fn send(&self, observation: Observation) {
        if !matches!(observation, Observation::Suspending | Observation::ShuttingDown) {
            // An error means that the watch has ended.
            let _ = self.0.send(SystemEvent { observation, hold: None });
            return;
        }
        let (hold, released) = blocking::channel();
        if self.0.send(SystemEvent { observation, hold: Some(hold) }).is_ok() {
            // An error either way: the other end was dropped, or the time is over.
            let _ = released.recv_timeout(GOODBYE_TIMEOUT);
        }
    }
}

/// The other end of a [`EventSender`].
#[derive(Debug)]
pub(crate) struct EventReceiver(mpsc::UnboundedReceiver<SystemEvent>);

/// The source: polls input and passes on the system's events.
pub(crate) struct Desktop<S, P = fn() -> Probe> {
    pub(crate) name: &'static str,
    pub(crate) tells: Tells,
    pub(crate) missing: Option<Missing>,
    /// Makes a new probe each time that polling starts, because a call of the previous one may
    /// still be running.
    pub(crate) probe: P,
    pub(crate) away_after: Duration,
    pub(crate) listener: EventReceiver,
    pub(crate) goodbye: Goodbye,
    /// The subscription to the system's events; dropping it ends the subscription.
    pub(crate) subscription: S,
}

impl<S, P> Source for Desktop<S, P>
where
    S: Send + 'static,
    P: FnMut() -> Probe + Send + 'static,
{
    fn description(&self) -> Description {
        Description { name: self.name, tells: self.tells, missing: self.missing.clone() }
    }

    async fn run(self, to: &Reports) -> SourceError {
        let Self { mut probe, away_after, listener, mut goodbye, subscription, .. } = self;
        let EventReceiver(mut event) = listener;
        let _subscribed = subscription;
        let mut state = SessionState::default();
        loop {
            let next = tokio::select! {
                biased;
                next = event.recv() => next,
                lost = ask(probe(), away_after, to), if state.can_give_input() => return lost,
            };
            let Some(SystemEvent { observation, hold }) = next else {
                return SourceError("the system tells nothing any more".to_owned());
            };
            if !state.update(observation) {
                continue;
            }
            if hold.is_some() {
                goodbye.forget();
            }
            to.send(observation).await;
            if hold.is_some() {
                // The system goes on when either is over.
                let _ = tokio::time::timeout(GOODBYE_TIMEOUT, goodbye.wait()).await;
            }
        }
    }
}

/// Polls until it is dropped.
async fn ask(probe: Probe, away_after: Duration, to: &Reports) -> SourceError {
    Poller { probe: SharedProbe::new(probe), away_after, guard: pending() }.run(to).await
}

/// Whether anybody can use this session's keyboard, as far as the system reported.
#[derive(Debug, Default)]
struct SessionState {
    locked: Option<bool>,
    switched: Option<bool>,
    asleep: bool,
    ending: bool,
}

impl SessionState {
    /// Folds in an observation. Returns false if it is already known.
    ///
    /// Windows announces a sleep twice to a top-level window that also registered for it. The
    /// second announcement must not be held up, because its goodbye is already published.
    fn update(&mut self, observation: Observation) -> bool {
        match observation {
            Observation::Locked(is) => self.locked.replace(is) != Some(is),
            Observation::Switched(is) => self.switched.replace(is) != Some(is),
            Observation::Suspending => !std::mem::replace(&mut self.asleep, true),
            Observation::Resumed => {
                self.asleep = false;
                true
            }
            Observation::ShuttingDown => !std::mem::replace(&mut self.ending, true),
            Observation::InputIdle { .. }
            | Observation::InputActive
            | Observation::InCall(_)
            | Observation::DesktopDnd(_)
            | Observation::NetworkChanged
            | Observation::SourceLost
            | Observation::SourceOk => true,
        }
    }

    fn can_give_input(&self) -> bool {
        !(self.locked == Some(true) || self.switched == Some(true) || self.asleep || self.ending)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use tokio::task::yield_now;

    use super::*;
    use crate::description::Subject;
    use crate::supervise::Supervisor;
    use crate::watch::Watch;

    const MINUTE: Duration = Duration::from_secs(60);

    /// A system that reports what the test says. Its probe always reports input just now.
    struct System {
        events: EventSender,
        calls: Arc<AtomicU32>,
        watch: Watch,
    }

    impl System {
        fn new() -> Self {
            let (events, listener) = EventSender::channel();
            let calls = Arc::new(AtomicU32::new(0));
            let count = Arc::clone(&calls);
            let probe = move || -> Probe {
                let count = Arc::clone(&count);
                Box::new(move || {
                    count.fetch_add(1, Ordering::Relaxed);
                    Some(Duration::ZERO)
                })
            };
            let mut supervisor = Supervisor::new();
            let goodbye = supervisor.goodbye();
            supervisor.run_once(
                Subject::Idle,
                Desktop {
                    name: "system",
                    tells: Tells { lock: true, seat: true, power: true, ..Tells::IDLE },
                    missing: None,
                    probe,
                    away_after: MINUTE,
                    listener,
                    goodbye,
                    subscription: (),
                },
            );
            Self { events, calls, watch: supervisor.watch() }
        }

        fn report(&self, observation: Observation) {
            self.events.0.send(SystemEvent { observation, hold: None }).unwrap();
        }

        /// Reports as a callback does, but blocks no thread.
        fn report_and_hold(&self, observation: Observation) -> blocking::Receiver<()> {
            let (hold, released) = blocking::channel();
            self.events.0.send(SystemEvent { observation, hold: Some(hold) }).unwrap();
            released
        }

        async fn next(&mut self) -> Observation {
            // The fake clock skips an hour at once.
            let event = tokio::time::timeout(60 * MINUTE, self.watch.next()).await;
            event.expect("an observation in time")
        }

        /// The number of questions in an hour without events.
        async fn calls_in_an_hour(&mut self) -> u32 {
            let before = self.calls.load(Ordering::Relaxed);
            let event = tokio::time::timeout(60 * MINUTE, self.watch.next()).await;
            assert!(event.is_err(), "{event:?}");
            self.calls.load(Ordering::Relaxed) - before
        }
    }

    /// Whether the system may go on, once all ready tasks have run. The fake clock does not
    /// advance.
    async fn is_released(released: &blocking::Receiver<()>) -> bool {
        for _ in 0..100 {
            yield_now().await;
        }
        released.try_recv() == Err(blocking::TryRecvError::Disconnected)
    }

    #[tokio::test(start_paused = true)]
    async fn the_probe_is_not_called_while_nobody_can_be_there() {
        let table = [
            (Observation::Locked(true), Observation::Locked(false)),
            (Observation::Switched(true), Observation::Switched(false)),
            (Observation::Suspending, Observation::Resumed),
        ];
        for (gone, back) in table {
            let mut system = System::new();
            assert_eq!(system.next().await, Observation::InputActive);
            let calls = system.calls_in_an_hour().await;
            assert!((58..=60).contains(&calls), "called {calls} times in an hour");
            system.report(gone);
            assert_eq!(system.next().await, gone);
            assert_eq!(system.calls_in_an_hour().await, 0, "after {gone:?}");
            system.report(back);
            assert_eq!(system.next().await, back);
            assert_eq!(system.next().await, Observation::InputActive, "after {back:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_session_that_is_locked_and_in_the_background_is_polled_only_after_both_end() {
        let mut system = System::new();
        assert_eq!(system.next().await, Observation::InputActive);
        for event in [Observation::Locked(true), Observation::Switched(true)] {
            system.report(event);
            assert_eq!(system.next().await, event);
        }
        system.report(Observation::Switched(false));
        assert_eq!(system.next().await, Observation::Switched(false));
        assert_eq!(system.calls_in_an_hour().await, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_known_state_is_not_reported_again() {
        let mut system = System::new();
        assert_eq!(system.next().await, Observation::InputActive);
        for event in [false, false, true, true] {
            system.report(Observation::Locked(event));
        }
        assert_eq!(system.next().await, Observation::Locked(false));
        // The probe may have been called in the meantime.
        let mut next = system.next().await;
        if next == Observation::InputActive {
            next = system.next().await;
        }
        assert_eq!(next, Observation::Locked(true));
        assert_eq!(system.calls_in_an_hour().await, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn sleep_is_held_up_until_the_goodbye_is_published() {
        for ending in [Observation::Suspending, Observation::ShuttingDown] {
            let mut system = System::new();
            assert_eq!(system.next().await, Observation::InputActive);
            // An earlier goodbye does not count for this sleep.
            system.watch.may_sleep();
            let released = system.report_and_hold(ending);
            assert_eq!(system.next().await, ending);
            assert!(!is_released(&released).await, "{ending:?} went on without a goodbye");
            system.watch.may_sleep();
            assert!(is_released(&released).await, "{ending:?} was held up after the goodbye");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn sleep_is_held_up_for_a_second_and_a_half_at_most() {
        let mut system = System::new();
        assert_eq!(system.next().await, Observation::InputActive);
        let released = system.report_and_hold(Observation::Suspending);
        assert_eq!(system.next().await, Observation::Suspending);
        tokio::time::sleep(GOODBYE_TIMEOUT - Duration::from_millis(100)).await;
        assert!(!is_released(&released).await);
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert!(is_released(&released).await);
    }

    #[tokio::test(start_paused = true)]
    async fn a_sleep_that_is_announced_twice_is_held_up_once() {
        let mut system = System::new();
        assert_eq!(system.next().await, Observation::InputActive);
        let first = system.report_and_hold(Observation::Suspending);
        assert_eq!(system.next().await, Observation::Suspending);
        system.watch.may_sleep();
        assert!(is_released(&first).await);
        let second = system.report_and_hold(Observation::Suspending);
        assert!(is_released(&second).await);
        system.report(Observation::Resumed);
        assert_eq!(system.next().await, Observation::Resumed);
    }

    #[tokio::test(start_paused = true)]
    async fn a_system_that_stops_reporting_is_a_loss() {
        let System { events, mut watch, .. } = System::new();
        assert_eq!(watch.next().await, Observation::InputActive);
        drop(events);
        assert_eq!(watch.next().await, Observation::SourceLost);
        assert!(watch.source().to_string().contains("tells nothing any more"));
    }

    #[test]
    fn a_callback_returns_once_it_is_released() {
        let (events, EventReceiver(mut event)) = EventSender::channel();
        let callback = std::thread::spawn(move || events.send(Observation::Suspending));
        let held = event.blocking_recv().unwrap();
        assert!(held.hold.is_some());
        assert!(!callback.is_finished());
        drop(held);
        callback.join().unwrap();
    }

    #[test]
    fn a_callback_returns_without_an_answer_and_without_a_receiver() {
        let (events, listener) = EventSender::channel();
        events.send(Observation::Suspending);
        drop(listener);
        events.send(Observation::Suspending);
        events.send(Observation::Locked(true));
    }
}
