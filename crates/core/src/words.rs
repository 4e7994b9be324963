//! A person's state in words, for the terminal, the tray and notifications.
//!
//! Owns the English of it in one place. Deliberately formats no time: whoever shows it knows the time zone.

use crate::presence::{Cause, ChosenStatus, Doubt};
use crate::time::Timestamp;
use crate::view::signals::FailureView;
use crate::view::{ConnectionView, Evidence, HostView, PersonView, Problem};

/// A shape for a state that needs no colour to be told apart.
#[must_use]
pub fn glyph(status: &str, cause: Option<Cause>) -> &'static str {
    match (status, cause) {
        ("online", Some(Cause::Unknown)) => "◎",
        ("away", _) => "◐",
        ("dnd", _) => "⊖",
        ("offline" | "invisible", _) => "○",
        _ => "●",
    }
}

/// A status word as people say it; a word of somebody's own stays as it is.
#[must_use]
pub fn status(word: &str) -> &str {
    match word {
        "dnd" => "do not disturb",
        other => other,
    }
}

/// What can be chosen, as a menu says it.
#[must_use]
pub const fn choice(status: ChosenStatus) -> &'static str {
    match status {
        ChosenStatus::Online => "Online",
        ChosenStatus::Away => "Away",
        ChosenStatus::Dnd => "Do not disturb",
        ChosenStatus::Invisible => "Invisible",
    }
}

/// State, reason and time: `away since 14:02 (locked)`. Nothing is said that is not known.
#[must_use]
pub fn standing(person: &PersonView, clock: impl Fn(Timestamp) -> String) -> String {
    let word = status(&person.status);
    if person.status == "offline" {
        let at = person.since.map(clock).map_or_else(String::new, |at| format!(" {at}"));
        return match person.cause {
            Some(Cause::Left) => format!("left{at}"),
            Some(Cause::Asleep) => {
                format!("asleep since{at}").trim_end_matches(" since").to_owned()
            }
            Some(Cause::Lost) => format!("connection lost{at}"),
            _ if at.is_empty() => word.to_owned(),
            _ => format!("{word} since{at}"),
        };
    }
    let mut words = word.to_owned();
    if let Some(until) = person.until {
        words.push_str(&format!(" until {}", clock(until)));
    } else if let Some(since) = person.since {
        words.push_str(&format!(" since {}", clock(since)));
    }
    match person.cause {
        Some(Cause::Unknown) => words.push_str(" (activity unknown)"),
        Some(Cause::Idle) => words.push_str(" (no input)"),
        Some(Cause::Locked) => words.push_str(" (locked)"),
        Some(Cause::Switched) => words.push_str(" (in another session)"),
        Some(Cause::Left | Cause::Asleep | Cause::Lost | Cause::Chosen) | None => {}
    }
    words
}

/// Why a person's status is believed: `away: locked since 14:02, laptop; last message 14:02; a loss would show
/// within 18 s`. `None` where nothing was heard of any device.
#[must_use]
pub fn evidence(evidence: &Evidence, clock: impl Fn(Timestamp) -> String) -> Option<String> {
    let mut words = status(evidence.status.as_deref()?).to_owned();
    let cause = match evidence.cause {
        Some(Cause::Unknown) => Some("nothing tells of activity"),
        Some(Cause::Idle) => Some("no input"),
        Some(Cause::Locked) => Some("locked"),
        Some(Cause::Switched) => Some("in another session"),
        Some(Cause::Left) => Some("left"),
        Some(Cause::Asleep) => Some("asleep"),
        Some(Cause::Lost) => Some("connection lost"),
        Some(Cause::Chosen) | None => None,
    };
    if let Some(cause) = cause {
        words.push_str(&format!(": {cause}"));
    }
    if let Some(since) = evidence.since {
        words.push_str(&format!(" since {}", clock(since)));
    }
    if let Some(kind) = &evidence.kind {
        words.push_str(&format!(", {kind}"));
    }
    if let Some(heard) = evidence.heard {
        words.push_str(&format!("; last message {}", clock(heard)));
    }
    if let Some(within) = evidence.loss_shows_within_s {
        words.push_str(&format!("; a loss would show within {within} s"));
    }
    match evidence.doubt {
        Some(Doubt::Reconnecting) => words.push_str("; it is reconnecting"),
        Some(Doubt::Settling) => words.push_str("; from before we reconnected"),
        Some(Doubt::LinkDown) => words.push_str("; we are not connected"),
        None => {}
    }
    Some(words)
}

/// Why the team's host is not there: `Anna's computer, which hosts this team, is asleep since 14:02`.
#[must_use]
pub fn host(host: &HostView, clock: impl Fn(Timestamp) -> String) -> String {
    let at = |word: &str| {
        host.since.map_or_else(String::new, |since| format!(" {word} {}", clock(since)))
    };
    let happened = match host.cause {
        Cause::Asleep => format!("is asleep{}", at("since")),
        Cause::Left => format!("was switched off or quit Porchlight{}", at("at")),
        _ => format!("lost its connection{}", at("at")),
    };
    format!("{}'s computer, which hosts this team, {happened}", host.name)
}

/// Why something was not sent: `Bob is offline; knock when they are back instead (left 14:02)`.
#[must_use]
pub fn failure(failure: &FailureView, clock: impl Fn(Timestamp) -> String) -> String {
    let word = match failure.cause {
        Some(Cause::Left) => "left",
        Some(Cause::Asleep) => "asleep since",
        Some(Cause::Lost) => "connection lost",
        _ => "since",
    };
    match failure.since {
        Some(since) => format!("{} ({word} {})", failure.message, clock(since)),
        None => failure.message.clone(),
    }
}

/// Why there is no link, where something is to be said of it.
#[must_use]
pub fn problem(link: &ConnectionView, clock: impl Fn(Timestamp) -> String) -> Option<String> {
    match link {
        ConnectionView::Connecting { host: Some(absent), .. } => Some(host(absent, clock)),
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

    fn said(status: &str, cause: Option<Cause>, since: bool, until: bool) -> String {
        let person = PersonView {
            user: "ann".to_owned(),
            name: "Ann".to_owned(),
            status: status.to_owned(),
            cause,
            since: since.then(|| Timestamp::from_ms(1).unwrap()),
            until: until.then(|| Timestamp::from_ms(2).unwrap()),
            ..PersonView::default()
        };
        standing(&person, |at| format!("14:0{}", at.as_ms()))
    }

    #[test]
    fn evidence_says_what_a_dot_is_believed_on() {
        let clock = |at: Timestamp| format!("14:0{}", at.as_ms());
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
        assert_eq!(
            super::evidence(&evidence, clock).unwrap(),
            "away: locked since 14:01, laptop; last message 14:02; a loss would show within 18 s"
        );
        evidence.loss_shows_within_s = None;
        evidence.doubt = Some(Doubt::LinkDown);
        assert_eq!(
            super::evidence(&evidence, clock).unwrap(),
            "away: locked since 14:01, laptop; last message 14:02; we are not connected"
        );
        let seed = Evidence { status: Some("online".to_owned()), ..Evidence::default() };
        assert_eq!(super::evidence(&seed, clock).unwrap(), "online");
        assert_eq!(super::evidence(&Evidence::default(), clock), None);
    }

    #[test]
    fn the_host_s_absence_is_said_with_its_time_where_that_is_known() {
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
            (Cause::Asleep, since, "is asleep since 14:02"),
            (Cause::Asleep, None, "is asleep"),
            (Cause::Left, since, "was switched off or quit Porchlight at 14:02"),
            (Cause::Lost, since, "lost its connection at 14:02"),
        ] {
            let words = format!("Anna's computer, which hosts this team, {words}");
            assert_eq!(said(cause, since), Some(words));
        }
    }

    #[test]
    fn a_link_without_a_host_s_words_says_its_own() {
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
        problem(link, |at| format!("14:0{}", at.as_ms()))
    }

    #[test]
    fn what_is_known_is_said_and_nothing_else() {
        for (status, cause, since, until, words) in [
            ("online", None, true, false, "online since 14:01"),
            ("online", None, false, false, "online"),
            ("online", Some(Cause::Unknown), true, false, "online since 14:01 (activity unknown)"),
            ("away", Some(Cause::Idle), true, false, "away since 14:01 (no input)"),
            ("away", Some(Cause::Locked), false, false, "away (locked)"),
            ("dnd", Some(Cause::Chosen), true, true, "do not disturb until 14:02"),
            ("offline", Some(Cause::Left), true, false, "left 14:01"),
            ("offline", Some(Cause::Asleep), true, false, "asleep since 14:01"),
            ("offline", Some(Cause::Asleep), false, false, "asleep"),
            ("offline", Some(Cause::Lost), false, false, "connection lost"),
            ("offline", None, true, false, "offline since 14:01"),
            ("offline", None, false, false, "offline"),
            ("in a meeting", None, false, false, "in a meeting"),
        ] {
            assert_eq!(said(status, cause, since, until), words);
        }
    }
}
