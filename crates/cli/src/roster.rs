//! The room as a running command knows it: people and the connection, folded from updates.
//!
//! Owns what bars and the live roster show. Deliberately asks nobody: what is not in an update has not changed.

use std::collections::BTreeMap;

use porchlight_agent::clock;
use porchlight_core::id::UserId;
use porchlight_core::time::Timestamp;
use porchlight_core::view::{ConnectionView, Group, PersonView, Update};
use porchlight_core::words;

/// See the module's page.
#[derive(Debug, Default)]
pub(crate) struct KnownRoster {
    /// Who looks, where that is known: they are no part of the others.
    me: Option<String>,
    people: BTreeMap<String, PersonView>,
    link: Option<ConnectionView>,
    /// Whether everybody was read once.
    read: bool,
}

impl KnownRoster {
    /// A room of which nothing is known yet.
    pub(crate) fn new(me: Option<&UserId>) -> Self {
        Self { me: me.map(|me| me.as_str().to_owned()), ..Self::default() }
    }

    /// Takes in what changed.
    pub(crate) fn apply(&mut self, update: &Update) {
        if let Some(link) = &update.link {
            self.read |= matches!(link, ConnectionView::Up { .. });
            self.link = Some(link.clone());
        }
        for person in update.joins.iter().chain(&update.changes) {
            self.people.insert(person.user.clone(), person.clone());
        }
        for user in &update.leaves {
            self.people.remove(user);
        }
    }

    /// Whether everybody was read once: before that, nobody can be counted.
    pub(crate) fn was_read(&self) -> bool {
        self.read
    }

    /// Whether the connection stands.
    pub(crate) fn is_up(&self) -> bool {
        matches!(self.link, Some(ConnectionView::Up { .. }))
    }

    /// Whether nobody is known, and the broker has not shown that it hands out what it stores.
    pub(crate) fn may_be_unread(&self) -> bool {
        self.people.is_empty() && matches!(self.link, Some(ConnectionView::Up { gap: Some(_), .. }))
    }

    /// Since when there is no connection.
    pub(crate) fn as_of(&self) -> Option<Timestamp> {
        match &self.link {
            Some(
                ConnectionView::Connecting { as_of, .. } | ConnectionView::Refused { as_of, .. },
            ) => *as_of,
            _ => None,
        }
    }

    /// Why there is no connection, in words.
    pub(crate) fn problem(&self) -> Option<String> {
        words::problem(self.link.as_ref()?, words::english, clock::local)
    }

    /// Oneself, where one is known and has been seen.
    pub(crate) fn me(&self) -> Option<&PersonView> {
        self.people.get(self.me.as_deref()?)
    }

    /// Everybody else, as they are listed.
    pub(crate) fn others(&self) -> Vec<&PersonView> {
        let mut others: Vec<_> = self.unsorted().collect();
        others.sort_by_cached_key(|person| person.order());
        others
    }

    /// How many of the others stand in that group.
    pub(crate) fn count(&self, group: Group) -> usize {
        self.unsorted().filter(|person| person.group() == group).count()
    }

    /// How many others there are.
    pub(crate) fn total(&self) -> usize {
        self.unsorted().count()
    }

    fn unsorted(&self) -> impl Iterator<Item = &PersonView> {
        self.people.values().filter(|person| Some(&person.user) != self.me.as_ref())
    }
}
