//! A person's status in words, for the terminal, the tray and notifications.
//!
//! Owns which messages of the catalogue (`locales/*/people.ftl`) describe a status. The words are the catalogue's: the
//! desktop passes a function that reads its language, the terminal passes [`english`]. The window follows the same rules
//! in `ui/src/lib/words.ts`, and `locales/status-lines.txt` holds both to the same lines. Deliberately formats no time:
//! the caller knows the time zone.

pub use crate::catalogue::english;
use crate::presence::{Cause, Doubt};
use crate::time::Timestamp;
use crate::view::signals::FailureView;
use crate::view::{ConnectionView, Evidence, HostView, PersonView, Problem};

/// A message of the catalogue, by its id, with texts in place of its variables.
pub trait Say: Fn(&'static str, &[(&'static str, &str)]) -> String {}

impl<F: Fn(&'static str, &[(&'static str, &str)]) -> String> Say for F {}

/// A shape for a status that needs no colour to be told apart. The window and the tray draw the same ones.
#[must_use]
pub fn glyph(status: &str, cause: Option<Cause>) -> &'static str {
    match (status, cause) {
        ("online", Some(Cause::Unknown)) => "?",
        ("away", _) => "☾",
        ("dnd", _) => "⊖",
        ("offline" | "invisible", _) => "○",
        _ => "●",
    }
}

/// A status within a sentence; a person's own word stays as it is.
#[must_use]
pub fn status(word: &str, say: impl Say) -> String {
    let id = match word {
        "online" => "status-online",
        "away" => "status-away",
        "dnd" => "status-dnd",
        "invisible" => "status-invisible",
        "offline" => "status-offline",
        own => return own.to_owned(),
    };
    say(id, &[])
}

/// Status, time and reason: `away since 14:02, screen locked`. What is unknown is left out.
#[must_use]
pub fn status_line(
    person: &PersonView,
    say: impl Say,
    clock: impl Fn(Timestamp) -> String,
) -> String {
    let (since, until) = (person.since.map(&clock), person.until.map(&clock));
    line(&person.status, person.cause, since.as_deref(), until.as_deref(), &say)
}

fn line(
    word: &str,
    cause: Option<Cause>,
    since: Option<&str>,
    until: Option<&str>,
    say: &impl Say,
) -> String {
    if word == "offline"
        && let Some(gone) = gone(cause, since, say)
    {
        return gone;
    }
    let status = status(word, say);
    let status = match (until, since) {
        (Some(time), _) => say("status-until", &[("status", &status), ("time", time)]),
        (None, Some(time)) => say("status-since", &[("status", &status), ("time", time)]),
        (None, None) => status,
    };
    let reason = match cause {
        Some(Cause::Unknown) => "reason-unknown",
        Some(Cause::Idle) => "reason-idle",
        Some(Cause::Locked) => "reason-locked",
        Some(Cause::Switched) => "reason-switched",
        Some(Cause::Left | Cause::Asleep | Cause::Lost | Cause::Chosen) | None => {
            return status;
        }
    };
    say("status-because", &[("status", &status), ("reason", &say(reason, &[]))])
}

/// How somebody went offline, where that is known.
fn gone(cause: Option<Cause>, since: Option<&str>, say: &impl Say) -> Option<String> {
    let (bare, timed) = match cause? {
        Cause::Left => ("left", "left-at"),
        Cause::Asleep => ("asleep", "asleep-since"),
        Cause::Lost => ("lost", "lost-at"),
        _ => return None,
    };
    Some(since.map_or_else(|| say(bare, &[]), |time| say(timed, &[("time", time)])))
}

/// Why a person's status is shown: `away since 14:02, screen locked, laptop; last heard from: 14:02; if the connection
/// breaks, you see it within 18 seconds`. `None` where nothing is known of any device.
#[must_use]
pub fn evidence(
    evidence: &Evidence,
    say: impl Say,
    clock: impl Fn(Timestamp) -> String,
) -> Option<String> {
    let since = evidence.since.map(&clock);
    let mut words = line(evidence.status.as_deref()?, evidence.cause, since.as_deref(), None, &say);
    if let Some(kind) = &evidence.kind {
        words = format!("{words}, {kind}");
    }
    let heard = evidence.heard.map(|heard| say("last-heard", &[("time", &clock(heard))]));
    let within = evidence
        .loss_shows_within_s
        .map(|within| say("loss-shows-within", &[("seconds", &within.to_string())]));
    let doubt = evidence.doubt.map(|doubt| {
        let id = match doubt {
            Doubt::Reconnecting => "doubt-reconnecting",
            Doubt::Settling => "doubt-settling",
            Doubt::LinkDown => "doubt-link-down",
        };
        say(id, &[])
    });
    Some([Some(words), heard, within, doubt].into_iter().flatten().collect::<Vec<_>>().join("; "))
}

/// Why the team's host is not there: `Anna's computer, which hosts this team, has been asleep since 14:02`.
#[must_use]
pub fn host(host: &HostView, say: impl Say, clock: impl Fn(Timestamp) -> String) -> String {
    let (bare, timed) = match host.cause {
        Cause::Asleep => ("host-asleep", "host-asleep-since"),
        Cause::Left => ("host-left", "host-left-at"),
        _ => ("host-lost", "host-lost-at"),
    };
    let name = ("name", host.name.as_str());
    match host.since.map(clock) {
        Some(time) => say(timed, &[name, ("time", &time)]),
        None => say(bare, &[name]),
    }
}

/// Why something was not sent: `Bob is offline; knock when they are back instead (left 14:02)`.
#[must_use]
pub fn failure(
    failure: &FailureView,
    say: impl Say,
    clock: impl Fn(Timestamp) -> String,
) -> String {
    let Some(time) = failure.since.map(clock) else {
        return failure.message.clone();
    };
    let why =
        gone(failure.cause, Some(&time), &say).unwrap_or_else(|| say("since", &[("time", &time)]));
    format!("{} ({why})", failure.message)
}

/// Why there is no connection, where that is known.
#[must_use]
pub fn problem(
    link: &ConnectionView,
    say: impl Say,
    clock: impl Fn(Timestamp) -> String,
) -> Option<String> {
    match link {
        ConnectionView::Connecting { host: Some(absent), .. } => Some(host(absent, say, clock)),
        ConnectionView::Connecting { problem: Some(Problem { message, .. }), .. }
        | ConnectionView::Refused { problem: Problem { message, .. }, .. } => Some(message.clone()),
        ConnectionView::Connecting { problem: None, .. }
        | ConnectionView::Unset
        | ConnectionView::Up { .. }
        | ConnectionView::Closed => None,
    }
}

/// The text and emoji beside a status, as one.
#[must_use]
pub fn remark(person: &PersonView) -> Option<String> {
    match (&person.emoji, &person.text) {
        (Some(emoji), Some(text)) => Some(format!("{emoji} {text}")),
        (Some(one), None) | (None, Some(one)) => Some(one.clone()),
        (None, None) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A line a case: status, cause, since and until, then what is shown. `-` stands for what is unknown.
    const LINES: &str = include_str!("../../../locales/status-lines.txt");

    fn clock(at: Timestamp) -> String {
        format!("14:0{}", at.as_ms())
    }

    #[test]
    fn a_status_line_has_what_is_known_and_nothing_else() {
        let cases: Vec<_> = LINES.lines().filter(|line| !line.starts_with('#')).collect();
        assert!(cases.len() > 10);
        for case in cases {
            let [status, cause, since, until, words] =
                case.split(" | ").map(str::trim).collect::<Vec<_>>()[..]
            else {
                panic!("not five columns: {case}");
            };
            let at = |time: &str| time.strip_prefix("14:0").and_then(|ms| ms.parse().ok());
            let person = PersonView {
                status: status.to_owned(),
                cause: serde_json::from_value(cause.into()).ok(),
                since: at(since).and_then(Timestamp::from_ms),
                until: at(until).and_then(Timestamp::from_ms),
                ..PersonView::default()
            };
            assert_eq!(status_line(&person, english, clock), words);
        }
    }

    #[test]
    fn evidence_names_what_a_status_is_based_on() {
        let mut evidence = Evidence {
            device: Some("a".to_owned()),
            kind: Some("laptop".to_owned()),
            status: Some("away".to_owned()),
            cause: Some(Cause::Locked),
            since: Timestamp::from_ms(1),
            heard: Timestamp::from_ms(2),
            loss_shows_within_s: Some(18),
            doubt: None,
        };
        let words = |evidence: &Evidence| super::evidence(evidence, english, clock);
        assert_eq!(
            words(&evidence).unwrap(),
            "away since 14:01, screen locked, laptop; last heard from: 14:02; if the connection breaks, you see it within 18 seconds"
        );
        evidence.loss_shows_within_s = None;
        evidence.doubt = Some(Doubt::LinkDown);
        assert_eq!(
            words(&evidence).unwrap(),
            "away since 14:01, screen locked, laptop; last heard from: 14:02; from before your connection broke"
        );
        let simple = Evidence { status: Some("online".to_owned()), ..Evidence::default() };
        assert_eq!(words(&simple).unwrap(), "online");
        assert_eq!(words(&Evidence::default()), None);
    }

    #[test]
    fn the_host_s_absence_has_its_time_where_that_is_known() {
        let said = |cause, since| {
            let absent = HostView { name: "Anna".to_owned(), cause, since };
            let problem = Some(Problem { code: String::new(), message: "no answer".to_owned() });
            let link = ConnectionView::Connecting {
                as_of: None,
                retry_at: None,
                problem,
                host: Some(absent),
            };
            problem_of(&link)
        };
        let since = Timestamp::from_ms(2);
        for (cause, since, words) in [
            (Cause::Asleep, since, "has been asleep since 14:02"),
            (Cause::Asleep, None, "is asleep"),
            (Cause::Left, since, "was switched off or quit Porchlight at 14:02"),
            (Cause::Lost, since, "lost its connection at 14:02"),
        ] {
            let words = format!("Anna's computer, which hosts this team, {words}");
            assert_eq!(said(cause, since), Some(words));
        }
    }

    #[test]
    fn a_connection_without_a_host_has_its_own_problem() {
        let problem = Problem { code: String::new(), message: "no answer".to_owned() };
        let connecting = |problem| ConnectionView::Connecting {
            as_of: None,
            retry_at: None,
            problem,
            host: None,
        };
        assert_eq!(problem_of(&connecting(Some(problem))).unwrap(), "no answer");
        assert_eq!(problem_of(&connecting(None)), None);
        assert_eq!(problem_of(&ConnectionView::Closed), None);
    }

    fn problem_of(link: &ConnectionView) -> Option<String> {
        problem(link, english, clock)
    }
}
