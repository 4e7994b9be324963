//! Moments and the statuses to choose from, for the tray and its menu.

use fluent_bundle::FluentValue;
use porchlight_agent::clock::{self, Day, Local};
use porchlight_core::time::Timestamp;
use porchlight_core::view::ChosenStatus;

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

/// A status to choose, as a menu shows it; `None` follows the keyboard.
pub(crate) fn choice(status: Option<ChosenStatus>) -> String {
    say(match status {
        None => "choice-automatic",
        Some(ChosenStatus::Online) => "choice-online",
        Some(ChosenStatus::Away) => "choice-away",
        Some(ChosenStatus::Dnd) => "choice-dnd",
        Some(ChosenStatus::Invisible) => "choice-invisible",
    })
}
