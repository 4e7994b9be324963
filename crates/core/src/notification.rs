//! From a person's change to a notification, or to a named reason for silence.
//!
//! Owns what a notification can be, and every reason for silence. `policy` has what the person wants, `pending` what is
//! held and what is a burst, `pause` when nothing pops up at all. Deliberately knows no wording and no notification daemon:
//! the shell has both.

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
    /// They came.
    Came,
    /// They went.
    Went,
    /// They are connected, and left the keyboard.
    Away,
    /// They are back at it.
    Back,
}

/// Something worth interrupting for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notification {
    /// Somebody came.
    Came(Who),
    /// Somebody went.
    Went(Who, Option<Cause>),
    /// Somebody who is connected left the keyboard.
    WentAway(Who, Option<Cause>),
    /// Somebody is back at the keyboard.
    CameBack(Who),
    /// Several people came or went at about the same time.
    Summary(Several),
    /// Who came and went while I was not to be told: where they are now, and was otherwise.
    Digest(Several),
    /// A person is back, and I asked for a notification of that.
    Back(Who),
    /// Somebody knocks.
    Knock {
        /// Who.
        who: Who,
        /// Which knock, to answer it.
        id: SignalId,
        /// What they wrote.
        text: Option<String>,
        /// It waited until both were free.
        both_free: bool,
    },
    /// A knock of mine that waited until both were free goes out now.
    BothFree {
        /// To whom.
        who: Who,
        /// Which knock.
        id: SignalId,
        /// What I wrote.
        text: Option<String>,
    },
    /// Somebody answered a knock of mine.
    Answered {
        /// Who.
        who: Who,
        /// Which knock.
        id: SignalId,
        /// What they said.
        answer: Answer,
    },
    /// Somebody waved, once or more.
    Waved {
        /// Who.
        who: Who,
        /// With what, the last time.
        emoji: Option<String>,
        /// How often.
        count: u32,
    },
}

impl Notification {
    /// A later notification of the same key replaces an earlier one; by it a notification is taken down.
    #[must_use]
    pub fn key(&self) -> String {
        match self {
            Self::Came(who)
            | Self::Went(who, _)
            | Self::WentAway(who, _)
            | Self::CameBack(who)
            | Self::Back(who) => who.user.clone(),
            // No person's id has a slash in it.
            Self::Summary(_) | Self::Digest(_) => "/summary".to_owned(),
            Self::Knock { who, id, .. } => format!("/knock/theirs/{}/{id}", who.user),
            Self::BothFree { who, id, .. } | Self::Answered { who, id, .. } => {
                format!("/knock/mine/{}/{id}", who.user)
            }
            Self::Waved { who, .. } => format!("/waves/{}", who.user),
        }
    }

    /// Everybody whom it is about.
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

/// Several people at once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Several {
    /// Those who came.
    pub came: Vec<Who>,
    /// Those who went.
    pub went: Vec<Who>,
    /// Those who are connected, and left the keyboard.
    pub away: Vec<Who>,
    /// Those who are back at it.
    pub back: Vec<Who>,
}

impl Several {
    /// Whether it is nobody.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.came.is_empty() && self.went.is_empty() && self.away.is_empty() && self.back.is_empty()
    }
}

/// Whom a notification is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Who {
    /// Their id: a later notification about the same person replaces the earlier one.
    pub user: String,
    /// Their name.
    pub name: String,
}

/// Why a change makes no notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Suppressed {
    /// It is about myself.
    Myself,
    /// It was so before we looked.
    Snapshot,
    /// Nobody did anything: our own link or clock made the difference.
    NotTheirDoing,
    /// They neither came nor went.
    NeitherCameNorWent,
    /// Notifications of coming and going are switched off. Signals to me still notify.
    SwitchedOff,
    /// *Never* was chosen for them.
    NeverOfThem,
    /// Notices are about favourites, and they are none.
    NoFavourite,
    /// Notices are about those for whom *always* was chosen, and it was not.
    NotChosen,
    /// Notifications of this kind (come, go, away, back) are switched off.
    KindSwitchedOff,
    /// I wanted none for a while. A knock is held until that is over.
    Paused,
    /// It is a time of day at which I want none. A knock is held until that is over.
    QuietHours,
    /// They come and go all the time.
    Flapping,
    /// I chose not to be disturbed. It is held until I may be.
    DoNotDisturb,
    /// I am in a call. It is held until that is over.
    InCall,
    /// The screen is locked, or somebody else's. It is held until I am there; a knock rings nevertheless.
    Locked,
    /// I am away. It is held until I am there; a knock rings nevertheless.
    Away,
    /// I do not want to hear of them.
    Muted,
    /// They knocked or waved more often than anybody is shown.
    TooMany,
    /// It came before, or was seen on another device of mine.
    Repeated,
}
