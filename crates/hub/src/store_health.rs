//! Whether everything that should be on disk is there, and who hears of it.
//!
//! Retained messages and the team are written apart, and either can fail alone. Owns the rule that the host is warned
//! once of each, and hears that everything is saved only once both are. Deliberately writes nothing: see `persistence.rs` and
//! `accounts/ledger.rs`.

use crate::{HubEvent, HubWarning, SaveError};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::mpsc;

/// What is written apart from the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    /// Retained messages.
    Retained,
    /// Members, credentials, invitations and tokens.
    Team,
}

/// Which parts of the store are not saved at present.
#[derive(Debug)]
pub(crate) struct StoreHealth {
    unsaved: Mutex<BTreeSet<Part>>,
    news: mpsc::UnboundedSender<HubEvent>,
}

impl StoreHealth {
    /// Everything is saved, as far as is known.
    pub(crate) fn new(news: mpsc::UnboundedSender<HubEvent>) -> Self {
        Self { unsaved: Mutex::default(), news }
    }

    /// A function to call with the outcome of each write of the team.
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

    /// This part cannot be written, and the host knows that already.
    pub(crate) fn was_reported(&self, part: Part) {
        self.unsaved.lock().unwrap_or_else(PoisonError::into_inner).insert(part);
    }

    /// This part cannot be written. The host hears of it unless it knows.
    pub(crate) fn fails(&self, part: Part, warning: HubWarning) {
        if self.unsaved.lock().unwrap_or_else(PoisonError::into_inner).insert(part) {
            tracing::warn!(code = warning.code(), "{warning}");
            // Nobody listens to a hub that is about to end.
            let _ = self.news.send(HubEvent::StoreFailing(warning));
        }
    }

    /// All of this part is on disk.
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
