//! Holds changes before they become notifications, and detects flapping.
//!
//! Owns what was last announced of each person. Contains no settings; they are an argument.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::policy::NotificationPolicy;
use super::{Kind, Notification, Several, Suppressed, Who};
use crate::id::UserId;
use crate::preferences::Preferences;
use crate::presence::{Cause, Group};
use crate::roster::{Change, Origin};
use crate::time::{Monotonic, Now};

/// A change is held this long for more of them, so that a burst is one notification.
const QUIET: Duration = Duration::from_millis(800);
/// The longest hold, however many changes come.
const AT_MOST: Duration = Duration::from_secs(3);
/// From this many people on, the changes are one summary.
const BURST: usize = 3;

/// After this many notifications within [`FLAPPING`] a person flaps, and causes no more of them.
const FLAPS: u8 = 3;
/// A person who neither came nor went for this long flaps no longer.
const FLAPPING: Duration = Duration::from_secs(10 * 60);
/// Maximum number of people whose notifications are counted.
const WATCHED: usize = 1024;

/// The settings and my own state on which notifications depend.
#[derive(Debug, Clone, Copy)]
pub struct NotificationContext<'a> {
    /// My user id.
    pub me: Option<&'a str>,
    /// The notification settings.
    pub policy: &'a NotificationPolicy,
    /// The settings for single people.
    pub preferences: &'a Preferences,
    /// People whose notifications are muted.
    pub muted: Option<&'a BTreeSet<UserId>>,
    /// Why notifications are silent for a while, such as in quiet hours.
    pub silence: Option<Suppressed>,
    /// Why notifications are held until later.
    pub hold: Option<Suppressed>,
}

impl NotificationContext<'_> {
    /// Whether a notification of this kind about this person is wanted. The error is the reason if
    /// not.
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

/// A person's state, as far as notifications depend on it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Announced {
    /// Whether they count as having come: going idle does not change that.
    around: bool,
    /// Whether they are connected and away.
    away: bool,
}

impl Announced {
    /// The kind of change from one state to the other, if there is one.
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

/// A change of a person that was not announced yet.
#[derive(Debug, Clone, PartialEq, Eq)]
struct PendingChange {
    name: String,
    before: Announced,
    after: Announced,
    cause: Option<Cause>,
}

/// How many notifications a person caused recently.
#[derive(Debug, Clone, Copy)]
struct Flaps {
    count: u8,
    last: Monotonic,
}

/// The notifications that are not shown yet.
#[derive(Debug, Default)]
pub struct Notifications {
    standing: BTreeMap<String, Announced>,
    news: BTreeMap<String, PendingChange>,
    first: Option<Monotonic>,
    last: Option<Monotonic>,
    /// The changes for the summary that I see once I am there.
    digest: BTreeMap<String, PendingChange>,
    flaps: BTreeMap<String, Flaps>,
}

impl Notifications {
    /// Judges a change. [`Notifications::poll`] returns it later if it is worth a notification.
    ///
    /// # Errors
    ///
    /// The [`Suppressed`] reason for silence. A change held for the digest has the reason that holds it.
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
            // Connected but away: neither coming nor going.
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
            // A change already held for later was updated or dropped above.
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

    /// Counts one more notification of a person; returns whether that is one too many.
    fn flaps(&mut self, now: Now, user: &str) -> bool {
        let lately = |flaps: &Flaps| now.mono.since(flaps.last) < FLAPPING;
        if self.flaps.len() >= WATCHED {
            self.flaps.retain(|_, flaps| lately(flaps));
            if self.flaps.len() >= WATCHED {
                // Forgetting all is safe: a crowd that comes at once counts again from here.
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

    /// The notifications that are due: one per person, or one for a burst. Drops those no longer
    /// wanted.
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

    /// Whether notifications are held until I am there.
    #[must_use]
    pub(crate) fn holds_a_digest(&self) -> bool {
        !self.digest.is_empty()
    }

    /// The held changes that are still wanted, as one notification; called when I am there.
    pub(crate) fn take_digest(
        &mut self,
        circumstances: NotificationContext<'_>,
    ) -> Option<Notification> {
        let digest = several(still_wanted(std::mem::take(&mut self.digest), circumstances));
        (!digest.is_empty()).then_some(Notification::Digest(digest))
    }

    /// When [`Notifications::poll`] has something to return.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Monotonic> {
        Some((self.last? + QUIET).min(self.first? + AT_MOST))
    }
}

/// Updates the held change of a person, and drops it if it came to nothing. Returns whether one was
/// held.
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

/// The held changes that are still wanted: a person may have been muted since.
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
