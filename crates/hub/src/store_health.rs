//! Tracks whether everything is saved on disk, and reports changes.
//!
//! Retained messages and the team are written separately, and each can fail alone. The host gets one warning
//! for each failure, and one report once both are saved. Deliberately writes nothing: `persistence.rs` and
//! `accounts/ledger.rs` do.

use crate::{HubEvent, HubWarning, SaveError};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::mpsc;

/// A separately written part of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    /// Retained messages.
    Retained,
    /// Members, credentials, invitations and tokens.
    Team,
}

/// The parts of the store that are currently not saved.
#[derive(Debug)]
pub(crate) struct StoreHealth {
    unsaved: Mutex<BTreeSet<Part>>,
    news: mpsc::UnboundedSender<HubEvent>,
}

impl StoreHealth {
    /// Creates the state in which everything is saved.
    pub(crate) fn new(news: mpsc::UnboundedSender<HubEvent>) -> Self {
        Self { unsaved: Mutex::default(), news }
    }

    /// Returns a function to call with the result of each write of the team.
    pub(crate) fn of_team(self: &Arc<Self>) -> impl Fn(Result<(), &SaveError>) + use<> {
        let health = Arc::clone(self);
        move |saved| match saved {
            Ok(()) => health.is_saved(Part::Team),
            Err(SaveError { path, reason }) => {
                let (folder, reason) = (path.clone(), reason.clone());
                health.fails(Part::Team, HubWarning::TeamNotSaved { folder, reason });
            }
        }
    }

    /// Notes that writing this part fails, and that the host already knows.
    pub(crate) fn was_reported(&self, part: Part) {
        self.unsaved.lock().unwrap_or_else(PoisonError::into_inner).insert(part);
    }

    /// Notes that writing this part fails, and warns the host once.
    pub(crate) fn fails(&self, part: Part, warning: HubWarning) {
        if self.unsaved.lock().unwrap_or_else(PoisonError::into_inner).insert(part) {
            tracing::warn!(code = warning.code(), "{warning}");
            // Nobody receives events of a hub that is about to end.
            let _ = self.news.send(HubEvent::StoreFailing(warning));
        }
    }

    /// Notes that this part is completely on disk.
    pub(crate) fn is_saved(&self, part: Part) {
        let mut unsaved = self.unsaved.lock().unwrap_or_else(PoisonError::into_inner);
        if unsaved.remove(&part) && unsaved.is_empty() {
            tracing::info!("the store can be written again, and contains everything");
            let _ = self.news.send(HubEvent::StoreRecovered);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn warning() -> HubWarning {
        HubWarning::StoreNotWritable { folder: "x".into(), reason: "full".to_owned() }
    }

    #[test]
    fn each_part_is_warned_of_once_and_all_is_well_when_both_are_saved() {
        let (tell, mut news) = mpsc::unbounded_channel();
        let health = StoreHealth::new(tell);
        health.is_saved(Part::Team);
        assert!(news.try_recv().is_err(), "nothing was wrong");
        for part in [Part::Team, Part::Retained, Part::Team] {
            health.fails(part, warning());
        }
        for _ in 0..2 {
            assert_eq!(news.try_recv().unwrap(), HubEvent::StoreFailing(warning()));
        }
        health.is_saved(Part::Retained);
        assert!(news.try_recv().is_err(), "the team is not saved yet");
        health.is_saved(Part::Team);
        assert_eq!(news.try_recv().unwrap(), HubEvent::StoreRecovered);
        assert!(news.try_recv().is_err());
    }
}
