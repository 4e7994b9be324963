//! What gave access once and ended: enough to answer a second request to end it.
//!
//! A request to end something may have to be repeated, because its answer was lost or the disk was full. Owns the answer to
//! the second: it has ended, which is not the same as that it never was. It lets nobody in.

use super::RemoveMemberError;
use porchlight_core::id::UserId;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// How many are remembered; the oldest are forgotten first.
const MAX_ENDED: usize = 1_000;

/// What kind of thing ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum EndedKind {
    Member,
    Credential,
    Invite,
    Token,
}

/// The things that ended, oldest first.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Tombstones(VecDeque<Entry>);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    kind: EndedKind,
    id: String,
    /// The members who could have ended it, besides an owner.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    of: Vec<UserId>,
}

impl Tombstones {
    pub(super) fn note(&mut self, kind: EndedKind, id: &str, of: Vec<UserId>) {
        // A member's id can be given again.
        self.0.retain(|entry| entry.kind != kind || entry.id != id);
        if self.0.len() >= MAX_ENDED {
            self.0.pop_front();
        }
        self.0.push_back(Entry { kind, id: id.to_owned(), of });
    }

    /// Why this does not end now. `by` is the member who asks, unless it is an owner.
    pub(super) fn why_not(
        &self,
        kind: EndedKind,
        id: &str,
        by: Option<&UserId>,
    ) -> RemoveMemberError {
        let found = self.0.iter().find(|entry| entry.kind == kind && entry.id == id);
        match (found, by) {
            (None, _) => RemoveMemberError::Unknown,
            (Some(entry), Some(by)) if !entry.of.contains(by) => RemoveMemberError::NotTheirs,
            (Some(_), _) => RemoveMemberError::Already,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ended_is_told_from_what_never_was_and_is_bounded() {
        let mut ended = Tombstones::default();
        let bob = UserId::parse("bob").unwrap();
        let eve = UserId::parse("eve").unwrap();
        for n in 0..=MAX_ENDED {
            ended.note(EndedKind::Credential, &n.to_string(), vec![bob.clone()]);
        }
        let why = |id: &str, by| ended.why_not(EndedKind::Credential, id, by);
        assert_eq!(why("1", None), RemoveMemberError::Already);
        assert_eq!(why("1", Some(&bob)), RemoveMemberError::Already);
        assert_eq!(why("1", Some(&eve)), RemoveMemberError::NotTheirs);
        assert_eq!(why("0", None), RemoveMemberError::Unknown, "forgotten");
        assert_eq!(ended.why_not(EndedKind::Token, "1", None), RemoveMemberError::Unknown);
    }
}
