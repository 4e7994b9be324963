//! Who the twelve people are, and what they usually do.

use super::{Action, PEOPLE};

/// How a person goes to lunch.
#[derive(Debug, Clone, Copy)]
pub(super) enum Lunch {
    Locked,
    Unlocked,
    Lid { announced: bool },
}

/// What a second computer is used for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Second {
    /// Taken to meetings, its lid closed after each.
    Carried,
    /// Used for a while and left running, until its battery is empty.
    LeftOn,
    /// Used twice; the app is quit once and killed once.
    ComesAndGoes,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Habits {
    pub(super) name: &'static str,
    pub(super) lunch: Lunch,
    pub(super) end: Action,
    /// How often a day: breaks with the screen locked, breaks without, lift rides, short Wi-Fi drops.
    pub(super) locks: usize,
    pub(super) walks: usize,
    pub(super) rides: usize,
    pub(super) drops: usize,
    /// The app is killed once; the cable is cut once.
    pub(super) killed: bool,
    pub(super) cut: bool,
    pub(super) second: Option<Second>,
}

pub(super) const ANNOUNCED: Action = Action::CloseLid { announced: true };
pub(super) const UNANNOUNCED: Action = Action::CloseLid { announced: false };

const NOBODY: Habits = Habits {
    name: "",
    lunch: Lunch::Locked,
    end: Action::Quit,
    locks: 2,
    walks: 1,
    rides: 0,
    drops: 0,
    killed: false,
    cut: false,
    second: None,
};
const LID: Lunch = Lunch::Lid { announced: true };
const SILENT_LID: Lunch = Lunch::Lid { announced: false };

pub(super) const TEAM: [Habits; PEOPLE] = [
    Habits { name: "ada", locks: 3, ..NOBODY },
    Habits { name: "ben", lunch: LID, end: ANNOUNCED, rides: 3, drops: 1, ..NOBODY },
    Habits { name: "cleo", lunch: SILENT_LID, end: UNANNOUNCED, rides: 1, drops: 1, ..NOBODY },
    Habits { name: "dan", end: Action::PowerOff, second: Some(Second::Carried), ..NOBODY },
    Habits { name: "eva", lunch: Lunch::Unlocked, locks: 0, walks: 4, ..NOBODY },
    Habits { name: "finn", lunch: LID, end: Action::PowerOff, drops: 1, killed: true, ..NOBODY },
    Habits { name: "gita", end: Action::PowerFails, cut: true, ..NOBODY },
    Habits { name: "hugo", lunch: SILENT_LID, end: ANNOUNCED, rides: 3, drops: 1, ..NOBODY },
    Habits { name: "ines", second: Some(Second::LeftOn), ..NOBODY },
    Habits { name: "jon", lunch: LID, end: ANNOUNCED, rides: 1, drops: 2, ..NOBODY },
    Habits {
        name: "kim",
        lunch: Lunch::Unlocked,
        end: Action::PowerOff,
        second: Some(Second::ComesAndGoes),
        ..NOBODY
    },
    Habits { name: "lea", end: UNANNOUNCED, killed: true, cut: true, ..NOBODY },
];
