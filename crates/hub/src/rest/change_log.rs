//! The people as last computed, and the recent changes.
//!
//! Owns the numbers of changes, and how many changes are kept. The aggregator appends changes, and readers follow at
//! their own pace. Nothing waits for a reader, and a slow one costs no memory: if it falls behind, it starts over.

use super::answer;
use axum::body::Bytes;
use porchlight_core::roster::Change;
use porchlight_core::time::Timestamp;
use porchlight_core::view::PersonView;
use serde::Serialize;
use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// The most changes that are kept, and their bytes together.
const CHANGES: usize = 4_096;
const BYTES: usize = 4 * 1024 * 1024;

/// A change of one person, as it goes into a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// One more than the number of the change before.
    pub(crate) number: u64,
    /// What kind of change.
    pub(crate) event: &'static str,
    /// JSON on one line.
    pub(crate) data: Bytes,
}

/// A position in the order of changes. As text it is the id of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cursor {
    /// Identifies the log: numbers from another run are not valid here.
    log: u64,
    /// The last change that the reader has seen.
    number: u64,
}

impl Cursor {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (log, number) = text.split_once('-')?;
        Some(Self { log: log.parse().ok()?, number: number.parse().ok()? })
    }
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.log, self.number)
    }
}

/// All people, and the recent changes. Any number of readers can follow it.
#[derive(Debug)]
pub(crate) struct ChangeLog {
    id: u64,
    inside: Mutex<Inside>,
    /// The number of the last change, for those who wait for the next.
    changes: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Inside {
    /// Whether the log has all people. Until then a reader would take a part of the team for all of it.
    open: bool,
    people: BTreeMap<String, PersonView>,
    number: u64,
    recent: VecDeque<Entry>,
    bytes: usize,
}

#[derive(Serialize)]
struct Forgotten<'a> {
    user: &'a str,
}

impl ChangeLog {
    /// An empty log. It cannot be read until [`ChangeLog::open`].
    pub(crate) fn new(now: Timestamp) -> Self {
        let (changes, _) = watch::channel(0);
        Self { id: now.as_ms(), inside: Mutex::default(), changes }
    }

    /// Lets readers in: from now on the log has all people.
    pub(crate) fn open(&self) {
        self.inside().open = true;
        self.changes.send_modify(|_| {});
    }

    pub(crate) fn is_open(&self) -> bool {
        self.inside().open
    }

    /// Appends changes, and wakes the readers.
    pub(crate) fn append(&self, changes: Vec<Change>) {
        if changes.is_empty() {
            return;
        }
        let mut inside = self.inside();
        for change in changes {
            match (change.before, change.after) {
                (_, Some(person)) => {
                    inside.note("person", answer::to_json(&person));
                    inside.people.insert(person.user.clone(), person);
                }
                (Some(before), None) => {
                    inside.people.remove(&before.user);
                    inside.note("forgotten", answer::to_json(&Forgotten { user: &before.user }));
                }
                (None, None) => {}
            }
        }
        let number = inside.number;
        drop(inside);
        self.changes.send_replace(number);
    }

    /// All people, unordered; none before the log is open.
    pub(crate) fn people(&self) -> Option<Vec<PersonView>> {
        let inside = self.inside();
        inside.open.then(|| inside.people.values().cloned().collect())
    }

    pub(crate) fn person(&self, user: &str) -> Option<PersonView> {
        self.inside().people.get(user).cloned()
    }

    /// One page of people as JSON, ordered by id, after `user`. A page shorter than `most` is the last.
    pub(crate) fn page(&self, after: Option<&str>, most: usize) -> Vec<(String, Bytes)> {
        let inside = self.inside();
        let after = after.map_or(Bound::Unbounded, Bound::Excluded);
        let people = inside.people.range::<str, _>((after, Bound::Unbounded)).take(most);
        people.map(|(user, person)| (user.clone(), answer::to_json(person))).collect()
    }

    /// The position after the last change.
    pub(crate) fn place(&self) -> Cursor {
        Cursor { log: self.id, number: self.inside().number }
    }

    /// At most `most` changes after that position; none if they are no longer kept.
    pub(crate) fn since(&self, place: Cursor, most: usize) -> Option<Vec<Entry>> {
        let inside = self.inside();
        let known = inside.number - inside.recent.len() as u64;
        if place.log != self.id || place.number < known || place.number > inside.number {
            return None;
        }
        let seen = usize::try_from(place.number - known).ok()?;
        Some(inside.recent.iter().skip(seen).take(most).cloned().collect())
    }

    /// The position after that change.
    pub(crate) fn after(&self, entry: &Entry) -> Cursor {
        Cursor { log: self.id, number: entry.number }
    }

    /// A receiver that is woken by the next change.
    pub(crate) fn changed(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        // A panic in another thread leaves at worst one person's older status.
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inside {
    fn note(&mut self, event: &'static str, data: Bytes) {
        self.number += 1;
        self.bytes += data.len();
        self.recent.push_back(Entry { number: self.number, event, data });
        while self.recent.len() > CHANGES || self.bytes > BYTES {
            let Some(old) = self.recent.pop_front() else {
                break;
            };
            self.bytes -= old.data.len();
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use porchlight_core::roster::Origin;

    /// A person as a roster would show them.
    pub(crate) fn person(user: &str, status: &str) -> PersonView {
        PersonView {
            user: user.to_owned(),
            name: user.to_owned(),
            status: status.to_owned(),
            ..PersonView::default()
        }
    }

    /// Appends the change of a new or changed person.
    pub(crate) fn shown(user: &str, status: &str) -> Vec<Change> {
        let after = Some(person(user, status));
        vec![Change { before: None, after, origin: Origin::Live }]
    }

    pub(crate) fn gone(user: &str) -> Vec<Change> {
        let before = Some(person(user, "offline"));
        vec![Change { before, after: None, origin: Origin::Live }]
    }

    fn events(log: &ChangeLog, place: Cursor) -> Option<Vec<(&'static str, u64)>> {
        let entries = log.since(place, usize::MAX)?;
        Some(entries.iter().map(|entry| (entry.event, entry.number)).collect())
    }

    #[test]
    fn a_reader_goes_on_where_it_was() {
        let log = ChangeLog::new(Timestamp::default());
        let first = log.place();
        log.append(shown("alice", "online"));
        let second = log.place();
        log.append(gone("alice"));
        assert_eq!(events(&log, first).unwrap(), [("person", 1), ("forgotten", 2)]);
        assert_eq!(events(&log, second).unwrap(), [("forgotten", 2)]);
        assert_eq!(events(&log, log.place()).unwrap(), []);
        assert_eq!(Cursor::parse(&second.to_string()), Some(second));
    }

    #[test]
    fn a_position_of_another_log_or_of_the_future_is_unknown() {
        let log = ChangeLog::new(Timestamp::from_ms(7).unwrap());
        log.append(shown("alice", "online"));
        for nowhere in ["8-0", "7-2"] {
            assert_eq!(log.since(Cursor::parse(nowhere).unwrap(), 1), None, "{nowhere}");
        }
        for nonsense in ["", "7", "-", "a-b", "7--1", "7-1-1", "99999999999999999999-1"] {
            assert_eq!(Cursor::parse(nonsense), None, "{nonsense}");
        }
    }

    #[test]
    fn what_is_kept_is_bounded_by_number_and_by_bytes() {
        let log = ChangeLog::new(Timestamp::default());
        let before = log.place();
        for _ in 0..=CHANGES {
            log.append(shown("alice", "online"));
        }
        assert_eq!(events(&log, before), None);
        assert_eq!(log.inside().recent.len(), CHANGES);
        for _ in 0..100 {
            log.append(shown("alice", &"x".repeat(BYTES / 50)));
        }
        let inside = log.inside();
        let kept: usize = inside.recent.iter().map(|entry| entry.data.len()).sum();
        assert_eq!(kept, inside.bytes);
        assert!(kept <= BYTES && inside.recent.len() >= 40);
    }

    #[test]
    fn pages_are_everybody_once() {
        let log = ChangeLog::new(Timestamp::default());
        for user in ["d", "a", "c", "b", "e"] {
            log.append(shown(user, "online"));
        }
        let (mut all, mut after) = (String::new(), None);
        loop {
            let page = log.page(after.as_deref(), 2);
            all.extend(page.iter().map(|(user, _)| user.as_str()));
            after = page.last().map(|(user, _)| user.clone());
            if page.len() < 2 {
                break;
            }
        }
        assert_eq!(all, "abcde");
    }
}
