//! The knocks and waves of this run: bounded, and none taken in twice.

use std::collections::VecDeque;

use super::knock::{IncomingKnock, Outgoing};
use super::waves::IncomingWaves;
use crate::id::UserId;
use crate::signal::SignalId;
use crate::view::signals::ExchangeView;

/// The number of signals that are kept.
const KEPT: usize = 20;
/// The number that is kept while something may still come of the older ones.
const AT_MOST: usize = 40;
/// The number of ids of others' signals that are remembered, so that a late copy is recognised.
const KNOWN: usize = 256;

/// A knock or wave between me and one other person.
#[derive(Debug)]
pub(super) enum Signal {
    Outgoing(Outgoing),
    Incoming(IncomingKnock),
    Waves(IncomingWaves),
}

impl Signal {
    /// Something may still come of it.
    fn is_open(&self) -> bool {
        match self {
            Self::Outgoing(signal) => signal.is_open(),
            Self::Incoming(knock) => knock.is_open(),
            Self::Waves(_) => false,
        }
    }

    pub(super) fn view(&self) -> ExchangeView {
        match self {
            Self::Outgoing(signal) => signal.view(),
            Self::Incoming(knock) => knock.view(),
            Self::Waves(waves) => waves.view(),
        }
    }
}

/// The knocks and waves of this run, the latest last, and the ids of those that others sent.
#[derive(Debug, Default)]
pub(super) struct History {
    pub(super) list: VecDeque<Signal>,
    known: VecDeque<(UserId, SignalId)>,
}

impl History {
    /// Adds a signal; returns those that made room for it.
    pub(super) fn push(&mut self, signal: Signal) -> Vec<Signal> {
        self.list.push_back(signal);
        let mut evicted = Vec::new();
        while self.list.len() > KEPT {
            let done = self.list.iter().position(|signal| !signal.is_open());
            let at = match done {
                Some(at) if at + 1 < self.list.len() => at,
                _ if self.list.len() > AT_MOST => 0,
                _ => break,
            };
            evicted.extend(self.list.remove(at));
        }
        evicted
    }

    /// Remembers the id of somebody's signal.
    pub(super) fn note(&mut self, from: &UserId, id: &SignalId) {
        if self.knows(from, id) {
            return;
        }
        if self.known.len() >= KNOWN {
            self.known.pop_front();
        }
        self.known.push_back((from.clone(), id.clone()));
    }

    pub(super) fn knows(&self, from: &UserId, id: &SignalId) -> bool {
        self.known.iter().any(|(user, known)| user == from && known == id)
    }

    pub(super) fn outgoing(&mut self, with: &UserId, id: &SignalId) -> Option<&mut Outgoing> {
        self.all_outgoing().rev().find(|it| it.header.with == *with && it.header.id == *id)
    }

    pub(super) fn incoming(&mut self, from: &UserId, id: &SignalId) -> Option<&mut IncomingKnock> {
        self.incoming_from(from).rev().find(|it| it.header.id == *id)
    }

    pub(super) fn all_outgoing(&mut self) -> impl DoubleEndedIterator<Item = &mut Outgoing> {
        self.list.iter_mut().filter_map(|signal| match signal {
            Signal::Outgoing(it) => Some(it),
            _ => None,
        })
    }

    pub(super) fn incoming_from(
        &mut self,
        from: &UserId,
    ) -> impl DoubleEndedIterator<Item = &mut IncomingKnock> {
        self.list.iter_mut().filter_map(move |signal| match signal {
            Signal::Incoming(it) if it.header.with == *from => Some(it),
            _ => None,
        })
    }
}
