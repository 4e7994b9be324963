//! What passed between me and others: bounded, and nothing taken twice.

use std::collections::VecDeque;

use super::exchange::Exchange;
use crate::id::UserId;
use crate::signal::SignalId;

/// So many can be looked back at.
const KEPT: usize = 20;
/// Those that something may still come of are kept beyond that, but no more than so many in all.
const AT_MOST: usize = 40;
/// The ids of others' signals that are remembered, so that what comes again is known.
const KNOWN: usize = 256;

#[derive(Debug, Default)]
pub(super) struct History {
    list: VecDeque<Exchange>,
    known: VecDeque<(UserId, SignalId)>,
}

impl History {
    /// Takes one in; gives back those that made room for it.
    pub(super) fn push(&mut self, exchange: Exchange) -> Vec<Exchange> {
        self.list.push_back(exchange);
        let mut gone = Vec::new();
        while self.list.len() > KEPT {
            let done = self.list.iter().position(|exchange| !exchange.is_open());
            let at = match done {
                Some(at) if at + 1 < self.list.len() => at,
                _ if self.list.len() > AT_MOST => 0,
                _ => break,
            };
            gone.extend(self.list.remove(at));
        }
        gone
    }

    /// From now on this came before.
    pub(super) fn note(&mut self, from: &UserId, id: &SignalId) {
        if self.knows(from, id) {
            return;
        }
        if self.known.len() >= KNOWN {
            self.known.pop_front();
        }
        self.known.push_back((from.clone(), id.clone()));
    }

    /// Whether this came before.
    pub(super) fn knows(&self, from: &UserId, id: &SignalId) -> bool {
        self.known.iter().any(|(user, known)| user == from && known == id)
    }

    /// What I began with somebody.
    pub(super) fn mine(&mut self, with: &UserId, id: &SignalId) -> Option<&mut Exchange> {
        self.find(true, with, id)
    }

    /// What somebody began with me.
    pub(super) fn theirs(&mut self, with: &UserId, id: &SignalId) -> Option<&mut Exchange> {
        self.find(false, with, id)
    }

    fn find(&mut self, mine: bool, with: &UserId, id: &SignalId) -> Option<&mut Exchange> {
        self.list
            .iter_mut()
            .rev()
            .find(|exchange| exchange.mine == mine && exchange.with == *with && exchange.id == *id)
    }

    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = &Exchange> {
        self.list.iter()
    }

    pub(super) fn iter_mut(&mut self) -> impl DoubleEndedIterator<Item = &mut Exchange> {
        self.list.iter_mut()
    }

    pub(super) fn retain(&mut self, keep: impl FnMut(&Exchange) -> bool) {
        self.list.retain(keep);
    }

    pub(super) fn len(&self) -> usize {
        self.list.len()
    }
}
