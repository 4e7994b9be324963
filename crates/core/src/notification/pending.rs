//! From changes to notifications: what is held for more to come, what is held until I am there, and who flaps.
//!
//! Owns what was last announced of everybody. Deliberately knows no settings; they are an argument.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::policy::NotificationPolicy;
use super::{Kind, Notification, Several, Suppressed, Who};
use crate::id::UserId;
use crate::preferences::Preferences;
use crate::presence::{Cause, Group};
use crate::roster::{Change, Origin};
use crate::time::{Monotonic, Now};

/// News is held this long for more of it to come, so that a burst is one notification.
const QUIET: Duration = Duration::from_millis(800);
/// And no longer than this, however much comes.
const AT_MOST: Duration = Duration::from_secs(3);
/// From this many people on it is a burst.
const BURST: usize = 3;

/// After so many notifications of one person within [`FLAPPING`] they flap, and make no more.
const FLAPS: u8 = 3;
/// Until they neither came nor went for so long.
const FLAPPING: Duration = Duration::from_secs(10 * 60);
/// Of no more people than so many is it known how often they made a notification.
const WATCHED: usize = 1024;

/// What the policy has to know of me.
#[derive(Debug, Clone, Copy)]
pub struct NotificationContext<'a> {
    /// My id.
    pub me: Option<&'a str>,
    /// What is wanted.
    pub policy: &'a NotificationPolicy,
    /// And what of single people.
    pub preferences: &'a Preferences,
    /// People whose notifications are muted.
    pub muted: Option<&'a BTreeSet<UserId>>,
    /// Why nothing pops up at this time of day, or for a while.
    pub silence: Option<Suppressed>,
    /// Why notifications are held until later.
    pub hold: Option<Suppressed>,
}

impl NotificationContext<'_> {
    /// Whether a notification of this kind about this person is wanted. The error says why not.
    fn check_wanted(self, user: &str, kind: Kind) -> Result<(), Suppressed> {
        if self.policy.is_silent() {
            return Err(Suppressed::SwitchedOff);
        }
        if self.muted.is_some_and(|muted| !muted.is_empty() && muted.contains(user)) {
            return Err(Suppressed::Muted);
        }
        self.policy.allows(self.preferences.of(user), kind)
    }
}

/// Where somebody stands, as far as a notification goes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Announced {
    /// They count as having come: falling idle in between changes nothing of that.
    around: bool,
    /// They are connected, and not at the keyboard.
    away: bool,
}

impl Announced {
    /// What it is to go from one to the other, if it is anything.
    const fn to(self, after: Self) -> Option<Kind> {
        match (self.around, after.around) {
            (false, true) => Some(Kind::Came),
            (true, false) => Some(Kind::Went),
            (true, true) if self.away && !after.away => Some(Kind::Back),
            (true, true) if !self.away && after.away => Some(Kind::Away),
            _ => None,
        }
    }
}

/// What happened to somebody since it was last told.
#[derive(Debug, Clone, PartialEq, Eq)]
struct PendingChange {
    name: String,
    before: Announced,
    after: Announced,
    cause: Option<Cause>,
}

/// How often somebody made a notification of late.
#[derive(Debug, Clone, Copy)]
struct Flaps {
    count: u8,
    last: Monotonic,
}

/// The notifications to come.
#[derive(Debug, Default)]
pub struct Notifications {
    standing: BTreeMap<String, Announced>,
    news: BTreeMap<String, PendingChange>,
    first: Option<Monotonic>,
    last: Option<Monotonic>,
    /// What I am told once I am there.
    digest: BTreeMap<String, PendingChange>,
    flaps: BTreeMap<String, Flaps>,
}

impl Notifications {
    /// Judges a change. What is worth a notification is held until [`Notifications::poll`] gives it out.
    ///
    /// # Errors
    /// The reason for silence. What is held for a digest is silent for the reason that holds it.
    pub fn judge(
        &mut self,
        now: Now,
        change: &Change,
        circumstances: NotificationContext<'_>,
    ) -> Result<(), Suppressed> {
        let Some(person) = change.after.as_ref().or(change.before.as_ref()) else {
            return Err(Suppressed::NeitherCameNorWent);
        };
        let group = change.after.as_ref().map_or(Group::Offline, |after| after.group());
        let known = self.standing.get(&person.user).copied();
        let before = known.unwrap_or_default();
        let after = match group {
            Group::Here => Announced { around: true, away: false },
            Group::Offline => Announced::default(),
            // Connected but not there: neither coming nor going.
            Group::Away => Announced {
                around: known.map_or(change.origin == Origin::Snapshot, |stand| stand.around),
                away: true,
            },
        };
        if change.after.is_none() {
            self.standing.remove(&person.user);
        } else if known != Some(after) {
            self.standing.insert(person.user.clone(), after);
        }
        if circumstances.me == Some(person.user.as_str()) {
            return Err(Suppressed::Myself);
        }
        let Some(kind) = before.to(after) else {
            return Err(Suppressed::NeitherCameNorWent);
        };
        // A change that was reverted meanwhile causes no notification.
        let policy = circumstances.policy;
        let was_held = amend(&mut self.news, policy, &person.user, after, person.cause);
        let is_for_later = amend(&mut self.digest, policy, &person.user, after, person.cause);
        if self.news.is_empty() {
            (self.first, self.last) = (None, None);
        }
        match change.origin {
            Origin::Local => return Err(Suppressed::NotTheirDoing),
            Origin::Snapshot => return Err(Suppressed::Snapshot),
            Origin::Live if was_held => return Ok(()),
            Origin::Live => {}
        }
        let user = person.user.as_str();
        circumstances.check_wanted(user, kind)?;
        if let Some(silence) = circumstances.silence {
            return Err(silence);
        }
        let news =
            || PendingChange { name: person.name.clone(), before, after, cause: person.cause };
        if let Some(hold) = circumstances.hold {
            // What is known to be for later was brought up to date above, or came to nothing.
            if !is_for_later {
                self.digest.insert(person.user.clone(), news());
            }
            return Err(hold);
        }
        if self.flaps(now, user) {
            return Err(Suppressed::Flapping);
        }
        self.news.insert(person.user.clone(), news());
        self.first.get_or_insert(now.mono);
        self.last = Some(now.mono);
        Ok(())
    }

    /// Counts one more notification of somebody; says whether that is one too many.
    fn flaps(&mut self, now: Now, user: &str) -> bool {
        let lately = |flaps: &Flaps| now.mono.since(flaps.last) < FLAPPING;
        if self.flaps.len() >= WATCHED {
            self.flaps.retain(|_, flaps| lately(flaps));
            if self.flaps.len() >= WATCHED {
                // A crowd that comes at once flaps no less for being forgotten.
                self.flaps.clear();
            }
        }
        let Some(flaps) = self.flaps.get_mut(user) else {
            self.flaps.insert(user.to_owned(), Flaps { count: 1, last: now.mono });
            return false;
        };
        let before = if lately(flaps) { flaps.count } else { 0 };
        *flaps = Flaps { count: before.saturating_add(1).min(FLAPS), last: now.mono };
        before >= FLAPS
    }

    /// The notifications whose time has come: one a person, or one for a burst. What is not wanted any more is dropped.
    pub fn poll(&mut self, now: Now, circumstances: NotificationContext<'_>) -> Vec<Notification> {
        if self.next_deadline().is_none_or(|at| at > now.mono) {
            return Vec::new();
        }
        (self.first, self.last) = (None, None);
        let news = still_wanted(std::mem::take(&mut self.news), circumstances);
        if news.len() >= BURST {
            return vec![Notification::Summary(several(news))];
        }
        news.into_iter().filter_map(|(user, news)| single(user, news)).collect()
    }

    /// Whether something waits for me to be there.
    #[must_use]
    pub(crate) fn holds_a_digest(&self) -> bool {
        !self.digest.is_empty()
    }

    /// I am there: what happened meanwhile and is still wanted, as one notification.
    pub(crate) fn take_digest(
        &mut self,
        circumstances: NotificationContext<'_>,
    ) -> Option<Notification> {
        let digest = several(still_wanted(std::mem::take(&mut self.digest), circumstances));
        (!digest.is_empty()).then_some(Notification::Digest(digest))
    }

    /// When [`Notifications::poll`] has something to give.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Monotonic> {
        Some((self.last? + QUIET).min(self.first? + AT_MOST))
    }
}

/// Brings up to date what is held of somebody, and drops what is nothing any more; says whether anything was held.
fn amend(
    held: &mut BTreeMap<String, PendingChange>,
    policy: &NotificationPolicy,
    user: &str,
    after: Announced,
    cause: Option<Cause>,
) -> bool {
    if held.is_empty() {
        return false;
    }
    let Some(news) = held.get_mut(user) else {
        return false;
    };
    (news.after, news.cause) = (after, cause);
    if !news.before.to(after).is_some_and(|kind| policy.tells(kind)) {
        held.remove(user);
    }
    true
}

/// The held news that is still wanted: a person may have been muted since.
fn still_wanted(
    mut held: BTreeMap<String, PendingChange>,
    circumstances: NotificationContext<'_>,
) -> BTreeMap<String, PendingChange> {
    held.retain(|user, news| {
        news.before
            .to(news.after)
            .is_some_and(|kind| circumstances.check_wanted(user, kind).is_ok())
    });
    held
}

fn single(user: String, news: PendingChange) -> Option<Notification> {
    let who = Who { user, name: news.name };
    Some(match news.before.to(news.after)? {
        Kind::Came => Notification::Came(who),
        Kind::Went => Notification::Went(who, news.cause),
        Kind::Away => Notification::WentAway(who, news.cause),
        Kind::Back => Notification::CameBack(who),
    })
}

fn several(news: BTreeMap<String, PendingChange>) -> Several {
    let mut several = Several::default();
    for (user, news) in news {
        let who = Who { user, name: news.name };
        match news.before.to(news.after) {
            Some(Kind::Came) => several.came.push(who),
            Some(Kind::Went) => several.went.push(who),
            Some(Kind::Away) => several.away.push(who),
            Some(Kind::Back) => several.back.push(who),
            None => {}
        }
    }
    several
}

#[cfg(test)]
mod tests;
