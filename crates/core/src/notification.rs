//! Turns a person's change into a notification, or into a reason for none.
//!
//! Owns the kinds of notifications, and every reason for silence. `policy` has the person's
//! settings, `pending` holds notifications and detects bursts, `pause` has pauses and quiet hours.
//! Contains no wording and no notification daemon: the app has both.

use serde::Serialize;

use crate::presence::Cause;
use crate::wire::{Answer, SignalId};

mod pause;
mod pending;
mod policy;

pub use crate::preferences::About;
pub(crate) use pause::NotificationPause;
pub use pending::{NotificationContext, Notifications};
pub use policy::{NotificationPolicy, QuietHours, QuietHoursError, TimeOfDay};

/// The kind of a change that may cause a notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// The person came.
    Came,
    /// The person went.
    Went,
    /// The person is connected, and went away.
    Away,
    /// The person is back.
    Back,
}

/// A notification to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notification {
    /// Somebody came.
    Came(Who),
    /// Somebody went.
    Went(Who, Option<Cause>),
    /// A connected person went away.
    WentAway(Who, Option<Cause>),
    /// A person is back after being away.
    CameBack(Who),
    /// Several people came or went at about the same time.
    Summary(Several),
    /// Who came and went while notifications were held: their changed present states.
    Digest(Several),
    /// A person is back, and I asked to be notified of that.
    Back(Who),
    /// A person knocks.
    Knock {
        /// The person who knocks.
        who: Who,
        /// The knock's id, to answer it.
        id: SignalId,
        /// The text they wrote.
        text: Option<String>,
        /// Whether it waited until both were free.
        both_free: bool,
    },
    /// My knock waited until both were free, and is sent now.
    BothFree {
        /// The recipient.
        who: Who,
        /// The knock's id.
        id: SignalId,
        /// The text I wrote.
        text: Option<String>,
    },
    /// A person answered my knock.
    Answered {
        /// The person who answered.
        who: Who,
        /// The knock's id.
        id: SignalId,
        /// Their answer.
        answer: Answer,
    },
    /// A person waved, once or more.
    Waved {
        /// The person who waved.
        who: Who,
        /// The emoji of the last wave.
        emoji: Option<String>,
        /// The number of waves.
        count: u32,
    },
}

impl Notification {
    /// The notification's key. A later notification with the same key replaces it, and the key
    /// takes it down.
    #[must_use]
    pub fn key(&self) -> String {
        match self {
            Self::Came(who)
            | Self::Went(who, _)
            | Self::WentAway(who, _)
            | Self::CameBack(who)
            | Self::Back(who) => who.user.clone(),
            // No user id contains a slash.
            Self::Summary(_) | Self::Digest(_) => "/summary".to_owned(),
            Self::Knock { who, id, .. } => format!("/knock/theirs/{}/{id}", who.user),
            Self::BothFree { who, id, .. } | Self::Answered { who, id, .. } => {
                format!("/knock/mine/{}/{id}", who.user)
            }
            Self::Waved { who, .. } => format!("/waves/{}", who.user),
        }
    }

    /// Everybody whom the notification is about.
    pub(crate) fn who_mut(&mut self) -> impl Iterator<Item = &mut Who> {
        let (one, several) = match self {
            Self::Came(who)
            | Self::Went(who, _)
            | Self::WentAway(who, _)
            | Self::CameBack(who)
            | Self::Back(who)
            | Self::Knock { who, .. }
            | Self::BothFree { who, .. }
            | Self::Answered { who, .. }
            | Self::Waved { who, .. } => (Some(who), None),
            Self::Summary(several) | Self::Digest(several) => (None, Some(several)),
        };
        let several = several.into_iter().flat_map(|Several { came, went, away, back }| {
            came.iter_mut().chain(went).chain(away).chain(back)
        });
        one.into_iter().chain(several)
    }
}

/// Several people in one notification.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Several {
    /// Those who came.
    pub came: Vec<Who>,
    /// Those who went.
    pub went: Vec<Who>,
    /// Those who are connected, and went away.
    pub away: Vec<Who>,
    /// Those who are back.
    pub back: Vec<Who>,
}

impl Several {
    /// Whether there is nobody in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.came.is_empty() && self.went.is_empty() && self.away.is_empty() && self.back.is_empty()
    }
}

/// A person whom a notification is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Who {
    /// Their user id: a later notification about the same person replaces the earlier one.
    pub user: String,
    /// Their name.
    pub name: String,
}

/// Why a change causes no notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Suppressed {
    /// The change is about myself.
    Myself,
    /// The state was read at subscription, so it is not news.
    Snapshot,
    /// Our own connection or clock made the difference.
    NotTheirDoing,
    /// The person neither came nor went.
    NeitherCameNorWent,
    /// Notifications of coming and going are switched off. Signals to me still notify.
    SwitchedOff,
    /// I chose *never* for this person.
    NeverOfThem,
    /// Notifications are only about favourites, and this person is none.
    NoFavourite,
    /// Notifications are only about people with *always*, and this person has not.
    NotChosen,
    /// Notifications of this kind (come, go, away, back) are switched off.
    KindSwitchedOff,
    /// Notifications are paused. A knock is held until the pause ends.
    Paused,
    /// It is within quiet hours. A knock is held until they end.
    QuietHours,
    /// The person comes and goes too often.
    Flapping,
    /// I chose do not disturb. The notification is held until that ends.
    DoNotDisturb,
    /// I am in a call. The notification is held until that ends.
    InCall,
    /// My screen is locked, or shows another session. The notification is held until I am there; a
    /// knock rings nevertheless.
    Locked,
    /// I am away. The notification is held until I am there; a knock rings nevertheless.
    Away,
    /// I muted this person.
    Muted,
    /// This person knocked or waved more often than is shown.
    TooMany,
    /// The signal came before, or was seen on another device of mine.
    Repeated,
}
