//! Remembers ended credentials, invitations, tokens and memberships, to answer a repeated request to end one.
//!
//! A client repeats a request if the answer was lost or the disk was full. The second answer must be "already
//! ended" and not "unknown". An entry here never grants access.

use super::RemoveMemberError;
use porchlight_core::id::UserId;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// Maximum number of entries. The oldest are forgotten first.
const MAX_ENDED: usize = 1_000;

/// The kind of an ended entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum EndedKind {
    Member,
    Credential,
    Invite,
    Token,
}

/// The ended entries, oldest first.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Tombstones(VecDeque<Entry>);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    kind: EndedKind,
    id: String,
    /// The members who were allowed to end it, in addition to owners.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    of: Vec<UserId>,
}

impl Tombstones {
    pub(super) fn note(&mut self, kind: EndedKind, id: &str, of: Vec<UserId>) {
        // The hub can assign a member's id again.
        self.0.retain(|entry| entry.kind != kind || entry.id != id);
        if self.0.len() >= MAX_ENDED {
            self.0.pop_front();
        }
        self.0.push_back(Entry { kind, id: id.to_owned(), of });
    }

    /// Returns why this cannot be ended now. `by` is the requesting member, or none for an owner.
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
