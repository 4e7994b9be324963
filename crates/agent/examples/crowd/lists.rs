//! What the lists of a crowd show, and whether all of them are sure of everybody.

use std::collections::HashMap;

use porchlight_core::notification::Notification;
use porchlight_core::view::{ConnectionView, Update};
use serde_json::{Value, json};

/// What one viewer sees.
#[derive(Debug, Clone, Default)]
struct List {
    linked: bool,
    /// The status word of each person, and whether it is in doubt.
    words: HashMap<String, (String, bool)>,
    /// How many of them are online without a doubt.
    certain: usize,
}

/// The lists of a crowd.
#[derive(Debug)]
pub(crate) struct Lists {
    lists: Vec<List>,
    /// How many people a list has; the viewer is not among them.
    others: usize,
    /// How many of the lists are complete and without a doubt.
    sure: usize,
}

impl Lists {
    /// A team of this many people, with the lists of `viewers` of them.
    pub(crate) fn new(team: usize, viewers: usize) -> Self {
        Self { lists: vec![List::default(); viewers], others: team - 1, sure: 0 }
    }

    /// Folds in an update of one list. Returns the lines to print.
    pub(crate) fn show(&mut self, viewer: usize, name: &str, update: &Update) -> Vec<Value> {
        let (all, others) = (self.lists.len(), self.others);
        let list = &mut self.lists[viewer];
        let sure_before = list.is_sure(others);
        if let Some(link) = &update.link {
            list.linked = matches!(link, ConnectionView::Up { .. });
        }
        let mut said = Vec::new();
        let shown = update.joins.iter().chain(&update.changes);
        let shown = shown.map(|person| (&person.user, person.status.as_str(), person.stale));
        // A forgotten person has no status word any more.
        let forgotten = update.leaves.iter().map(|user| (user, "", false));
        for (user, status, stale) in shown.chain(forgotten) {
            if list.put(user, status, stale) {
                said.push(json!({ "viewer": name, "user": user, "status": status }));
            }
        }
        let sure_now = list.is_sure(others);
        let all_before = self.sure == all;
        self.sure = self.sure + usize::from(sure_now) - usize::from(sure_before);
        if (self.sure == all) != all_before {
            said.push(json!({ "sure": self.sure == all }));
        }
        said
    }
}

impl List {
    fn is_sure(&self, others: usize) -> bool {
        self.linked && self.certain == others
    }

    /// Whether the word has changed. The first one is no change.
    fn put(&mut self, user: &str, status: &str, stale: bool) -> bool {
        let certain = |word: &(String, bool)| usize::from(word.0 == "online" && !word.1);
        let word = (status.to_owned(), stale);
        self.certain += certain(&word);
        let before = self.words.insert(user.to_owned(), word);
        self.certain -= before.as_ref().map_or(0, certain);
        before.is_some_and(|before| before.0 != status)
    }
}

/// The line for a notification.
pub(crate) fn notification(viewer: &str, notification: &Notification) -> Value {
    json!({ "viewer": viewer, "notice": format!("{notification:?}") })
}

#[cfg(test)]
mod tests {
    use porchlight_core::view::PersonView;

    use super::*;

    fn person(user: &str, status: &str, stale: bool) -> PersonView {
        PersonView {
            user: user.to_owned(),
            name: user.to_owned(),
            status: status.to_owned(),
            stale,
            ..PersonView::default()
        }
    }

    fn update(changes: Vec<PersonView>, link: Option<ConnectionView>) -> Update {
        Update { link, changes, ..Update::default() }
    }

    const UP: ConnectionView =
        ConnectionView::Up { since: porchlight_core::time::Timestamp::MAX, gap: None };

    #[test]
    fn a_crowd_is_sure_when_all_lists_are_whole_and_nobody_is_doubted() {
        let mut lists = Lists::new(3, 2);
        let both = |stale| vec![person("u0", "online", false), person("u2", "online", stale)];
        assert_eq!(lists.show(0, "u1", &update(both(false), Some(UP))), Vec::<Value>::new());
        assert_eq!(lists.show(1, "u2", &update(both(true), Some(UP))), Vec::<Value>::new());
        let sure = lists.show(1, "u2", &update(vec![person("u2", "online", false)], None));
        assert_eq!(sure, [json!({ "sure": true })]);
        let down =
            ConnectionView::Connecting { as_of: None, retry_at: None, problem: None, host: None };
        assert_eq!(
            lists.show(0, "u1", &update(Vec::new(), Some(down))),
            [json!({ "sure": false })]
        );
        assert_eq!(lists.show(0, "u1", &update(Vec::new(), Some(UP))), [json!({ "sure": true })]);
    }

    #[test]
    fn a_changed_word_is_printed_and_the_first_one_is_not() {
        let mut lists = Lists::new(2, 1);
        let show = |lists: &mut Lists, status, stale| {
            lists.show(0, "u1", &update(vec![person("u0", status, stale)], None))
        };
        assert_eq!(show(&mut lists, "online", false), Vec::<Value>::new());
        assert_eq!(show(&mut lists, "online", true), Vec::<Value>::new());
        let told = json!({ "viewer": "u1", "user": "u0", "status": "offline" });
        assert_eq!(show(&mut lists, "offline", false), [told]);
        let gone = Update { leaves: vec!["u0".to_owned()], ..update(Vec::new(), None) };
        let told = json!({ "viewer": "u1", "user": "u0", "status": "" });
        assert_eq!(lists.show(0, "u1", &gone), [told]);
    }
}
