//! Which events of a long-running command get a line in a service's log.
//!
//! Owns the rule that nothing fills the log: a problem is remembered by its code, because its words may change with every
//! try. Deliberately prints nothing and reads no clock.

use std::time::Duration;

use porchlight_core::time::Monotonic;
use porchlight_core::view::Problem;

/// A connection that lasts this long is stable. What ends it is logged, whatever was logged before.
const STABLE: Duration = Duration::from_secs(60);
/// If the last line says "connected" and we are not, a known problem is logged again after this.
const CORRECTED_AFTER: Duration = Duration::from_secs(30);
/// A problem that comes and goes is logged again after this.
const AGAIN: Duration = Duration::from_secs(600);

/// Decides which events get a line.
#[derive(Debug, Default)]
pub(crate) struct Log {
    /// The codes of connection problems that were logged since the connection was stable.
    reported: Vec<String>,
    /// What the last line about the connection says.
    last: Option<Last>,
    /// When the present connection began, or when there was one last.
    up: Option<Monotonic>,
    down: Option<Monotonic>,
    /// Whether a first `protocol` problem was left out: it may only mean that the broker speaks MQTT 3.1.1.
    protocol_withheld: bool,
    /// The codes of the problems that exist now, and of those that were logged lately.
    active: Vec<String>,
    recent: Vec<(String, Monotonic)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Last {
    Connecting,
    Connected,
    Problem,
}

impl Log {
    /// Whether to log that we try to connect.
    pub(crate) fn connecting(&mut self) -> bool {
        let first = self.last.is_none();
        self.last.get_or_insert(Last::Connecting);
        first
    }

    /// Whether to log that we are connected.
    pub(crate) fn connected(&mut self, now: Monotonic) -> bool {
        self.up.get_or_insert(now);
        self.down = None;
        self.protocol_withheld = false;
        let is_news = self.last != Some(Last::Connected);
        self.last = Some(Last::Connected);
        is_news
    }

    /// Whether to log why there is no connection.
    pub(crate) fn not_connected(&mut self, code: &str, now: Monotonic) -> bool {
        if self.up.take().is_some_and(|since| now.since(since) >= STABLE) {
            self.reported.clear();
        }
        let down = *self.down.get_or_insert(now);
        // A broker of MQTT 3.1.1 answers MQTT 5 like this, and the next try uses 3.1.1.
        if code == "protocol" && !self.protocol_withheld {
            self.protocol_withheld = true;
            return false;
        }
        let was_reported = self.reported.iter().any(|reported| reported == code);
        let misleads = self.last == Some(Last::Connected) && now.since(down) >= CORRECTED_AFTER;
        if was_reported && !misleads {
            return false;
        }
        if !was_reported {
            self.reported.push(code.to_owned());
        }
        self.last = Some(Last::Problem);
        true
    }

    /// Which of the present problems to log.
    pub(crate) fn problems<'a>(
        &mut self,
        problems: &'a [Problem],
        now: Monotonic,
    ) -> Vec<&'a Problem> {
        let news = problems.iter().filter(|problem| !self.active.contains(&problem.code));
        let news: Vec<&Problem> = news.collect();
        self.active = problems.iter().map(|problem| problem.code.clone()).collect();
        self.recent.retain(|(_, at)| now.since(*at) < AGAIN);
        let mut to_report = Vec::new();
        for problem in news {
            if !self.recent.iter().any(|(code, _)| *code == problem.code) {
                self.recent.push((problem.code.clone(), now));
                to_report.push(problem);
            }
        }
        to_report
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Monotonic {
        Monotonic::default() + Duration::from_secs(seconds)
    }

    fn problem(code: &str, message: &str) -> Problem {
        Problem { code: code.to_owned(), message: message.to_owned() }
    }

    #[test]
    fn two_kinds_in_turn_are_each_logged_once() {
        let mut log = Log::default();
        assert!(log.connecting() && !log.connecting());
        let logged = (0..100).filter(|try_| {
            let code = if try_ % 2 == 0 { "tls" } else { "broken" };
            log.not_connected(code, at(*try_))
        });
        assert_eq!(logged.count(), 2);
    }

    #[test]
    fn a_connection_that_comes_and_goes_does_not_fill_the_log() {
        let mut log = Log::default();
        let mut lines = 0;
        for second in 0..1_000 {
            lines += usize::from(log.connected(at(2 * second)));
            lines += usize::from(log.not_connected("disconnected", at(2 * second + 1)));
        }
        assert_eq!(lines, 3, "connected, why it ended, and connected again");
    }

    #[test]
    fn the_end_of_a_stable_connection_is_logged_again() {
        let mut log = Log::default();
        assert!(log.connected(at(0)));
        assert!(log.not_connected("broken", at(100)));
        assert!(log.connected(at(101)));
        assert!(log.not_connected("broken", at(161)));
    }

    #[test]
    fn the_last_line_is_corrected_if_it_says_connected() {
        let mut log = Log::default();
        for second in [0, 2] {
            log.connected(at(second));
            log.not_connected("broken", at(second + 1));
        }
        log.connected(at(4));
        assert!(!log.not_connected("broken", at(5)));
        assert!(!log.not_connected("broken", at(34)));
        assert!(log.not_connected("broken", at(35)));
        assert!(!log.not_connected("broken", at(300)));
    }

    #[test]
    fn a_broker_with_mqtt_3_1_1_alone_is_no_problem() {
        let mut log = Log::default();
        assert!(!log.not_connected("protocol", at(0)));
        assert!(log.connected(at(1)));
        let mut log = Log::default();
        assert!(!log.not_connected("protocol", at(0)));
        assert!(log.not_connected("protocol", at(1)), "the broker speaks neither version");
    }

    #[test]
    fn a_problem_is_logged_once_whatever_others_come_and_go() {
        let mut log = Log::default();
        let activity = problem("activity_unknown", "activity is unknown");
        let other = problem("not_saved", "a file can't be written");
        let both = [activity.clone(), other.clone()];
        assert_eq!(log.problems(std::slice::from_ref(&activity), at(0)), [&activity]);
        assert_eq!(log.problems(&both, at(1)), [&other]);
        assert_eq!(log.problems(std::slice::from_ref(&activity), at(2)), [] as [&Problem; 0]);
        let reworded = [problem("activity_unknown", "in other words")];
        assert_eq!(log.problems(&reworded, at(3)), [] as [&Problem; 0]);
    }

    #[test]
    fn a_problem_that_comes_and_goes_is_logged_again_after_ten_minutes() {
        let mut log = Log::default();
        let it = [problem("not_saved", "a file can't be written")];
        let mut logged = 0;
        for second in 0..601 {
            logged += log.problems(&it, at(second)).len();
            logged += log.problems(&[], at(second)).len();
        }
        assert_eq!(logged, 2);
    }
}
