//! A person's state in words, for the terminal, the tray and notices.
//!
//! Owns the English of it in one place. Deliberately formats no time: whoever shows it knows the time zone.

use crate::time::Timestamp;
use crate::view::{CauseView, ChosenStatus, PersonView};

/// A shape for a state that needs no colour to be told apart.
#[must_use]
pub fn glyph(status: &str, cause: Option<CauseView>) -> &'static str {
    match (status, cause) {
        ("online", Some(CauseView::Unknown)) => "◌",
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
            Some(CauseView::Left) => format!("left{at}"),
            Some(CauseView::Asleep) => {
                format!("asleep since{at}").trim_end_matches(" since").to_owned()
            }
            Some(CauseView::Lost) => format!("connection lost{at}"),
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
        Some(CauseView::Unknown) => words.push_str(" (activity unknown)"),
        Some(CauseView::Idle) => words.push_str(" (no input)"),
        Some(CauseView::Locked) => words.push_str(" (locked)"),
        Some(CauseView::Switched) => words.push_str(" (in another session)"),
        Some(CauseView::Left | CauseView::Asleep | CauseView::Lost | CauseView::Chosen) | None => {}
    }
    words
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

    fn said(status: &str, cause: Option<CauseView>, since: bool, until: bool) -> String {
        let person = PersonView {
            user: "ann".to_owned(),
            name: "Ann".to_owned(),
            status: status.to_owned(),
            cause,
            since: since.then(|| Timestamp::from_ms(1).unwrap()),
            text: None,
            emoji: None,
            until: until.then(|| Timestamp::from_ms(2).unwrap()),
            stale: false,
            typing: false,
            devices: Vec::new(),
            evidence: crate::view::Evidence::default(),
        };
        standing(&person, |at| format!("14:0{}", at.as_ms()))
    }

    #[test]
    fn what_is_known_is_said_and_nothing_else() {
        for (status, cause, since, until, words) in [
            ("online", None, true, false, "online since 14:01"),
            ("online", None, false, false, "online"),
            (
                "online",
                Some(CauseView::Unknown),
                true,
                false,
                "online since 14:01 (activity unknown)",
            ),
            ("away", Some(CauseView::Idle), true, false, "away since 14:01 (no input)"),
            ("away", Some(CauseView::Locked), false, false, "away (locked)"),
            ("dnd", Some(CauseView::Chosen), true, true, "do not disturb until 14:02"),
            ("offline", Some(CauseView::Left), true, false, "left 14:01"),
            ("offline", Some(CauseView::Asleep), true, false, "asleep since 14:01"),
            ("offline", Some(CauseView::Asleep), false, false, "asleep"),
            ("offline", Some(CauseView::Lost), false, false, "connection lost"),
            ("offline", None, true, false, "offline since 14:01"),
            ("offline", None, false, false, "offline"),
            ("in a meeting", None, false, false, "in a meeting"),
        ] {
            assert_eq!(said(status, cause, since, until), words);
        }
    }
}
