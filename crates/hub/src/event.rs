//! What a running hub reports to the program that runs it.

use crate::HubWarning;

/// What a running hub has to tell its host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HubEvent {
    /// Retained messages, or changes to the team, cannot be saved at present. Presence goes on; the warning says what to do.
    StoreFailing(HubWarning),
    /// Both are saved again.
    StoreRecovered,
    /// Somebody asks to be let in without an invitation. A member says whether they are.
    Asked {
        /// Who they say they are, fit to be shown.
        name: String,
        /// The four digits that they see, too.
        code: String,
    },
    /// The broker ended by itself, and nobody is served any more. Start another hub.
    Ended {
        /// What the broker said.
        reason: String,
    },
}
