//! Everybody as they were last summed, and what changed of late.
//!
//! Owns the numbering of changes and how many are kept for readers to go on from. It does not sum: whoever does puts
//! changes up here, and readers come and look, each at its own pace. Nothing here waits for a reader, and none
//! costs memory by being slow: one that has fallen behind what is kept begins again.

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

/// What is kept of the past: so many changes, of so many bytes together.
const CHANGES: usize = 4_096;
const BYTES: usize = 4 * 1024 * 1024;

/// A change of one person, as it goes into a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// One more than that of the change before.
    pub(crate) number: u64,
    /// What kind of change.
    pub(crate) event: &'static str,
    /// JSON on one line.
    pub(crate) data: Bytes,
}

/// A place in the order of changes, as text: the id of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cursor {
    /// Which board: a number says nothing on the board of another run.
    board: u64,
    /// The last change that was seen.
    number: u64,
}

impl Cursor {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (board, number) = text.split_once('-')?;
        Some(Self { board: board.parse().ok()?, number: number.parse().ok()? })
    }
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.board, self.number)
    }
}

/// Everybody, and what changed of late.
#[derive(Debug)]
pub(crate) struct ChangeLog {
    id: u64,
    inside: Mutex<Inside>,
    /// The number of the last change, for those who wait for the next.
    turned: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Inside {
    /// Whether what is shown is everybody. Before, half a team would be taken for a whole one.
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
    /// A board with nobody on it, which nobody looks at before it is opened.
    pub(crate) fn new(now: Timestamp) -> Self {
        let (turned, _) = watch::channel(0);
        Self { id: now.as_ms(), inside: Mutex::default(), turned }
    }

    /// What is shown from now on is everybody.
    pub(crate) fn open(&self) {
        self.inside().open = true;
        self.turned.send_modify(|_| {});
    }

    pub(crate) fn is_open(&self) -> bool {
        self.inside().open
    }

    /// Puts changes up.
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
        self.turned.send_replace(number);
    }

    /// Everybody, in no order; none before the board is open.
    pub(crate) fn people(&self) -> Option<Vec<PersonView>> {
        let inside = self.inside();
        inside.open.then(|| inside.people.values().cloned().collect())
    }

    pub(crate) fn person(&self, user: &str) -> Option<PersonView> {
        self.inside().people.get(user).cloned()
    }

    /// Some people as JSON, in the order of their ids, those after `user`; fewer than `most` where that is the last.
    pub(crate) fn page(&self, after: Option<&str>, most: usize) -> Vec<(String, Bytes)> {
        let inside = self.inside();
        let after = after.map_or(Bound::Unbounded, Bound::Excluded);
        let people = inside.people.range::<str, _>((after, Bound::Unbounded)).take(most);
        people.map(|(user, person)| (user.clone(), answer::to_json(person))).collect()
    }

    /// The present place.
    pub(crate) fn place(&self) -> Cursor {
        Cursor { board: self.id, number: self.inside().number }
    }

    /// What changed after that place, `most` changes at most; none where that is not known any more.
    pub(crate) fn since(&self, place: Cursor, most: usize) -> Option<Vec<Entry>> {
        let inside = self.inside();
        let known = inside.number - inside.recent.len() as u64;
        if place.board != self.id || place.number < known || place.number > inside.number {
            return None;
        }
        let seen = usize::try_from(place.number - known).ok()?;
        Some(inside.recent.iter().skip(seen).take(most).cloned().collect())
    }

    /// The place after that change.
    pub(crate) fn after(&self, entry: &Entry) -> Cursor {
        Cursor { board: self.id, number: entry.number }
    }

    /// To wait for the next change.
    pub(crate) fn changed(&self) -> watch::Receiver<u64> {
        self.turned.subscribe()
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        // Whoever panicked with it left at worst one person's older state.
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

    /// Somebody as a roster would show them.
    pub(crate) fn person(user: &str, status: &str) -> PersonView {
        PersonView {
            user: user.to_owned(),
            name: user.to_owned(),
            status: status.to_owned(),
            ..PersonView::default()
        }
    }

    /// Somebody came, or changed.
    pub(crate) fn shown(user: &str, status: &str) -> Vec<Change> {
        let after = Some(person(user, status));
        vec![Change { before: None, after, origin: Origin::Live }]
    }

    pub(crate) fn gone(user: &str) -> Vec<Change> {
        let before = Some(person(user, "offline"));
        vec![Change { before, after: None, origin: Origin::Live }]
    }

    fn events(board: &ChangeLog, place: Cursor) -> Option<Vec<(&'static str, u64)>> {
        let entries = board.since(place, usize::MAX)?;
        Some(entries.iter().map(|entry| (entry.event, entry.number)).collect())
    }

    #[test]
    fn a_reader_goes_on_where_it_was() {
        let board = ChangeLog::new(Timestamp::default());
        let first = board.place();
        board.append(shown("alice", "online"));
        let second = board.place();
        board.append(gone("alice"));
        assert_eq!(events(&board, first).unwrap(), [("person", 1), ("forgotten", 2)]);
        assert_eq!(events(&board, second).unwrap(), [("forgotten", 2)]);
        assert_eq!(events(&board, board.place()).unwrap(), []);
        assert_eq!(Cursor::parse(&second.to_string()), Some(second));
    }

    #[test]
    fn a_place_of_another_board_or_of_the_future_is_nowhere() {
        let board = ChangeLog::new(Timestamp::from_ms(7).unwrap());
        board.append(shown("alice", "online"));
        for nowhere in ["8-0", "7-2"] {
            assert_eq!(board.since(Cursor::parse(nowhere).unwrap(), 1), None, "{nowhere}");
        }
        for nonsense in ["", "7", "-", "a-b", "7--1", "7-1-1", "99999999999999999999-1"] {
            assert_eq!(Cursor::parse(nonsense), None, "{nonsense}");
        }
    }

    #[test]
    fn what_is_kept_is_bounded_by_number_and_by_bytes() {
        let board = ChangeLog::new(Timestamp::default());
        let before = board.place();
        for _ in 0..=CHANGES {
            board.append(shown("alice", "online"));
        }
        assert_eq!(events(&board, before), None);
        assert_eq!(board.inside().recent.len(), CHANGES);
        for _ in 0..100 {
            board.append(shown("alice", &"x".repeat(BYTES / 50)));
        }
        let inside = board.inside();
        let kept: usize = inside.recent.iter().map(|entry| entry.data.len()).sum();
        assert_eq!(kept, inside.bytes);
        assert!(kept <= BYTES && inside.recent.len() >= 40);
    }

    #[test]
    fn pages_are_everybody_once() {
        let board = ChangeLog::new(Timestamp::default());
        for user in ["d", "a", "c", "b", "e"] {
            board.append(shown(user, "online"));
        }
        let (mut all, mut after) = (String::new(), None);
        loop {
            let page = board.page(after.as_deref(), 2);
            all.extend(page.iter().map(|(user, _)| user.as_str()));
            after = page.last().map(|(user, _)| user.clone());
            if page.len() < 2 {
                break;
            }
        }
        assert_eq!(all, "abcde");
    }
}
