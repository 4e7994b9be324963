//! From a person's change to a notice, or to a named reason for silence.
//!
//! Owns the policy: who came, who went, what is a burst. Deliberately knows no wording and no daemon: the
//! shell says it and shows it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use crate::roster::{Change, Origin};
use crate::signal::{Answer, SignalId};
use crate::time::{Monotonic, Now};
use crate::view::{CauseView, Group};

/// News is held this long for more of it to come, so that a burst is one notice.
const QUIET: Duration = Duration::from_millis(800);
/// And no longer than this, however much comes.
const AT_MOST: Duration = Duration::from_secs(3);
/// From this many people on it is a burst.
const BURST: usize = 3;

/// Something worth interrupting for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// Somebody came.
    Came(Who),
    /// Somebody went.
    Went(Who, Option<CauseView>),
    /// Several people came or went at about the same time.
    Summary {
        /// Those who came.
        came: Vec<Who>,
        /// Those who went.
        went: Vec<Who>,
    },
    /// Somebody is back of whom I wanted to be told.
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

impl Notice {
    /// A later notice of the same key replaces an earlier one; by it a notice is taken down.
    #[must_use]
    pub fn key(&self) -> String {
        match self {
            Self::Came(who) | Self::Went(who, _) | Self::Back(who) => who.user.clone(),
            // No person's id has a slash in it.
            Self::Summary { .. } => "/summary".to_owned(),
            Self::Knock { who, id, .. } => format!("/knock/theirs/{}/{id}", who.user),
            Self::BothFree { who, id, .. } | Self::Answered { who, id, .. } => {
                format!("/knock/mine/{}/{id}", who.user)
            }
            Self::Waved { who, .. } => format!("/waves/{}", who.user),
        }
    }
}

/// Whom a notice is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Who {
    /// Their id: a later notice about the same person replaces the earlier one.
    pub user: String,
    /// Their name.
    pub name: String,
}

/// Why a change makes no notice.
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
    /// Notices of coming and going are switched off. What is said to me alone rings nevertheless.
    SwitchedOff,
    /// I chose not to be disturbed. A knock is held until I may be.
    DoNotDisturb,
    /// I am in a call. A knock is held until it is over.
    InCall,
    /// I do not want to hear of them.
    Muted,
    /// They knocked or waved more often than anybody is shown.
    TooMany,
    /// It came before, or was seen on another device of mine.
    Repeated,
}

/// What the policy has to know of me.
#[derive(Debug, Clone, Copy)]
pub struct Circumstances<'a> {
    /// My id.
    pub me: Option<&'a str>,
    /// Whether notices are wanted.
    pub wanted: bool,
    /// Whether I chose not to be disturbed.
    pub dnd: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct News {
    name: String,
    came: bool,
    cause: Option<CauseView>,
}

/// The notices to come.
#[derive(Debug, Default)]
pub struct Notices {
    /// Who counts as having come, by what was last announced or read: falling idle in between changes nothing.
    around: BTreeMap<String, bool>,
    news: BTreeMap<String, News>,
    first: Option<Monotonic>,
    last: Option<Monotonic>,
}

impl Notices {
    /// Judges a change. What is worth a notice is held until [`Notices::poll`] gives it out.
    ///
    /// # Errors
    /// The reason for silence.
    pub fn judge(
        &mut self,
        now: Now,
        change: &Change,
        circumstances: Circumstances<'_>,
    ) -> Result<(), Suppressed> {
        let Some(person) = change.after.as_ref().or(change.before.as_ref()) else {
            return Err(Suppressed::NeitherCameNorWent);
        };
        let group = change.after.as_ref().map_or(Group::Offline, |after| after.group());
        let was_around = self.around.get(&person.user).copied();
        let around = match group {
            Group::Here => true,
            Group::Offline => false,
            // Connected but not there: neither coming nor going.
            Group::Away => was_around.unwrap_or(change.origin == Origin::Snapshot),
        };
        self.around.insert(person.user.clone(), around);
        if change.after.is_none() {
            self.around.remove(&person.user);
        }
        if circumstances.me == Some(person.user.as_str()) {
            return Err(Suppressed::Myself);
        }
        if around == was_around.unwrap_or(false) {
            return Err(Suppressed::NeitherCameNorWent);
        }
        if change.origin != Origin::Live {
            // What turned out otherwise is no news, however it was found out.
            self.take_back(&person.user, around);
        }
        match change.origin {
            Origin::Local => return Err(Suppressed::NotTheirDoing),
            Origin::Snapshot => return Err(Suppressed::Snapshot),
            Origin::Live => {}
        }
        if !circumstances.wanted {
            return Err(Suppressed::SwitchedOff);
        }
        if circumstances.dnd {
            return Err(Suppressed::DoNotDisturb);
        }
        self.hold(
            now,
            person.user.clone(),
            News { name: person.name.clone(), came: around, cause: person.cause },
        );
        Ok(())
    }

    fn hold(&mut self, now: Now, user: String, news: News) {
        // Whoever came and went while the news was held is where they were.
        if self.take_back(&user, news.came) {
            return;
        }
        self.news.insert(user, news);
        self.first.get_or_insert(now.mono);
        self.last = Some(now.mono);
    }

    /// Drops held news that say the opposite; says whether there were any.
    fn take_back(&mut self, user: &str, came: bool) -> bool {
        let undone = self.news.get(user).is_some_and(|held| held.came != came);
        if undone {
            self.news.remove(user);
        }
        if self.news.is_empty() {
            (self.first, self.last) = (None, None);
        }
        undone
    }

    /// The notices whose time has come: one a person, or one for a burst.
    pub fn poll(&mut self, now: Now) -> Vec<Notice> {
        if self.next_deadline().is_none_or(|at| at > now.mono) {
            return Vec::new();
        }
        (self.first, self.last) = (None, None);
        let news = std::mem::take(&mut self.news);
        let who = |(user, news): (String, News)| Who { user, name: news.name };
        if news.len() >= BURST {
            let (came, went): (Vec<_>, Vec<_>) = news.into_iter().partition(|(_, n)| n.came);
            return vec![Notice::Summary {
                came: came.into_iter().map(who).collect(),
                went: went.into_iter().map(who).collect(),
            }];
        }
        news.into_iter()
            .map(|(user, news)| {
                let (came, cause) = (news.came, news.cause);
                let who = who((user, news));
                if came { Notice::Came(who) } else { Notice::Went(who, cause) }
            })
            .collect()
    }

    /// When [`Notices::poll`] has something to give.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Monotonic> {
        Some((self.last? + QUIET).min(self.first? + AT_MOST))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Timestamp;
    use crate::view::PersonView;

    const WANTED: Circumstances<'static> =
        Circumstances { me: Some("me"), wanted: true, dnd: false };

    fn at(ms: u64) -> Now {
        Now {
            mono: Monotonic::from_origin(Duration::from_millis(ms)),
            wall: Timestamp::from_ms(1_763_742_000_000 + ms).unwrap(),
        }
    }

    fn person(user: &str, status: &str) -> Option<PersonView> {
        Some(PersonView {
            user: user.to_owned(),
            name: user.to_uppercase(),
            status: status.to_owned(),
            cause: None,
            since: None,
            text: None,
            emoji: None,
            until: None,
            stale: false,
            typing: false,
            in_call: false,
            devices: Vec::new(),
            evidence: crate::view::Evidence::default(),
        })
    }

    fn live(user: &str, before: Option<&str>, after: &str) -> Change {
        Change {
            before: before.and_then(|status| person(user, status)),
            after: person(user, after),
            origin: Origin::Live,
        }
    }

    fn who(user: &str) -> Who {
        Who { user: user.to_owned(), name: user.to_uppercase() }
    }

    #[test]
    fn coming_and_going_are_news() {
        let mut notices = Notices::default();
        assert_eq!(notices.judge(at(0), &live("ann", None, "online"), WANTED), Ok(()));
        assert_eq!(notices.poll(at(799)), []);
        assert_eq!(notices.next_deadline(), Some(at(800).mono));
        assert_eq!(notices.poll(at(800)), [Notice::Came(who("ann"))]);
        assert_eq!(notices.judge(at(900), &live("ann", Some("online"), "offline"), WANTED), Ok(()));
        assert_eq!(notices.poll(at(1700)), [Notice::Went(who("ann"), None)]);
        assert_eq!(notices.next_deadline(), None);
    }

    #[test]
    fn falling_idle_and_coming_back_is_neither() {
        let mut notices = Notices::default();
        notices.judge(at(0), &live("ann", None, "online"), WANTED).unwrap();
        notices.poll(at(800));
        for (before, after) in [("online", "away"), ("away", "online"), ("online", "dnd")] {
            let judged = notices.judge(at(900), &live("ann", Some(before), after), WANTED);
            assert_eq!(judged, Err(Suppressed::NeitherCameNorWent));
        }
    }

    #[test]
    fn who_connects_while_away_comes_when_they_are_there() {
        let mut notices = Notices::default();
        let judged = notices.judge(at(0), &live("ann", Some("offline"), "away"), WANTED);
        assert_eq!(judged, Err(Suppressed::NeitherCameNorWent));
        assert_eq!(notices.judge(at(1), &live("ann", Some("away"), "online"), WANTED), Ok(()));
    }

    #[test]
    fn silence_has_a_reason() {
        let mut notices = Notices::default();
        let snapshot = |user| Change { origin: Origin::Snapshot, ..live(user, None, "online") };
        let off = Circumstances { wanted: false, ..WANTED };
        let dnd = Circumstances { dnd: true, ..WANTED };
        assert_eq!(notices.judge(at(0), &snapshot("ann"), WANTED), Err(Suppressed::Snapshot));
        assert_eq!(
            notices.judge(at(0), &live("me", None, "online"), WANTED),
            Err(Suppressed::Myself)
        );
        assert_eq!(
            notices.judge(at(0), &live("bob", None, "online"), off),
            Err(Suppressed::SwitchedOff)
        );
        assert_eq!(
            notices.judge(at(0), &live("cat", None, "online"), dnd),
            Err(Suppressed::DoNotDisturb)
        );
        let local = Change { origin: Origin::Local, ..live("dan", None, "online") };
        assert_eq!(notices.judge(at(0), &local, WANTED), Err(Suppressed::NotTheirDoing));
        assert_eq!(notices.next_deadline(), None);
    }

    #[test]
    fn a_burst_is_one_summary() {
        let mut notices = Notices::default();
        for (ms, user) in [(0, "ann"), (300, "bob"), (600, "cat")] {
            notices.judge(at(ms), &live(user, None, "online"), WANTED).unwrap();
        }
        assert_eq!(notices.poll(at(1399)), []);
        let came = vec![who("ann"), who("bob"), who("cat")];
        assert_eq!(notices.poll(at(1400)), [Notice::Summary { came, went: vec![] }]);
    }

    #[test]
    fn an_endless_burst_does_not_hold_the_news_for_ever() {
        let mut notices = Notices::default();
        for n in 0..100 {
            let ms = n * 100;
            if !notices.poll(at(ms)).is_empty() {
                assert_eq!(ms, 3000);
                return;
            }
            notices.judge(at(ms), &live(&format!("u{n}"), None, "online"), WANTED).unwrap();
        }
        panic!("nothing was given out");
    }

    #[test]
    fn who_came_and_went_at_once_is_no_news() {
        let mut notices = Notices::default();
        notices.judge(at(0), &live("ann", None, "online"), WANTED).unwrap();
        notices.judge(at(100), &live("ann", Some("online"), "offline"), WANTED).unwrap();
        assert_eq!(notices.next_deadline(), None);
        assert_eq!(notices.poll(at(5000)), []);
    }
}
