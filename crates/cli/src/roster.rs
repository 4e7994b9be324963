//! The people and the connection as a running command knows them, folded from updates.
//!
//! Owns what status bars and the live list show. It never asks for anything: what is not in an update is unchanged.

use std::collections::BTreeMap;

use porchlight_agent::clock;
use porchlight_core::id::UserId;
use porchlight_core::time::Timestamp;
use porchlight_core::view::{ConnectionView, Group, PersonView, Update};
use porchlight_core::words;

use crate::failure::Failure;

/// The people of a team and the state of the connection, as of the last update.
#[derive(Debug, Default)]
pub(crate) struct KnownRoster {
    /// The user's own id, if known. They do not count as one of the others.
    me: Option<String>,
    people: BTreeMap<String, PersonView>,
    connection: Option<ConnectionView>,
    /// Whether everybody was read once.
    was_read: bool,
}

impl KnownRoster {
    /// A roster of which nothing is known yet.
    pub(crate) fn new(me: Option<&UserId>) -> Self {
        Self { me: me.map(|me| me.as_str().to_owned()), ..Self::default() }
    }

    /// Folds in what changed.
    pub(crate) fn apply(&mut self, update: &Update) {
        if let Some(connection) = &update.link {
            self.was_read |= matches!(connection, ConnectionView::Up { .. });
            self.connection = Some(connection.clone());
        }
        for person in update.joins.iter().chain(&update.changes) {
            self.people.insert(person.user.clone(), person.clone());
        }
        for user in &update.leaves {
            self.people.remove(user);
        }
    }

    /// Whether everybody was read once. Before that, nobody can be counted.
    pub(crate) fn was_read(&self) -> bool {
        self.was_read
    }

    /// Whether there is a connection now.
    pub(crate) fn is_up(&self) -> bool {
        matches!(self.connection, Some(ConnectionView::Up { .. }))
    }

    /// Whether nobody is known and the broker has not shown yet that it hands out stored messages.
    pub(crate) fn may_be_unread(&self) -> bool {
        self.people.is_empty()
            && matches!(self.connection, Some(ConnectionView::Up { gap: Some(_), .. }))
    }

    /// Since when there is no connection.
    pub(crate) fn as_of(&self) -> Option<Timestamp> {
        match &self.connection {
            Some(
                ConnectionView::Connecting { as_of, .. } | ConnectionView::Refused { as_of, .. },
            ) => *as_of,
            _ => None,
        }
    }

    /// Why there is no connection, as a sentence.
    pub(crate) fn problem(&self) -> Option<String> {
        words::problem(self.connection.as_ref()?, words::english, clock::local)
    }

    /// The user's own entry, if they are known and were seen.
    pub(crate) fn me(&self) -> Option<&PersonView> {
        self.people.get(self.me.as_deref()?)
    }

    /// Everybody else, in the order of lists.
    pub(crate) fn others(&self) -> Vec<&PersonView> {
        let mut others: Vec<_> = self.unsorted().collect();
        others.sort_by_cached_key(|person| person.order());
        others
    }

    /// How many of the others are in that group.
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

/// Finds a person by id, or by a name that only one person has. Names are compared without case.
pub(crate) fn find_person<'a>(
    people: impl IntoIterator<Item = &'a PersonView>,
    id_or_name: &str,
) -> Result<Option<&'a PersonView>, Failure> {
    let id_or_name = id_or_name.trim();
    let wanted = id_or_name.to_lowercase();
    let mut named = Vec::new();
    for person in people {
        if person.user == id_or_name {
            return Ok(Some(person));
        }
        if person.name.to_lowercase() == wanted {
            named.push(person);
        }
    }
    match named[..] {
        [] => Ok(None),
        [one] => Ok(Some(one)),
        [..] => {
            let ids: Vec<_> = named.iter().map(|person| person.user.as_str()).collect();
            Err(Failure::Usage(format!(
                "more than one person is called {id_or_name}; use one of their ids instead: {}",
                ids.join(", ")
            )))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_is_found_by_id_or_by_a_name_of_their_own() {
        let person = |user: &str, name: &str| PersonView {
            user: user.to_owned(),
            name: name.to_owned(),
            ..PersonView::default()
        };
        let people = [
            person("anna", "Anna"),
            person("anna-2", "anna"),
            person("bob", "Bob"),
            person("Bob", "Eve"),
        ];
        let find = |wanted: &str| {
            find_person(&people, wanted).map(|found| found.map(|person| person.user.as_str()))
        };
        assert_eq!(find("anna-2").unwrap(), Some("anna-2"));
        assert_eq!(find(" bOb ").unwrap(), Some("bob"));
        assert_eq!(find("Bob").unwrap(), Some("Bob"), "an id comes before a name");
        assert_eq!(find("carol").unwrap(), None);
        let error = find("ANNA").unwrap_err();
        assert!(matches!(&error, Failure::Usage(_)));
        assert!(error.message().ends_with("anna, anna-2"), "{}", error.message());
    }
}
