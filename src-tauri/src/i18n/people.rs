//! Somebody's state, and moments, as the tray and its menu say them.

use fluent_bundle::FluentValue;
use porchlight_agent::clock::{self, Day, Local};
use porchlight_core::time::Timestamp;
use porchlight_core::view::{Cause, ChosenStatus, PersonView};

use super::{say, say_with};

/// A moment as people here read it: `14:02`, `Mon 14:02`, or with the date.
pub(crate) fn moment(at: Timestamp) -> String {
    let Some(Local { day, time }) = clock::here(at) else {
        return say("moment-unknown");
    };
    let time = ("time", time.into());
    match day {
        Day::Today => say_with("moment-today", [time]),
        Day::Weekday(day) => say_with("moment-weekday", [time, ("weekday", day.into())]),
        Day::Date(year, month, day) => {
            let two = |number: u8| FluentValue::from(format!("{number:02}"));
            let year = ("year", format!("{year:04}").into());
            say_with("moment-date", [time, year, ("month", two(month)), ("day", two(day))])
        }
    }
}

/// A status within a sentence; a word of somebody's own stays as it is.
pub(crate) fn status(word: &str) -> String {
    match word {
        "online" | "away" | "dnd" | "invisible" | "offline" => say(&format!("status-{word}")),
        own => own.to_owned(),
    }
}

/// What can be chosen, as a menu says it; `None` follows the keyboard.
pub(crate) fn choice(status: Option<ChosenStatus>) -> String {
    say(match status {
        None => "choice-automatic",
        Some(ChosenStatus::Online) => "choice-online",
        Some(ChosenStatus::Away) => "choice-away",
        Some(ChosenStatus::Dnd) => "choice-dnd",
        Some(ChosenStatus::Invisible) => "choice-invisible",
    })
}

/// State, reason and time: `away since 14:02 (locked)`. Nothing is said that is not known.
pub(crate) fn standing(person: &PersonView) -> String {
    let since = person.since.map(|since| ("time", moment(since).into()));
    if person.status == "offline" {
        let gone = match person.cause {
            Some(Cause::Left) => Some(("cause-left", "standing-left-at")),
            Some(Cause::Asleep) => Some(("cause-asleep", "standing-asleep-since")),
            Some(Cause::Lost) => Some(("cause-lost", "standing-lost-at")),
            _ => None,
        };
        if let Some((bare, at)) = gone {
            return since.map_or_else(|| say(bare), |since| say_with(at, [since]));
        }
    }
    let status = ("status", status(&person.status).into());
    let standing = match (person.until, since) {
        (Some(until), _) => say_with("standing-until", [status, ("time", moment(until).into())]),
        (None, Some(since)) => say_with("standing-since", [status, since]),
        (None, None) => say_with("standing", [status]),
    };
    let cause = match person.cause {
        Some(Cause::Unknown) => "cause-unknown",
        Some(Cause::Idle) => "cause-idle",
        Some(Cause::Locked) => "cause-locked",
        Some(Cause::Switched) => "cause-switched",
        Some(Cause::Left | Cause::Asleep | Cause::Lost | Cause::Chosen) | None => {
            return standing;
        }
    };
    let parts = [("standing", standing.into()), ("cause", say(cause).into())];
    say_with("standing-because", parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_is_said_and_nothing_else() {
        let said = |status: &str, cause, since: bool| {
            let person = PersonView {
                status: status.to_owned(),
                cause,
                since: since.then_some(Timestamp::default()),
                ..PersonView::default()
            };
            standing(&person)
        };
        let at = moment(Timestamp::default());
        assert_eq!(said("online", None, false), "online");
        assert_eq!(said("dnd", Some(Cause::Chosen), true), format!("do not disturb since {at}"));
        assert_eq!(said("away", Some(Cause::Locked), false), "away (locked)");
        assert_eq!(said("offline", Some(Cause::Asleep), true), format!("asleep since {at}"));
        assert_eq!(said("offline", Some(Cause::Lost), false), "connection lost");
        assert_eq!(said("in a meeting", None, false), "in a meeting");
    }
}
