//! The last resort: asks the system again and again how long there was no input.
//!
//! It asks as seldom as it can. A person who is active can't be away before `away_after` has
//! passed, so it sleeps until then. It knows no operating system: the caller supplies the
//! [`Probe`], and the guard says when the probe must not be called any more.

use std::sync::{Arc, Mutex, TryLockError};
use std::time::Duration;

use porchlight_core::observation::{Moment, Observation};

use crate::description::{Description, Missing, Tells};
use crate::settings::Probe;
use crate::source::{Reports, Source, SourceError};

/// The pause between two questions while the person is away: a return is seen this late at most.
const AWAY_PAUSE: Duration = Duration::from_secs(2);
/// The shortest pause between two questions while the person is active.
const MIN_PAUSE: Duration = Duration::from_secs(1);
/// The source is lost after this many refusals in a row.
const MAX_REFUSALS: u32 = 3;
/// How long a probe may take. After that it hangs, and the last answer is out of date.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Reported when the probe panicked. It is not called again.
const CRASHED: &str = "asking for the idle time crashed";

/// A probe that several sources use, one after the other.
#[derive(Clone)]
pub(crate) struct SharedProbe(Arc<Mutex<Probe>>);

/// The source: calls a probe until the guard ends.
pub(crate) struct Poller<G> {
    pub(crate) probe: SharedProbe,
    pub(crate) away_after: Duration,
    /// Ends when the probe must not be called any more, because the display that it asks has gone.
    pub(crate) guard: G,
}

impl<G: Future<Output = SourceError> + Send + 'static> Source for Poller<G> {
    fn description(&self) -> Description {
        Description {
            name: "polled",
            tells: Tells::IDLE,
            missing: Some(Missing::new(
                "this X server sends no idle alarms, so a return shows up to two seconds late",
                "an X server with the XSync extension tells at once",
            )),
        }
    }

    async fn run(self, to: &Reports) -> SourceError {
        let Self { probe, away_after, guard } = self;
        tokio::select! {
            // Biased, so that the guard is checked before each question.
            biased;
            lost = guard => lost,
            lost = poll(probe, away_after, to) => lost,
        }
    }
}

async fn poll(probe: SharedProbe, away_after: Duration, to: &Reports) -> SourceError {
    let mut seen = Seen::Nothing;
    let mut refused = 0;
    loop {
        let idle = match probe.ask().await {
            Ok(idle) => idle,
            Err(lost) => return lost,
        };
        let Some(idle) = idle else {
            refused += 1;
            if refused == MAX_REFUSALS {
                return SourceError("the system does not tell the idle time".to_owned());
            }
            tokio::time::sleep(MIN_PAUSE).await;
            continue;
        };
        refused = 0;
        let step = seen.step(idle, away_after);
        if let Some(observation) = step.report {
            to.send(observation).await;
        }
        seen = step.seen;
        tokio::time::sleep(step.pause).await;
    }
}

impl SharedProbe {
    pub(crate) fn new(probe: Probe) -> Self {
        Self(Arc::new(Mutex::new(probe)))
    }

    /// Calls the probe on a thread that may block.
    async fn ask(&self) -> Result<Option<Duration>, SourceError> {
        let probe = Arc::clone(&self.0);
        let asked = tokio::task::spawn_blocking(move || match probe.try_lock() {
            Ok(mut probe) => Ok(probe()),
            Err(TryLockError::Poisoned(_)) => Err(SourceError(CRASHED.to_owned())),
            // The previous call may hang for ever, and one blocked thread is enough.
            Err(TryLockError::WouldBlock) => {
                Err(SourceError("the system still does not tell the idle time".to_owned()))
            }
        });
        match tokio::time::timeout(TIMEOUT, asked).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(SourceError(CRASHED.to_owned())),
            Err(_) => Err(SourceError(format!(
                "the system did not tell the idle time within {TIMEOUT:?}"
            ))),
        }
    }
}

/// What the last answer showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    Nothing,
    Active,
    Away { idle: Duration },
}

/// What to do after an answer.
struct Step {
    seen: Seen,
    report: Option<Observation>,
    pause: Duration,
}

impl Seen {
    fn step(self, idle: Duration, away_after: Duration) -> Step {
        if idle < away_after {
            let report = (self != Self::Active).then_some(Observation::InputActive);
            return Step { seen: Self::Active, report, pause: (away_after - idle).max(MIN_PAUSE) };
        }
        let known = match self {
            // The idle time fell, so there was input in between and the earlier report is wrong.
            Self::Away { idle: before } => before <= idle,
            Self::Nothing | Self::Active => false,
        };
        let report = (!known).then_some(Observation::InputIdle { since: Moment::Ago(idle) });
        Step { seen: Self::Away { idle }, report, pause: AWAY_PAUSE }
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::sync::{Arc, mpsc};

    use tokio::sync::oneshot;
    use tokio::time::Instant;

    use super::*;
    use crate::watch::Watch;

    const MINUTE: Duration = Duration::from_secs(60);

    /// A probe that gives these answers in order, repeats the last one, and reports when it is
    /// called.
    fn probe(answers: &[Option<u64>]) -> (Probe, mpsc::Receiver<Duration>) {
        let mut answers = answers.to_vec();
        let (asked, questions) = mpsc::channel();
        let begun = Instant::now();
        let probe = move || {
            let _ = asked.send(begun.elapsed());
            let answer = if answers.len() > 1 { answers.remove(0) } else { answers[0] };
            answer.map(Duration::from_secs)
        };
        (Box::new(probe), questions)
    }

    fn watch(answers: &[Option<u64>]) -> (Watch, mpsc::Receiver<Duration>) {
        let (probe, questions) = probe(answers);
        (
            Watch::over(Poller {
                probe: SharedProbe::new(probe),
                away_after: MINUTE,
                guard: pending(),
            }),
            questions,
        )
    }

    /// The fake clock skips an hour at once.
    async fn next(watch: &mut Watch) -> Observation {
        let observation = tokio::time::timeout(60 * MINUTE, watch.next()).await;
        observation.expect("an observation in time")
    }

    fn idle(secs: u64) -> Observation {
        Observation::InputIdle { since: Moment::Ago(Duration::from_secs(secs)) }
    }

    /// The times of the questions, in whole seconds: the fake clock adds a millisecond to each
    /// sleep.
    fn asked_at(questions: &mpsc::Receiver<Duration>) -> Vec<u64> {
        questions.try_iter().map(|at| at.as_secs()).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn an_active_person_is_polled_again_when_they_could_be_away() {
        let (mut watch, questions) = watch(&[Some(20), Some(50), Some(60)]);
        assert_eq!(next(&mut watch).await, Observation::InputActive);
        assert_eq!(next(&mut watch).await, idle(60));
        assert_eq!(asked_at(&questions), [0, 40, 50]);
    }

    #[tokio::test(start_paused = true)]
    async fn an_absent_person_is_polled_every_two_seconds_and_their_return_is_reported() {
        let (mut watch, questions) = watch(&[Some(300), Some(302), Some(304), Some(1), Some(60)]);
        assert_eq!(next(&mut watch).await, idle(300));
        assert_eq!(next(&mut watch).await, Observation::InputActive);
        assert_eq!(next(&mut watch).await, idle(60));
        assert_eq!(asked_at(&questions), [0, 2, 4, 6, 65]);
    }

    #[tokio::test(start_paused = true)]
    async fn near_the_limit_the_probe_is_called_no_more_than_once_a_second() {
        let questions = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&questions);
        // The idle time stays half a millisecond below the limit.
        let near_limit = MINUTE - Duration::from_micros(500);
        let probe: Probe = Box::new(move || {
            count.fetch_add(1, Ordering::Relaxed);
            Some(near_limit)
        });
        let mut watch = Watch::over(Poller {
            probe: SharedProbe::new(probe),
            away_after: MINUTE,
            guard: pending(),
        });
        assert_eq!(next(&mut watch).await, Observation::InputActive);
        let more = tokio::time::timeout(Duration::from_secs(10), watch.next()).await;
        assert!(more.is_err(), "{more:?}");
        let asked = questions.load(Ordering::Relaxed);
        assert!((9..=11).contains(&asked), "asked {asked} times in ten seconds");
    }

    #[tokio::test(start_paused = true)]
    async fn input_between_two_questions_corrects_the_time_away() {
        let (mut watch, _questions) = watch(&[Some(300), Some(302), Some(90)]);
        assert_eq!(next(&mut watch).await, idle(300));
        assert_eq!(next(&mut watch).await, idle(90));
    }

    #[tokio::test(start_paused = true)]
    async fn three_refusals_in_a_row_are_a_loss_and_two_are_not() {
        let (mut watch, questions) = watch(&[None, None, Some(60), None, None, None]);
        assert_eq!(next(&mut watch).await, idle(60));
        assert_eq!(next(&mut watch).await, Observation::SourceLost);
        assert_eq!(asked_at(&questions), [0, 1, 2, 4, 5, 6]);
        assert!(watch.source().to_string().contains("does not tell the idle time"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_probe_that_crashes_is_a_loss() {
        let probe: Probe = Box::new(|| panic!("on purpose"));
        let mut watch = Watch::over(Poller {
            probe: SharedProbe::new(probe),
            away_after: MINUTE,
            guard: pending(),
        });
        assert_eq!(next(&mut watch).await, Observation::SourceLost);
        assert!(watch.source().to_string().contains("crashed"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_probe_that_hangs_is_a_loss() {
        let (begin, begun) = oneshot::channel();
        let (release, held) = mpsc::channel::<()>();
        let mut begin = Some(begin);
        let probe: Probe = Box::new(move || {
            if let Some(begin) = begin.take() {
                begin.send(()).unwrap();
            }
            let _ = held.recv();
            None
        });
        let mut watch = Watch::over(Poller {
            probe: SharedProbe::new(probe),
            away_after: MINUTE,
            guard: pending(),
        });
        begun.await.unwrap();
        // The fake clock does not advance by itself while a blocking thread is busy.
        tokio::time::advance(TIMEOUT + MIN_PAUSE).await;
        assert_eq!(watch.next().await, Observation::SourceLost);
        assert!(watch.source().to_string().contains("did not tell the idle time within 5s"));
        drop(release);
    }

    #[tokio::test(start_paused = true)]
    async fn the_probe_is_not_called_after_the_guard_has_ended() {
        let (probe, questions) = probe(&[Some(300)]);
        let (end, ended) = oneshot::channel::<()>();
        let guard = async {
            let _ = ended.await;
            SourceError("the display went away".to_owned())
        };
        let mut watch =
            Watch::over(Poller { probe: SharedProbe::new(probe), away_after: MINUTE, guard });
        assert_eq!(next(&mut watch).await, idle(300));
        end.send(()).unwrap();
        assert_eq!(next(&mut watch).await, Observation::SourceLost);
        assert_eq!(asked_at(&questions), [0]);
        assert!(watch.source().to_string().contains("the display went away"));
    }

    #[tokio::test(start_paused = true)]
    async fn the_probe_is_never_called_if_the_display_is_gone_at_the_start() {
        let (probe, questions) = probe(&[Some(300)]);
        let guard = async { SourceError("the display went away".to_owned()) };
        let mut watch =
            Watch::over(Poller { probe: SharedProbe::new(probe), away_after: MINUTE, guard });
        assert_eq!(next(&mut watch).await, Observation::SourceLost);
        assert_eq!(asked_at(&questions), [0; 0]);
    }
}
